/**
 * @module Whose authority and whose browsers are meant. With sudo that is not root, but who typed it: root has no browser, and an authority in
 * root's home is not the one that the gateway uses.
 */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { PortolanError } from "../../core/index.ts";
import { homeFolderOf, stateFolderOf } from "../../store/index.ts";

/** A user. */
export interface TrustOwner {
  /** Home folder, where the browsers have theirs. */
  readonly home: string;
  /** Where the user's authority is. */
  readonly stateFolder: string;
  /** Whether this process may change what is the system's. */
  readonly isRoot: boolean;
  /** The user's ids when this process runs as another one: root by sudo, doas or pkexec. */
  readonly behind: { readonly uid: number; readonly gid: number } | null;
  /** Environment for programs that work for the user. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Longest time to look up a user, milliseconds. */
const lookUpTimeoutMs = 10_000;

/**
 * Who typed a command that runs as root: number or name, as sudo(8), pkexec(1) and doas(1) tell it; `null` for root itself.
 * Asked of root alone: anybody else can write into the environment what he likes.
 */
export function whoBorrowsRoot(environment: Environment): string | null {
  const typedBy = environment["SUDO_UID"] ?? environment["PKEXEC_UID"] ?? environment["DOAS_USER"] ?? "";
  return typedBy === "" || typedBy === "0" || typedBy === "root" ? null : typedBy;
}

/**
 * Whose it is.
 * @throws AUTHORITY_UNUSABLE when the user who typed sudo is not known to the system
 */
export async function findTrustOwner(environment: Environment): Promise<TrustOwner> {
  const isRoot = process.geteuid?.() === 0;
  const typedBy = isRoot ? whoBorrowsRoot(environment) : null;
  const entry = typedBy === null ? undefined : await findUser(typedBy);
  if (entry === undefined || entry.uid === 0) {
    const home = homeFolderOf(environment);
    return { home, stateFolder: stateFolderOf(environment), isRoot, behind: null, environment };
  }
  const { uid, gid, home, name } = entry;
  // The XDG folders of this environment are root's, unless it is the user's own that sudo has kept.
  const kept = environment["HOME"] === home ? environment : withoutXdg(environment);
  const own = { ...kept, HOME: home, USER: name, LOGNAME: name };
  return { home, stateFolder: stateFolderOf(own), isRoot, behind: { uid, gid }, environment: own };
}

function withoutXdg(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("XDG_")));
}

interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

/** passwd(5), then whatever else the system asks for its users (getent(1)). */
async function findUser(wanted: string): Promise<UserEntry> {
  const found = readEntries(readFileSync("/etc/passwd", "utf8")).find((entry) => isWanted(entry, wanted));
  if (found !== undefined) return found;
  try {
    const { stdout } = await promisify(execFile)("getent", ["passwd", wanted], { timeout: lookUpTimeoutMs });
    const [entry] = readEntries(stdout);
    if (entry !== undefined) return entry;
  } catch {
    // Neither of them knows it.
  }
  throw new PortolanError("AUTHORITY_UNUSABLE", `The system does not know the user ${wanted} for whom this is done.`, {
    details: { user: wanted, hint: "Run it without sudo; it says what takes root." },
  });
}

function isWanted({ name, uid }: UserEntry, wanted: string): boolean {
  return String(uid) === wanted || name === wanted;
}

function readEntries(text: string): UserEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, , uid, gid, , home] = line.split(":");
    return name === undefined || uid === undefined || gid === undefined || home?.startsWith("/") !== true
      ? []
      : [{ name, uid: Number(uid), gid: Number(gid), home }];
  });
}

/** Does something as the user: files that it makes are the user's, and what the user may not read is not read. */
export async function asOwner<Value>({ behind }: TrustOwner, act: () => Value | Promise<Value>): Promise<Value> {
  if (behind === null) return act();
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  process.setegid!(behind.gid);
  process.seteuid!(behind.uid);
  try {
    return await act();
  } finally {
    process.seteuid!(uid);
    process.setegid!(gid);
  }
}
