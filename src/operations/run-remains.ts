/**
 * @module What goes on of a program of `run` that has ended well: a daemon, which listens where the program was to listen.
 *
 * Only the application's own port counts. A build that leaves a helper of its own behind (Gradle, adb) listens elsewhere, and is no reason to stay.
 */
import { setTimeout as pause } from "node:timers/promises";
import { endFamily, listFamily, readProcessIdentity, type EndWishes, type FamilyLeader } from "../act/index.ts";
import { isListening, knownOr, linkAbort, type Port } from "../core/index.ts";
import type { Host } from "../host/host.ts";
import { readProcessStat } from "../host/index.ts";
import { familyOf } from "../project/index.ts";

/** Variable by which everything that a program of `run` starts is known. */
export const runMarkVariable = "PORTOLAN_RUN";

/** A daemon that is being started is waited for, milliseconds; most listen before the program that started them ends. */
const startingMs = 3000;
const startingPaceMs = 50;
/** Time between two looks at one that listens, milliseconds. */
const paceMs = 500;
/** Who does not listen in so many looks has ended: one that starts itself again is away for a moment. */
const mostMissed = 2;
/** A daemon that does not end when it is asked to is asked again after this, and killed after twice as long, milliseconds. */
const graceMs = 5000;

/** Where and whose. */
export interface RemainsWish {
  readonly port: Port;
  /** `NAME=value`, as it stands in the program's environment. */
  readonly mark: string;
  readonly host: Host;
  readonly stateFolder: string;
}

/** Who listens at the port now. */
export interface Remains {
  /** `null` when the system does not tell whose the socket is: another user's, or a container's. */
  readonly pid: number | null;
}

/** How they ended. */
export interface RemainsEnd {
  /** Signal that asked them to. */
  readonly signal: NodeJS.Signals | null;
  /** Processes that would not end. */
  readonly left: readonly number[];
  /** The port is listened at by somebody who could not be asked. */
  readonly unknown: boolean;
}

/** Looks who goes on in place of a program that has ended. @returns `undefined` when nobody does */
export async function findRemains(wish: RemainsWish, signal: AbortSignal): Promise<Remains | undefined> {
  const untilMs = performance.now() + startingMs;
  while (!signal.aborted) {
    const found = await findListener(wish);
    if (found !== undefined) return found === "somebody" ? undefined : found;
    const { spared } = await familyOf(wish.stateFolder, { leaders: [], marks: [] });
    const alive = listFamily({ leaders: [], marks: [wish.mark], spared });
    if (alive.length === 0 || performance.now() >= untilMs) return undefined;
    await pause(startingPaceMs, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/** Stays as long as somebody of it listens. The first signal asks all of it to end, the next one kills it. */
export async function untilRemainsEnd(
  wish: RemainsWish,
  found: Remains,
  asked: EndWishes,
  signal: AbortSignal,
  onOther: (pid: number) => Promise<void>,
): Promise<RemainsEnd> {
  let { pid } = found;
  const linked = linkAbort(signal);
  const forget = asked.onFirst(() => linked.abort());
  try {
    for (let missed = 0; missed < mostMissed && !linked.signal.aborted;) {
      await pause(paceMs, undefined, { signal: linked.signal }).catch(() => undefined);
      const now = await findListener(wish);
      missed = now === undefined || now === "somebody" ? missed + 1 : 0;
      if (now === undefined || now === "somebody" || now.pid === null || now.pid === pid) continue;
      pid = now.pid;
      await onOther(pid);
    }
  } finally {
    forget();
    linked.release();
  }
  if (asked.first === null) return { signal: null, left: [], unknown: false };
  if (pid === null) return { signal: asked.first, left: [], unknown: true };
  const identity = readProcessIdentity(pid);
  // One that has just gone leads nobody: its number may be somebody else's.
  const gone = identity === undefined && process.platform === "linux";
  const leaders: readonly FamilyLeader[] = gone ? [] : [{ pid, identity: identity ?? null }];
  const family = await familyOf(wish.stateFolder, { leaders, marks: [wish.mark] });
  const left = await endFamily(family, { signal: asked.first, graceMs, hurry: asked.again });
  return { signal: asked.first, left, unknown: false };
}

/** @returns `somebody`: a process that was there before this one, and so is none of the program's */
async function findListener({ port, mark, host }: RemainsWish): Promise<Remains | "somebody" | undefined> {
  const snapshot = await host.snapshot({ states: "listening", ports: [port], holders: "all" }).catch(() => null);
  const sockets = (snapshot?.sockets ?? []).filter(
    (socket) => socket.transport === "tcp" && isListening(socket) && socket.local.port === port,
  );
  if (snapshot === null || sockets.length === 0) return undefined;
  const pids = sockets.flatMap((socket) => knownOr(snapshot.holdersOf(socket), []).map((holder) => holder.pid));
  if (pids.length === 0) return { pid: null };
  const family = new Set(listFamily({ leaders: [], marks: [mark], spared: [] }));
  // Some programs write over their environment (nginx): what is younger than this process and has its port is the program's.
  const pid = pids.find((one) => family.has(one)) ?? pids.find(isYounger);
  return pid === undefined ? "somebody" : { pid };
}

function isYounger(pid: number): boolean {
  const own = readProcessStat(process.pid);
  const other = readProcessStat(pid);
  return own === undefined || (other !== undefined && other.startTicks >= own.startTicks);
}
