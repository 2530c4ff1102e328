/**
 * @module Processes as ps(1) prints them: macOS, FreeBSD, OpenBSD, NetBSD and Linux know the same keywords.
 */
import { known, unknown, type Known } from "../../core/index.ts";
import type { Process } from "../host.ts";

/** Every process, every column in full, no headings. The last column may hold blanks, the others cannot. */
export const processWords: readonly string[] = [
  "-A",
  "-ww",
  ...["pid", "ppid", "ruid", "ruser", "rss", "lstart", "comm"].flatMap((keyword) => ["-o", `${keyword}=`]),
];

/** The arguments alone, since a line can have one column with blanks only. */
export const argumentWords: readonly string[] = ["-A", "-ww", "-o", "pid=", "-o", "args="];

/** What ps tells of a process. */
export type ListedProcess = Pick<
  Process,
  "pid" | "parentPid" | "name" | "uid" | "userName" | "startTimeMs" | "executable" | "memoryBytes"
>;

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** pid, parent, real user id, real user, KiB of memory, start (`Mon Nov 23 16:31:10 2026`, local time), command. */
const processLine =
  /^ *(\d{1,10}) +(\d{1,10}) +(-?\d{1,10}) +(\S+) +(\d{1,15}) +\w{3} +(\w{3}) +(\d{1,2}) +(\d{2}):(\d{2}):(\d{2}) +(\d{4}) +(.*)$/;

/** Reads what `processWords` ask for; lines of another form are left out. */
export function parseProcesses(text: string): ReadonlyMap<number, ListedProcess> {
  const processes = new Map<number, ListedProcess>();
  for (const line of text.split("\n")) {
    const match = processLine.exec(line);
    if (match === null) continue;
    const [, pid, parent, user = "", userName = "", memory, monthName = "", day, hour, minute, second, year] = match;
    const month = months.indexOf(monthName);
    const command = (match[12] ?? "").trimEnd();
    // macOS prints the path of the executable, the others the kernel's short name.
    const isPath = command.startsWith("/");
    const uid = Number(user);
    processes.set(Number(pid), {
      pid: Number(pid),
      parentPid: known(Number(parent)),
      name: known(isPath ? command.slice(command.lastIndexOf("/") + 1) : command),
      // macOS prints the user `nobody`, 4294967294, as -2.
      uid: known(uid < 0 ? uid + 2 ** 32 : uid),
      userName: known(userName === user ? null : userName),
      startTimeMs:
        month < 0
          ? unknown("unsupported")
          : known(new Date(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)).getTime()),
      executable: isPath ? known(command) : unknown("unsupported"),
      memoryBytes: known(Number(memory) * 1024),
    });
  }
  return processes;
}

/**
 * Reads what `argumentWords` ask for. ps joins arguments by blanks, so that one which holds a blank comes apart here: how they
 * were cannot be told any more.
 */
export function parseArguments(text: string): ReadonlyMap<number, readonly string[]> {
  const found = new Map<number, readonly string[]>();
  for (const line of text.split("\n")) {
    const match = /^ *(\d{1,10}) (.*)$/.exec(line);
    if (match === null) continue;
    found.set(Number(match[1]), match[2]!.split(" ").filter(Boolean));
  }
  return found;
}

/** Everything together; a pid that ps did not list has ended. */
export function describeProcess(
  pid: number,
  listed: ListedProcess | undefined,
  words: readonly string[] | undefined,
  workingDirectory: string | undefined,
): Process {
  const gone = unknown("gone");
  const untold: Known<never> = listed === undefined ? gone : unknown("unsupported");
  return {
    pid,
    parentPid: listed?.parentPid ?? gone,
    name: listed?.name ?? gone,
    arguments: listed === undefined || words === undefined ? gone : known(words),
    uid: listed?.uid ?? gone,
    userName: listed?.userName ?? gone,
    startTimeMs: listed?.startTimeMs ?? gone,
    // lsof tells it of the processes that this user may look into.
    workingDirectory:
      listed === undefined ? gone : workingDirectory === undefined ? unknown("permission") : known(workingDirectory),
    executable: listed?.executable ?? gone,
    executableDeleted: false,
    memoryBytes: listed?.memoryBytes ?? gone,
    controlGroup: untold,
  };
}
