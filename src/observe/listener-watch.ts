/**
 * @module Watches the listening sockets of this machine: looks often and cheaply, and asks who holds them only when one is new.
 *
 * The kernel multicasts closings alone (sock_diag(7), SKNLGRP_INET_TCP_DESTROY), so the table is read at a fixed pace. What lived longer
 * than the interval was open during at least one reading, and is told.
 */
import { isListening, unknown, type Socket } from "../core/index.ts";
import type { Host, Snapshot } from "../host/host.ts";

/** How a watch is kept. */
export interface ListenerWatch {
  /** Longest time between two readings, milliseconds, from 10. What lives longer is not missed. */
  readonly intervalMs: number;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

/** The listening sockets after something changed. */
export interface ListenerSighting {
  /** Reading in which the change was seen, milliseconds since the Unix epoch. */
  readonly atMs: number;
  /**
   * All listening sockets now with their holders, and those that were there a moment ago and had ended before their holders could be
   * asked for: of these the holders are unknown (`gone`).
   */
  readonly snapshot: Snapshot;
  /** Ports on which sockets came or went since the last sighting; `null` when everything is to be looked at anew. */
  readonly changedPorts: ReadonlySet<number> | null;
  /** Readings with changes that were left out before this one, because nobody took them in time. */
  readonly missed: number;
  /** Longest time between two readings until now, milliseconds: more than the interval when the machine was too busy to look. */
  readonly longestGapMs: number;
  /** The same since the last sighting that was taken. */
  readonly gapMs: number;
}

/** Readings come somewhat sooner than promised, so that a busy moment does not break the promise. */
const paceShare = 0.85;
/** Interfaces change seldom and cost more to read than the table: so often, milliseconds. */
const interfacePaceMs = 4000;
/** So often sockets that stay are asked for their holders again, who can have passed them on; milliseconds. */
const holderPaceMs = 60_000;
/** Sightings that wait for a slow reader. */
const mostWaiting = 256;

/**
 * Yields a first sighting, and one after each change, until the signal aborts or the reader stops. Readings go on while the reader is busy.
 * @throws HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export async function* watchListeners(
  host: Pick<Host, "snapshot" | "readInterfaces" | "openListenerMarks">,
  { intervalMs, signal }: ListenerWatch,
): AsyncGenerator<ListenerSighting, void, void> {
  const paceMs = Math.max(1, intervalMs * paceShare);
  const waiting: Sighting[] = [];
  let missed = 0;
  let wake = (): void => undefined;
  let failure: { readonly error: unknown } | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let known: ReadonlyMap<number, Seen> | undefined;
  let nextInterfacesMs = 0;
  let nextHoldersMs = 0;
  let interfaces = "";
  let busy = false;
  /** Something changed on some ports, or everything is to be looked at, once nobody is at it. */
  let isDue = false;
  let isWhollyDue = true;
  /** Sockets seen while their holders were being asked for, by inode. */
  const passing = new Map<number, Socket>();

  const marks = host.openListenerMarks?.() ?? null;
  let lastMark: string | null = null;
  let lastReadingMs: number | undefined;
  let longestGapMs = 0;
  let gapMs = 0;

  const offer = (sighting: Sighting): void => {
    if (waiting.length === mostWaiting) {
      // The oldest goes: the latest says how things stand, and then as a whole.
      waiting.splice(0, 2, { ...waiting[1]!, changedPorts: null });
      missed += 1;
    }
    waiting.push(sighting);
    wake();
  };

  /** One cheap reading; when it shows something new, one with holders. */
  async function read(): Promise<void> {
    const atMs = Date.now();
    const mark = marks?.read() ?? null;
    const nowMs = performance.now();
    if (lastReadingMs !== undefined) gapMs = Math.max(gapMs, nowMs - lastReadingMs);
    longestGapMs = Math.max(longestGapMs, gapMs);
    lastReadingMs = nowMs;
    if (nowMs >= nextHoldersMs) isDue = true;
    if (haveInterfacesChanged()) isWhollyDue = true;
    if (mark === null || mark !== lastMark) {
      lastMark = mark;
      const table = await host.snapshot({ states: "listening", holders: "none" });
      const sockets = table.sockets.filter(isListening);
      for (const socket of sockets) if (known?.has(socket.inode) !== true) passing.set(socket.inode, socket);
      if (known === undefined || passing.size > 0 || known.size !== sockets.length) isDue = true;
    }
    // Readings must not wait until the holders are found.
    if (busy || !(isDue || isWhollyDue)) return;
    busy = true;
    try {
      await resolve(atMs);
    } finally {
      busy = false;
    }
  }

