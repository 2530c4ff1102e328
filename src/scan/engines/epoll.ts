/**
 * @module The engine for all other devices: non-blocking connects and datagrams, heard by epoll in a thread of their own, in a pace that
 * adapts (pacing.ts).
 */
import { readFileSync, readdirSync } from "node:fs";
import { outcomeCode, type ScanBatch, type ScanEngine, type ScanTally } from "../engine.ts";
import { createFlightLists } from "./epoll-flight.ts";
import { createIcmpReader } from "./epoll-icmp.ts";
import { askByEpoll, type EpollFindings, type EpollTask } from "./epoll-loop.ts";
import { undecided } from "./native-outcomes.ts";
import { nativeFitness, prepareRun, runThreads, type ScanRun } from "./native-thread.ts";
import { createPacing, type PacingOptions } from "./pacing.ts";

/** Most doors in flight: more than one processor can start and hear before the first are overdue. */
const mostWindow = 16_384;
/** UDP: answers that a port is closed come at a rate that the device limits. */
const mostUdpWindow = 1024;
/** Bytes of the thread's memory before the addresses; see epoll-loop.ts. */
const memoryBeforeAddresses = 2048 + 4096 + 512 * 16;

/** Non-blocking sockets and epoll. */
export const epollEngine: ScanEngine = {
  name: "epoll",
  summary: "Asks many ports at once by system calls in a thread of its own, in a pace that adapts to the answers.",
  fitness: () => nativeFitness(),
  async run(batch, sink, signal) {
    return await askCells(prepareRun(batch, sink, signal), null);
  },
};

/**
 * Asks cells of a prepared batch.
 * @param cells which of them, `null` for all; those that have an outcome are left alone
 */
export async function askCells(run: ScanRun, cells: Uint32Array | null): Promise<ScanTally> {
  const { batch } = run;
  const { datagrams, ranges } = packDatagrams(batch);
  const task: EpollTask = {
    plan: { ...run.plan, cells },
    transport: batch.transport,
    pacing: choosePace(batch, cells?.length ?? run.plan.outcomes.length),
    packetsPerSecond: batch.packetsPerSecond,
    datagrams,
    datagramRanges: ranges,
    outcome: {
      open: outcomeCode(batch.transport === "tcp" ? "syn-ack" : "udp-answer"),
      silent: outcomeCode("no-answer", batch.transport === "tcp" ? "filtered" : "open|filtered"),
      noResources: outcomeCode("no-resources"),
      hostUnreachable: outcomeCode("host-unreachable"),
      networkUnreachable: outcomeCode("network-unreachable"),
      prohibited: outcomeCode("prohibited"),
      protocolError: outcomeCode("protocol-error"),
      portUnreachable: outcomeCode(batch.transport === "tcp" ? "prohibited" : "port-unreachable"),
      undecided,
      ofErrno: run.plan.outcomeOfErrno,
    },
  };
  const source = `(system, data, post) => (${askByEpoll.toString()})(system, data, post, {
createPacing: ${createPacing.toString()},
createIcmpReader: ${createIcmpReader.toString()},
createFlightLists: ${createFlightLists.toString()},
})`;
  const [findings] = await runThreads<EpollFindings | undefined>(run, [
    { source, data: task, memorySize: memoryBeforeAddresses + task.plan.addresses.length + datagrams.length + 8 },
  ]);
  return (
    findings ?? {
      attempts: 0,
      repeated: 0,
      measuredLoss: null,
      smoothedRoundTripMs: null,
      widestWindow: 0,
      exhausted: 0,
    }
  );
}

function choosePace(batch: ScanBatch, doors: number): PacingOptions {
  const isTcp = batch.transport === "tcp";
  const limit = batch.window ?? Math.min(isTcp ? mostWindow : mostUdpWindow, countFreeFiles());
  const fixedTries = batch.retries === null ? null : batch.retries + 1;
  return {
    hosts: batch.addresses.length,
    // Until the first answer a device's hardware address may be unknown, and few packets wait for that.
    firstWindow: Math.min(256, (isTcp ? 64 : 16) * batch.addresses.length),
    mostWindow: Math.max(1, Math.min(limit, doors)),
    firstTimeoutMs: isTcp ? 500 : 1000,
    // Scheduling on both sides is slower than many networks; a single try has to be surer of silence, and a UDP service thinks.
    leastTimeoutMs: isTcp ? (fixedTries === 1 ? 100 : 50) : 300,
    mostTimeoutMs: isTcp ? 1500 : 2000,
    fixedTries,
    learnsRate: !isTcp,
  };
}

/** How many files this process may open besides those that the rest of it needs. */
function countFreeFiles(): number {
  const { limit, open } = readFileLimit();
  return Math.max(4, Math.floor((limit - open) * 0.9) - 16);
}

function readFileLimit(): { limit: number; open: number } {
  try {
    const limit = Number(/Max open files\s+(\d+)/.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? 1024);
    return { limit, open: readdirSync("/proc/self/fd").length };
  } catch {
    return { limit: 1024, open: 64 };
  }
}

/** All datagrams in one array, equal ones once; two numbers a port: begin and end of its own. */
function packDatagrams({ transport, ports, datagramFor }: ScanBatch): { datagrams: Uint8Array; ranges: Uint32Array } {
  const ranges = new Uint32Array(ports.length * 2);
  if (transport !== "udp" || datagramFor === null) return { datagrams: new Uint8Array(0), ranges };
  const parts: Uint8Array[] = [];
  const places = new Map<string, number>();
  let size = 0;
  ports.forEach((port, index) => {
    const datagram = datagramFor(port);
    const key = Buffer.from(datagram).toString("latin1");
    let place = places.get(key);
    if (place === undefined) {
      place = size;
      places.set(key, place);
      parts.push(datagram);
      size += datagram.length;
    }
    ranges[index * 2] = place;
    ranges[index * 2 + 1] = place + datagram.length;
  });
  return { datagrams: Buffer.concat(parts), ranges };
}
