/**
 * @module When a program that was started listens, and where: at the port that it was given, or, if it has one of its own mind, at another.
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
/** After so long a program that listens elsewhere is believed to mean it, milliseconds. */
const patienceMs = 2500;
/** Time between two looks at its other sockets, milliseconds. */
const elsewhereMs = 1000;

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
  const startedMs = performance.now();
  let elsewhereAtMs = startedMs + patienceMs;
  for (let round = 0; !signal.aborted; round += 1) {
    for (const address of ["127.0.0.1", "::1"]) {
      const outcome = await tryConnection({ host: address, port: wanted }, { signal, timeoutMs: 1000 });
      if (outcome === "open") return { port: wanted, host: "localhost", expected: true };
    }
    if (performance.now() >= elsewhereAtMs) {
      const other = await findElsewhere(pid, host);
      if (other !== undefined) return { ...other, expected: other.port === wanted };
      elsewhereAtMs = performance.now() + elsewhereMs;
    }
    await pause(pacesMs[Math.min(round, pacesMs.length - 1)], undefined, { signal }).catch(() => undefined);
  }
  return null;
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
