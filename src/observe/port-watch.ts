/**
 * @module Looks at a few ports again and again, as often as is cheap: for whoever waits for a change.
 */
import { setTimeout as wait } from "node:timers/promises";
import type { Host, Snapshot } from "../host/host.ts";

/** How often the socket table is asked, milliseconds. */
const usualIntervalMs = 3;
/** A reading takes at most one part in so many of the time. */
const mostShare = 5;

/** Where to look, and how often. */
export interface PortWatch {
  readonly ports: readonly number[];
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** Least time between two readings, milliseconds. Default 3. A slow reader is asked less often, so that it takes a fifth of one processor at most. */
  readonly intervalMs?: number;
}

/**
 * Readings of the listening sockets on some ports, without their holders, until the signal aborts: one at once, then one after the other.
 * @throws HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export async function* watchPorts(
  host: Pick<Host, "snapshot">,
  watch: PortWatch,
): AsyncGenerator<Snapshot, void, void> {
  const { ports, signal, intervalMs = usualIntervalMs } = watch;
  while (!signal.aborted) {
    const startMs = performance.now();
    const snapshot = await host.snapshot({ states: "listening", ports, holders: "none" });
    const tookMs = performance.now() - startMs;
    yield snapshot;
    await wait(Math.max(intervalMs, tookMs * (mostShare - 1)), undefined, { signal }).catch(() => undefined);
  }
}
