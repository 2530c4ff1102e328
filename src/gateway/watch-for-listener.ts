/**
 * @module When a program that was started listens, and where: at the port that it was given, or, if it has one of its own mind, at another.
 *
 * The kernel's table is looked at, because a connection that is closed at once is an error to some programs and the end of others. Where there
 * is no such table, and after a while for what listens in another network namespace (a container's published port), a connection is made.
 */
import { setTimeout as pause } from "node:timers/promises";
import { listDescendants, tryConnection } from "../act/index.ts";
import { isListening, isLoopbackAddress, isWildcardAddress, knownOr, type Port } from "../core/index.ts";
import type { Host } from "../host/host.ts";

/** Where it listens. */
export interface FoundListener {
  readonly port: Port;
  /** `localhost`, or the only address at which it listens: one of the network's (`vite --host 192.168.1.8`). */
  readonly host: string;
  /** False when that is not the port that it was given. */
  readonly expected: boolean;
}

/** Time between two looks, milliseconds: often at first. */
const pacesMs = [25, 50, 50, 100, 100, 150, 200, 250] as const;
/** What does not listen after so many looks is in no hurry, or never will. */
const eagerRounds = 120;
const calmPaceMs = 1000;
/** After so long a program that listens elsewhere is believed to mean it, milliseconds. */
const patienceMs = 2500;
/** Time between two looks at its other sockets, milliseconds: each time longer, for a program that never listens is watched as long as it runs. */
const elsewhereMs = 1000;
const longestElsewhereMs = 30_000;
/** How long a connection may take, milliseconds. */
const connectionTimeoutMs = 1000;

/**
 * Waits until the program listens.
 * @returns `null` when the signal aborted before
 */
export async function watchForListener(
  wanted: Port,
  pid: number,
  host: Host,
  signal: AbortSignal,
): Promise<FoundListener | null> {
  let elsewhereAtMs = performance.now() + patienceMs;
  let pauseMs = elsewhereMs;
  for (let round = 0; !signal.aborted; round += 1) {
    const listens = await isListenedAt(wanted, host, signal);
    if (listens ?? (await takesConnections(wanted, signal))) return { port: wanted, host: "localhost", expected: true };
    if (performance.now() >= elsewhereAtMs) {
      if (await takesConnections(wanted, signal)) return { port: wanted, host: "localhost", expected: true };
      const other = await findElsewhere(pid, host);
      if (other !== undefined) return { ...other, expected: other.port === wanted };
      elsewhereAtMs = performance.now() + pauseMs;
      pauseMs = Math.min(longestElsewhereMs, pauseMs * 1.5);
    }
    const paceMs = round < eagerRounds ? pacesMs[Math.min(round, pacesMs.length - 1)] : calmPaceMs;
    await pause(paceMs, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

/** Whether somebody listens there for this machine; `null` where the system does not tell. */
async function isListenedAt(port: Port, host: Host, signal: AbortSignal): Promise<boolean | null> {
  try {
    const { sockets } = await host.snapshot({ states: "listening", ports: [port], holders: "none", signal });
    return sockets.some(
      (socket) =>
        socket.transport === "tcp" &&
        isListening(socket) &&
        socket.local.port === port &&
        (isWildcardAddress(socket.local.address) || isLoopbackAddress(socket.local.address)),
    );
  } catch {
    return null;
  }
}

async function takesConnections(port: Port, signal: AbortSignal): Promise<boolean> {
  for (const address of ["127.0.0.1", "::1"]) {
    const outcome = await tryConnection({ host: address, port }, { signal, timeoutMs: connectionTimeoutMs });
    if (outcome === "open") return true;
  }
  return false;
}

/** Where the program or one that it started listens: the lowest port at loopback, else the lowest at any other address. */
async function findElsewhere(pid: number, host: Host): Promise<Omit<FoundListener, "expected"> | undefined> {
  const family = new Set([pid, ...listDescendants([pid])]);
  const snapshot = await host.snapshot({ states: "listening", holders: "all" }).catch(() => null);
  if (snapshot === null) return undefined;
  const found = snapshot.sockets
    .filter((socket) => socket.transport === "tcp" && isListening(socket))
    .filter((socket) => knownOr(snapshot.holdersOf(socket), []).some((holder) => family.has(holder.pid)))
    .map(({ local: { address, port } }) => ({
      port,
      host: isLoopbackAddress(address) || isWildcardAddress(address) ? "localhost" : address,
    }))
    .toSorted((one, other) => one.port - other.port);
  return found.find((one) => one.host === "localhost") ?? found[0];
}