  function haveInterfacesChanged(): boolean {
    if (performance.now() < nextInterfacesMs) return false;
    nextInterfacesMs = performance.now() + interfacePaceMs;
    const before = interfaces;
    interfaces = JSON.stringify(host.readInterfaces());
    return before !== interfaces;
  }

  async function resolve(atMs: number): Promise<void> {
    const wholly = isWhollyDue || known === undefined;
    isDue = isWhollyDue = false;
    nextHoldersMs = performance.now() + holderPaceMs;
    // What is seen from now on may be younger than the snapshot.
    const seen = [...passing.values()];
    passing.clear();
    const whole = await host.snapshot({ states: "listening", holders: "all" });
    const before = known ?? new Map<number, Seen>();
    const here = new Map(whole.sockets.map((socket) => [socket.inode, describeSeen(socket, whole)]));
    const ended = seen.filter(({ inode }) => !here.has(inode) && !before.has(inode));
    known = here;
    for (const inode of here.keys()) passing.delete(inode);
    const passed = new Set<number>(ended.map(({ local }) => local.port));
    const changedPorts = wholly ? null : new Set([...differingPorts(before, here), ...passed]);
    if (changedPorts?.size === 0) return;
    offer({ atMs, snapshot: ended.length === 0 ? whole : withEnded(whole, ended), changedPorts });
    // They are not there any more, which the next sighting says.
    if (ended.length > 0) offer({ atMs: Date.now(), snapshot: whole, changedPorts: passed });
  }

  function schedule(dueMs: number): void {
    if (stopped) return;
    timer = setTimeout(
      () => {
        read().catch((error: unknown) => {
          failure ??= { error };
          stopped = true;
          wake();
        });
        const nowMs = performance.now();
        // A fixed pace, and no hurry to make up for readings that could not be.
        schedule(Math.max(dueMs + paceMs, nowMs + 1));
      },
      Math.max(0, dueMs - performance.now()),
    );
  }

  const onAbort = (): void => {
    stopped = true;
    wake();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) return;
    await read();
    schedule(performance.now() + paceMs);
    for (;;) {
      const sighting = waiting.shift();
      if (sighting !== undefined) {
        yield { ...sighting, missed, longestGapMs, gapMs };
        missed = gapMs = 0;
        continue;
      }
      if (failure !== undefined) throw failure.error;
      if (stopped) return;
      await new Promise<void>((done) => {
        wake = done;
      });
    }
  } finally {
    stopped = true;
    clearTimeout(timer);
    marks?.close();
    signal.removeEventListener("abort", onAbort);
  }
}

type Sighting = Pick<ListenerSighting, "atMs" | "snapshot" | "changedPorts">;

/** What is remembered of a socket to see whether it is still the same, in the same hands. */
interface Seen {
  readonly port: number;
  readonly holders: string;
}

function describeSeen(socket: Socket, snapshot: Snapshot): Seen {
  const holders = snapshot.holdersOf(socket);
  return {
    port: socket.local.port,
    holders: holders.known ? holders.value.map(({ pid }) => pid).join() : holders.why,
  };
}

/** Ports of sockets, by inode, that only one of two tables has, or that others hold. */
function* differingPorts(before: ReadonlyMap<number, Seen>, now: ReadonlyMap<number, Seen>): Generator<number, void> {
  for (const [inode, { port }] of before) if (!now.has(inode)) yield port;
  for (const [inode, { port, holders }] of now) if (before.get(inode)?.holders !== holders) yield port;
}

/** The same snapshot with sockets that have ended since. */
function withEnded(whole: Snapshot, ended: readonly Socket[]): Snapshot {
  const gone = new Set<Socket>(ended);
  return {
    takenAtMs: whole.takenAtMs,
    complete: whole.complete,
    platform: whole.platform,
    reader: whole.reader,
    networkNamespace: whole.networkNamespace,
    holderSearch: whole.holderSearch,
    holdersComplete: whole.holdersComplete,
    sockets: [...whole.sockets, ...ended],
    holdersOf: (socket) => (gone.has(socket) ? unknown("gone") : whole.holdersOf(socket)),
    processOf: (pid) => whole.processOf(pid),
    get interfaces() {
      return whole.interfaces;
    },
    get limits() {
      return whole.limits;
    },
    get blindSpots() {
      return whole.blindSpots;
    },
  };
}
