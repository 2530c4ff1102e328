/**
 * @module Who a process is: name, arguments, user, start time, working directory, executable, memory.
 */
import { readlinkSync } from "node:fs";
import { known, unknown, type Known } from "../../core/index.ts";
import { describeGone } from "../gone-process.ts";
import type { Process } from "../host.ts";
import { readBytes, readText, unknownBecause, type FileTree } from "./file-tree.ts";
import { parseProcessStat, type ProcessStat } from "./process-stat.ts";

/** Most bytes of arguments that are read; the kernel allows 6 MiB (execve(2), 3/4 of _STK_LIM). */
const longestArguments = 2 << 20;
const ticksPerSecond = 100;
const clockDoubtMs = 50;
const deletedSuffix = " (deleted)";

/** Reads processes and remembers them. */
export interface ProcessReader {
  processOf(pid: number): Process;
}

/**
 * A reader of one tree's processes; nothing is read until asked.
 *
 * A pid can have passed to another process since the holders were looked for. One that started after `notAfterMs` was not
 * there then, so that its pid's former owner is told as gone; the clock's steps leave a doubt of 50 ms.
 */
export function createProcessReader(tree: FileTree, notAfterMs: number): ProcessReader {
  const remembered = new Map<number, Process>();
  let bootTimeMs: Known<number> | undefined;
  let userNames: ReadonlyMap<number, string> | undefined;
  let pageSize: number | undefined;

  function read(pid: number): Process {
    const folder = `/proc/${pid}`;
    const stat = attempt(() => {
      const record = parseProcessStat(readBytes(`${tree.root}${folder}/stat`, 4096));
      return record === undefined ? unknown("unsupported") : known(record);
    });
    if (!stat.known && stat.why === "gone") return describeGone(pid);
    const startTimeMs = startTimeOf(stat);
    if (startTimeMs.known && tree.root === "" && startTimeMs.value > notAfterMs + clockDoubtMs)
      return describeGone(pid);
    const uid = attempt(() => realUidOf(readBytes(`${tree.root}${folder}/status`, 1 << 14)));
    const kernelThread = stat.known && stat.value.kernelThread;
    const executable = attempt((): Known<string> => known(readlinkSync(`${tree.root}${folder}/exe`)));
    const deleted = executable.known && executable.value.endsWith(deletedSuffix);
    return {
      pid,
      parentPid: field(stat, (record) => record.parentPid),
      name: field(stat, (record) => record.name),
      arguments: attempt(() => known(splitArguments(readBytes(`${tree.root}${folder}/cmdline`, longestArguments)))),
      uid,
      userName: field(uid, (id) => (userNames ??= readUserNames(tree)).get(id) ?? null),
      startTimeMs,
      workingDirectory: attempt((): Known<string> => known(readlinkSync(`${tree.root}${folder}/cwd`))),
      executable: deleted
        ? known(executable.value.slice(0, -deletedSuffix.length))
        : // A kernel thread has no executable, which the kernel words as if it had ended.
          kernelThread && !executable.known
          ? unknown("unsupported")
          : executable,
      executableDeleted: deleted,
      memoryBytes: field(stat, (record) => record.residentPages * (pageSize ??= readPageSize(tree))),
      controlGroup: attempt(() =>
        known(
          readBytes(`${tree.root}${folder}/cgroup`, 1 << 16)
            .toString("utf8")
            .trimEnd(),
        ),
      ),
    };
  }

  function startTimeOf(stat: Known<ProcessStat>): Known<number> {
    if (!stat.known) return stat;
    bootTimeMs ??= readBootTime(tree);
    if (!bootTimeMs.known) return bootTimeMs;
    return known(bootTimeMs.value + stat.value.startTicks * (1000 / ticksPerSecond));
  }

  return {
    processOf(pid) {
      let process = remembered.get(pid);
      if (process === undefined) {
        process = read(pid);
        remembered.set(pid, process);
      }
      return process;
    },
  };
}

function attempt<T>(read: () => Known<T>): Known<T> {
  try {
    return read();
  } catch (error) {
    return unknownBecause(error);
  }
}

function field<T, R>(fact: Known<T>, select: (value: T) => R): Known<R> {
  return fact.known ? known(select(fact.value)) : fact;
}

/**
 * Arguments end in NUL each. A process that has written a title over them leaves text without, or padded with NULs to the
 * length of what it overwrote: more than three at the end are taken for that. What is cut off at the limit is missing.
 */
export function splitArguments(bytes: Buffer): readonly string[] {
  if (bytes.length === 0) return [];
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  const padding = bytes.length - end;
  if (padding >= 1 && padding <= 3) end = bytes.length - 1;
  return bytes.toString("utf8", 0, end).split("\0");
}

/** The first number of the line `Uid: real effective saved filesystem`; the name in the file's first line is escaped. */
function realUidOf(bytes: Buffer): Known<number> {
  const match = /\nUid:\s*(\d+)/.exec(bytes.toString("latin1"));
  return match === null ? unknown("unsupported") : known(Number(match[1]));
}

/**
 * When the machine started, milliseconds since the Unix epoch: the clock less /proc/uptime, read once. Two readings differ
 * by up to 10 ms (uptime has two decimals) and by what the clock was set in between. `btime` of /proc/stat has whole seconds only.
 */
let liveBootTimeMs: Known<number> | undefined;

function readBootTime(tree: FileTree): Known<number> {
  if (tree.root === "") return (liveBootTimeMs ??= measureBootTime(tree));
  // In a saved tree the clock of its saving is not known; whole seconds are.
  const match = /^btime (\d{1,12})$/m.exec(readText(tree, "/proc/stat", 1 << 22) ?? "");
  return match === null ? unknown("unsupported") : known(Number(match[1]) * 1000);
}

function measureBootTime(tree: FileTree): Known<number> {
  const nowMs = Date.now();
  const uptime = Number.parseFloat(readText(tree, "/proc/uptime", 128) ?? "");
  const own = parseProcessStat(readBytes("/proc/self/stat", 4096));
  const ownAgeMs = own === undefined ? 0 : own.startTicks * (1000 / ticksPerSecond);
  if (Number.isFinite(uptime)) {
    const bootTimeMs = nowMs - Math.round(uptime * 1000);
    // Some containers (lxcfs) show their own uptime, by which this program would start in the future.
    if (bootTimeMs + ownAgeMs < nowMs + 1000) return known(bootTimeMs);
  }
  return own === undefined ? unknown("unsupported") : known(nowMs - Math.round(process.uptime() * 1000) - ownAgeMs);
}

/** From /proc/PID/auxv, where AT_PAGESZ (6) is given to every process; 4 KiB when there is none to read. */
function readPageSize(tree: FileTree): number {
  if (tree.root !== "") return 4096;
  try {
    const bytes = readBytes("/proc/self/auxv", 1024);
    for (let at = 0; at + 16 <= bytes.length; at += 16) {
      if (bytes.readUInt32LE(at) === 6) return bytes.readUInt32LE(at + 8);
    }
  } catch {
    // Not readable for a process that has changed its user; nearly every machine has pages of 4 KiB.
  }
  return 4096;
}

/** Login names by user id, first entry first. Names from directory services (NSS) are not known here. */
function readUserNames(tree: FileTree): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of (readText(tree, "/etc/passwd", 1 << 22) ?? "").split("\n")) {
    const [name, , id] = line.split(":", 3);
    if (name === undefined || name === "" || id === undefined || !/^\d{1,10}$/.test(id)) continue;
    if (!names.has(Number(id))) names.set(Number(id), name);
  }
  return names;
}
