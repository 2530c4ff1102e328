/**
 * @module Everything that some programs started, also what has left them, and ending all of it.
 *
 * A program's children are found by their parents, by its group and session, and those that have left both (daemons) by a mark in the environment
 * that they got from it (proc_pid_environ(5)). Without /proc there are the groups alone.
 */
import { readFileSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { readProcessStat } from "../host/index.ts";
import { readProcessIdentity } from "./process-handle.ts";

/** A program that leads a session of its own, as `startApp` starts it. */
export interface FamilyLeader {
  readonly pid: number;
  /** What tells it from a later process of that pid (`readProcessIdentity`), `null` where the system does not tell. */
  readonly identity: string | null;
}

/** Some programs with all that they started. */
export interface Family {
  readonly leaders: readonly FamilyLeader[];
  /** Each as `NAME=value` stands in the environment of its program and of all that it started; no other process has it. */
  readonly marks: readonly string[];
  /** Never these: they carry the mark, but are to stay. */
  readonly spared: readonly number[];
}

/** How a family is ended. */
export interface FamilyEnding {
  /** What the programs' groups get first. */
  readonly signal: NodeJS.Signals;
  /** After so long SIGTERM for those that are left, and after as long again SIGKILL, milliseconds. */
  readonly graceMs: number;
  /** When it aborts, SIGKILL at once. */
  readonly hurry: AbortSignal;
}

/** Time between two looks, milliseconds: often at first. */
const pacesMs = [10, 20, 30, 50, 75, 100] as const;
/** What SIGKILL does not end within this time is not going to end, milliseconds: it waits for a device, or belongs to somebody else. */
const patienceMs = 5000;

/**
 * Ends it.
 * @returns what could not be ended
 */
export async function endFamily(family: Family, { signal, graceMs, hurry }: FamilyEnding): Promise<readonly number[]> {
  const startMs = performance.now();
  const told = new Set<number>();
  // Who leads now: the group keeps its number as long as anybody is in it, also when its leader ends first.
  const groups = new Set(groupsOf(family));
  for (const group of groups) signalGroup(group, signal);
  for (let round = 0; ; round += 1) {
    const left = listFamily(family, groups);
    if (left.length === 0) return [];
    const elapsedMs = performance.now() - startMs;
    const kill = hurry.aborted || elapsedMs >= 2 * graceMs;
    if (kill) for (const pid of left) send(pid, "SIGKILL");
    else {
      // What has left the groups was told nothing; it is when nobody is left who would.
      const alone = !left.some((pid) => groups.has(readProcessStat(pid)?.processGroup ?? 0));
      if (alone || elapsedMs >= graceMs)
        for (const pid of left) if (!told.has(pid) && told.add(pid)) send(pid, "SIGTERM");
    }
    if (elapsedMs > 2 * graceMs + patienceMs) return left;
    await pause(pacesMs[Math.min(round, pacesMs.length - 1)], undefined, { signal: kill ? undefined : hurry }).catch(
      () => undefined,
    );
  }
}

/**
 * Everybody of it that lives.
 * @param groups numbers of groups that are its
 */
export function listFamily(
  { leaders, marks, spared }: Family,
  groups: ReadonlySet<number> = new Set(groupsOf({ leaders })),
): number[] {
  const children = new Map<number, number[]>();
  const found = new Set<number>();
  const others = new Set([process.pid, ...spared]);
  const marked = marks.map((mark) => Buffer.from(`\0${mark}\0`));
  const pids = listPids();
  if (pids === null) return [...groups].filter((pid) => send(-pid, 0));
  for (const pid of pids) {
    const stat = readProcessStat(pid);
    if (stat === undefined || stat.state === "Z" || stat.state === "X" || others.has(pid)) continue;
    const siblings = children.get(stat.parentPid);
    if (siblings === undefined) children.set(stat.parentPid, [pid]);
    else siblings.push(pid);
    if (groups.has(pid) || groups.has(stat.processGroup) || groups.has(stat.sessionId) || carries(pid, marked))
      found.add(pid);
  }
  // A set grows while it is walked through: children of children are met, too.
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** Passes a signal to everybody in the leaders' groups. */
export function signalFamily(family: Pick<Family, "leaders">, signal: NodeJS.Signals): void {
  for (const group of groupsOf(family)) signalGroup(group, signal);
}

/** Groups whose leaders are there; of one that has ended the number may be somebody else's by now, and its members are known by their mark. */
function groupsOf({ leaders }: Pick<Family, "leaders">): number[] {
  return leaders
    .filter(({ pid, identity }) => identity === null || readProcessIdentity(pid) === identity)
    .map(({ pid }) => pid);
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  // Where there are no groups it is the program alone.
  if (!send(-pid, signal)) send(pid, signal);
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** @param marked with a NUL on both sides */
function carries(pid: number, marked: readonly Buffer[]): boolean {
  try {
    return holdsAny(Buffer.concat([nul, readFileSync(`/proc/${pid}/environ`), nul]), marked);
  } catch {
    // Somebody else's, or gone.
    return false;
  }
}

const nul = Buffer.alloc(1);

function holdsAny(bytes: Buffer, parts: readonly Buffer[]): boolean {
  return parts.some((part) => bytes.includes(part));
}

function listPids(): number[] | null {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return null;
  }
}
