/**
 * @module Watches what listening ports carry: the kernel's own counters of each connection, read at a pace and compared by inode.
 *
 * What a connection carried between the last reading and its end is not counted: the kernel forgets its counters with it.
 */
import type { Socket } from "../core/index.ts";
import type { Host } from "../host/host.ts";

/** How a watch is kept. */
export interface TrafficWatch {
  /** Usual time between two readings, milliseconds. On a machine with very many connections more, so that reading takes a twentieth at most. */
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** What one listening TCP port carried. */
export interface PortTraffic {
  readonly port: number;
  /** Open connections that it has accepted. */
  readonly connections: number;
  /** Bytes a second since the last reading; `null` where the kernel's counters cannot be read. */
  readonly sentPerSecond: number | null;
  readonly receivedPerSecond: number | null;
  /** Bytes since the watch began, acknowledged by the clients and received from them; `null` as above. */
  readonly sentBytes: number | null;
  readonly receivedBytes: number | null;
}

/** One reading. */
export interface TrafficReading {
  readonly atMs: number;
  /** Since the last reading; 0 for the first. */
  readonly elapsedMs: number;
  /** Ports of which something is different from when they were last told. */
  readonly changed: readonly PortTraffic[];
}

/** A reading may take this share of the time. */
const readingShare = 0.05;
/** More ports than this are chosen here and not by the kernel. */
const mostKernelPorts = 256;

interface Counters {
  readonly sent: number;
  readonly received: number;
}

/**
 * Yields a first reading, and then those in which something is different, until the signal aborts or the reader stops.
 * @throws HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export async function* watchTraffic(
  host: Pick<Host, "snapshot">,
  { intervalMs, signal }: TrafficWatch,
): AsyncGenerator<TrafficReading, void, void> {
  let counters: ReadonlyMap<number, Counters> | undefined;
  const totals = new Map<number, { sent: number; received: number }>();
  const told = new Map<number, string>();
  let lastMs: number | undefined;
  while (!signal.aborted) {
    const startMs = performance.now();
    const sockets = await readConnections(host);
    const nowMs = performance.now();
    const elapsedMs = lastMs === undefined ? 0 : nowMs - lastMs;
    lastMs = nowMs;
    const next = new Map<number, Counters>();
    const ports = new Map<number, Sum>();
    for (const port of sockets.listening) ports.set(port, { connections: 0, sent: 0, received: 0, known: true });
    for (const socket of sockets.connected) {
      const sum = ports.get(socket.local.port)!;
      sum.connections += 1;
      if (socket.traffic?.known !== true) {
        sum.known = false;
        continue;
      }
      const { bytesAcknowledged: sent, bytesReceived: received } = socket.traffic.value;
      next.set(socket.inode, { sent, received });
      // What there was when the watch began is not of now.
      const before =
        counters === undefined ? { sent, received } : (counters.get(socket.inode) ?? { sent: 0, received: 0 });
      sum.sent += Math.max(0, sent - before.sent);
      sum.received += Math.max(0, received - before.received);
    }
    counters = next;
    const changed: PortTraffic[] = [];
    for (const [port, sum] of ports) {
      const traffic = measure(port, sum, totals, elapsedMs);
      const text = JSON.stringify(traffic);
      // Nobody has come yet: that is no news.
      if (told.get(port) === text || (!told.has(port) && sum.connections === 0 && traffic.sentBytes === 0)) continue;
      told.set(port, text);
      changed.push(traffic);
    }
    for (const port of told.keys()) {
      if (ports.has(port)) continue;
      told.delete(port);
      totals.delete(port);
      changed.push({ port, connections: 0, sentPerSecond: 0, receivedPerSecond: 0, sentBytes: 0, receivedBytes: 0 });
    }
    if (changed.length > 0 || elapsedMs === 0) yield { atMs: Date.now(), elapsedMs: Math.round(elapsedMs), changed };
    await pause(Math.max(intervalMs - (performance.now() - startMs), (nowMs - startMs) / readingShare), signal);
  }
}

interface Sum {
  connections: number;
  sent: number;
  received: number;
  known: boolean;
}

function measure(
  port: number,
  sum: Sum,
  totals: Map<number, { sent: number; received: number }>,
  elapsedMs: number,
): PortTraffic {
  const { connections } = sum;
  if (!sum.known) {
    return { port, connections, sentPerSecond: null, receivedPerSecond: null, sentBytes: null, receivedBytes: null };
  }
  const total = totals.get(port) ?? { sent: 0, received: 0 };
  total.sent += sum.sent;
  total.received += sum.received;
  totals.set(port, total);
  const perSecond = (bytes: number): number => (elapsedMs === 0 ? 0 : Math.round((bytes * 1000) / elapsedMs));
  return {
    port,
    connections,
    sentPerSecond: perSecond(sum.sent),
    receivedPerSecond: perSecond(sum.received),
    sentBytes: total.sent,
    receivedBytes: total.received,
  };
}

/** States in which a connection that was accepted is open: between the handshake and the last farewell. */
const openStates: ReadonlySet<string> = new Set([
  "ESTABLISHED",
  "CLOSE_WAIT",
  "FIN_WAIT1",
  "FIN_WAIT2",
  "LAST_ACK",
  "CLOSING",
]);

async function readConnections(
  host: Pick<Host, "snapshot">,
): Promise<{ readonly listening: ReadonlySet<number>; readonly connected: readonly Socket[] }> {
  const table = await host.snapshot({ states: "listening", holders: "none" });
  const listening = new Set<number>();
  for (const { transport, state, local } of table.sockets) {
    if (transport === "tcp" && state === "LISTEN") listening.add(local.port);
  }
  if (listening.size === 0) return { listening, connected: [] };
  const ports = listening.size <= mostKernelPorts ? { ports: [...listening] } : {};
  const all = await host.snapshot({ states: "all", traffic: true, holders: "none", ...ports });
  return {
    listening,
    connected: all.sockets.filter(
      ({ transport, state, local }) => transport === "tcp" && openStates.has(state) && listening.has(local.port),
    ),
  };
}

async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, Math.max(0, durationMs));
    signal.addEventListener("abort", done, { once: true });
  });
}
