/**
 * @module A user by the system's own tables: passwd(5), then whatever else it asks for its users (getent(1); `id -P` of macOS and the BSDs).
 */
import { readFileSync } from "node:fs";
import { runProgram } from "./run-program.ts";

/** An entry of the user database. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absolute path. */
  readonly home: string;
}

/** How long the user database may take, milliseconds. */
const deadlineMs = 5000;

/**
 * Looks one up.
 * @param wanted number or name
 * @returns `null` when the system does not know such a user, or one without a home folder
 */
export async function findSystemUser(
  wanted: string,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<SystemUser | null> {
  const listed = readEntries(readPasswd()).find(({ name, uid }) => String(uid) === wanted || name === wanted);
  if (listed !== undefined) return listed;
  const [program, words] =
    process.platform === "linux" ? (["getent", ["passwd", wanted]] as const) : (["id", ["-P", wanted]] as const);
  const outcome = await runProgram(program, words, { deadlineMs, signal, environment });
  return outcome.ended === "well" ? (readEntries(outcome.output)[0] ?? null) : null;
}

function readPasswd(): string {
  try {
    return readFileSync("/etc/passwd", "utf8");
  } catch {
    return "";
  }
}

/** `id -P` has three fields more than passwd(5), before the last three (master.passwd(5)): the home folder is the last but one in both. */
function readEntries(text: string): SystemUser[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.split(":");
    const [name = "", , uid = "", gid = ""] = fields;
    const home = fields.at(-2) ?? "";
    if (name === "" || !/^\d+$/.test(uid) || !/^\d+$/.test(gid) || !home.startsWith("/")) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home }];
  });
}
