/**
 * @module A whole scan: targets cut into batches, each batch given to the engine that suits it, open doors asked what they are.
 */
import { randomBytes } from "node:crypto";
import { PortolanError, isLoopbackAddress, type PortSet } from "../core/index.ts";
import { outcomeCode, portOutcomes, type OpenDoor, type ScanBatch, type ScanEngine, type ScanTally } from "./engine.ts";
import { scanEngines } from "./engines/index.ts";
import { createDoorkeeper, mostAskedOfOneDevice, type Doorkeeper } from "./identify/doorkeeper.ts";
import { usualProtocols } from "./identify/candidates.ts";
import { printerPorts } from "./printer-ports.ts";
import type { FoundDoor, ScannedHost, ScanOutcome, ScanProgress, ScanRequest, ScanTarget } from "./scan-types.ts";
import { summariseStates } from "./summarise-states.ts";

/** Most doors in one batch: one byte of memory each. */
const mostCells = 1 << 20;

/** How a scan is watched and stopped. */
export interface ScanOptions {
  readonly signal: AbortSignal;
  /** Clock, milliseconds. */
  readonly nowMs: () => number;
  /** Told of each door that is open, or may be and answers, once it is identified. */
  readonly onDoor?: (door: FoundDoor) => void;
  readonly onProgress?: (progress: ScanProgress) => void;
}

/** One batch on its way. */
interface Work {
  readonly engine: ScanEngine;
  readonly batch: ScanBatch;
  readonly targets: readonly ScanTarget[];
}

/**
 * Scans. An abort ends it soon with what is known, marked `complete: false`.
 * @throws ENGINE_UNAVAILABLE when the wished engine cannot do this here
 */
export async function runScan(request: ScanRequest, options: ScanOptions): Promise<ScanOutcome> {
  const startedMs = options.nowMs();
  const skipped = printerPorts.difference(request.namedPorts);
  const tcpPorts = listPorts(request.tcpPorts.difference(skipped));
  const udpPorts = listPorts(request.udpPorts);
  const skippedPorts = request.tcpPorts.intersect(skipped);
  const total = request.targetCount * (tcpPorts.length + udpPorts.length);
  const hosts = new Map<ScanTarget, { doors: FoundDoor[]; states: ScannedHost["states"]; answered: boolean }>();
  const tallies: { name: ScanEngine["name"]; cells: number; tally: ScanTally }[] = [];
  const remarks = new Set<string>();
  const counts = { finished: 0, open: 0, identified: 0 };

  const report = (doneInBatch: number): void => {
    if (options.onProgress === undefined) return;
    const done = counts.finished + doneInBatch;
    const elapsedMs = options.nowMs() - startedMs;
    const remainingMs = done === 0 || elapsedMs < 1000 ? null : Math.round((elapsedMs * (total - done)) / done);
    options.onProgress({ done, total, open: counts.open, identified: counts.identified, elapsedMs, remainingMs });
  };

  const keep = (door: FoundDoor): void => {
    hosts.get(door.target)?.doors.push(door);
    if (door.identification !== null) counts.identified += 1;
    options.onDoor?.(door);
  };

  const doorkeeper = createDoorkeeper({
    identify: request.identify,
    signal: options.signal,
    nowMs: options.nowMs,
    random: (count) => new Uint8Array(randomBytes(count)),
    onDoor: keep,
    onSpent: (target) =>
      remarks.add(
        `${target.address} has very many open ports: what they are was asked of the first ${mostAskedOfOneDevice} only`,
      ),
  });

  for (const work of planWork(request, tcpPorts, udpPorts, remarks)) {
    for (const target of work.targets) {
      if (!hosts.has(target)) hosts.set(target, { doors: [], states: [], answered: false });
    }
    const cells = work.targets.length * work.batch.ports.length;
    const outcomes = new Uint8Array(new SharedArrayBuffer(cells));
    await nextTurn();
    if (!options.signal.aborted) {
      const sink = {
        outcomes,
        onOpen: (door: OpenDoor) => {
          counts.open += 1;
          admit(doorkeeper, work, door);
        },
        onProgress: report,
      };
      const tally = await work.engine.run(work.batch, sink, options.signal);
      tallies.push({ name: work.engine.name, cells, tally });
      if (work.batch.transport === "udp" && request.identify) askSilentDoors(doorkeeper, work, outcomes, request);
    }
    await doorkeeper.settled();
    doorkeeper.correct(outcomes, work.targets, work.batch);
    counts.finished += cells;
    report(0);
    work.targets.forEach((target, index) => {
      const host = hosts.get(target)!;
      const own = outcomes.subarray(index * work.batch.ports.length, (index + 1) * work.batch.ports.length);
      host.states = [...host.states, ...summariseStates(work.batch.transport, work.batch.ports, own)];
      host.answered ||= own.some((code) => hasAnswered(code));
    });
  }

  return {
    hosts: [...hosts].map(([target, { doors, states, answered }]) => ({
      target,
      doors: doors.sort(compareDoors),
      states:
        skippedPorts.size === 0
          ? states
          : [
              ...states,
              {
                transport: "tcp",
                state: "unscanned",
                reason: "skipped",
                count: skippedPorts.size,
                ports: skippedPorts.toString(),
              },
            ],
      answered,
    })),
    total,
    elapsedMs: Math.round(options.nowMs() - startedMs),
    engines: tallies,
    remarks: [...remarks],
    complete: !options.signal.aborted,
  };
}

/** Lets the event loop go round once: what stands before and after takes some milliseconds each. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Ascending. By ranges, because a port at a time would hold up the event loop. */
function listPorts(set: PortSet): Uint16Array {
  const ports = new Uint16Array(set.size);
  let index = 0;
  for (const [first, last] of set.ranges()) for (let port: number = first; port <= last; port++) ports[index++] = port;
  return ports;
}

/** True for an outcome that something sent back from the device itself. */
function hasAnswered(code: number): boolean {
  const state = portOutcomes[code]?.state;
  return state === "open" || state === "closed";
}

function compareDoors(left: FoundDoor, right: FoundDoor): number {
  return left.transport === right.transport ? left.port - right.port : left.transport < right.transport ? -1 : 1;
}

function admit(doorkeeper: Doorkeeper, work: Work, door: OpenDoor): void {
  const portCount = work.batch.ports.length;
  const target = work.targets[Math.floor(door.cell / portCount)]!;
  const port = work.batch.ports[door.cell % portCount]!;
  doorkeeper.admit({
    target,
    transport: work.batch.transport,
    port,
    state: "open",
    reason: work.batch.transport === "tcp" ? "syn-ack" : "udp-answer",
    roundTripMs: door.roundTripMs,
    connection: door.connection,
  });
}

/** Most ports that a user has named and that are asked in every protocol when they keep silent. */
const mostSilentDoors = 16;

/**
 * UDP doors that kept silent: those whose usual protocol answers to another port, and the few that the user named, are asked
 * by conversations.
 */
function askSilentDoors(doorkeeper: Doorkeeper, work: Work, outcomes: Uint8Array, request: ScanRequest): void {
  const silent = outcomeCode("no-answer", "open|filtered");
  const few = request.udpPorts.size <= mostSilentDoors;
  for (let cell = 0; cell < outcomes.length; cell++) {
    if (outcomes[cell] !== silent) continue;
    const port = work.batch.ports[cell % work.batch.ports.length]!;
    const redirected = usualProtocols(port, "udp", false).some(({ replyPort }) => replyPort !== undefined);
    if (!few && !redirected) continue;
    const target = work.targets[Math.floor(cell / work.batch.ports.length)]!;
    doorkeeper.admit({
      target,
      transport: "udp",
      port,
      state: "open|filtered",
      reason: "no-answer",
      roundTripMs: null,
      connection: null,
    });
  }
}

/** Cuts the scan into batches, each for one engine. */
function* planWork(
  request: ScanRequest,
  tcpPorts: Uint16Array,
  udpPorts: Uint16Array,
  remarks: Set<string>,
): Generator<Work, void> {
  const groups = [
    { transport: "tcp", ports: tcpPorts },
    { transport: "udp", ports: udpPorts },
  ] as const;
  const perBatch = Math.max(1, Math.floor(mostCells / Math.max(1, tcpPorts.length, udpPorts.length)));
  for (const targets of chunk(request.targets, perBatch)) {
    const near = targets.filter(({ address }) => isLoopbackAddress(address));
    const far = targets.filter(({ address }) => !isLoopbackAddress(address));
    for (const part of [near, far]) {
      if (part.length === 0) continue;
      for (const { transport, ports } of groups) {
        if (ports.length === 0) continue;
        const batch: ScanBatch = {
          transport,
          addresses: part,
          ports,
          retries: request.retries,
          packetsPerSecond: request.packetsPerSecond,
          window: null,
          keepConnections: request.identify && transport === "tcp",
          datagramFor: transport === "udp" ? usualDatagram : null,
        };
        yield { engine: chooseEngine(batch, request.engine, remarks), batch, targets: part };
      }
    }
  }
}

function* chunk(targets: Iterable<ScanTarget>, size: number): Generator<readonly ScanTarget[], void> {
  let part: ScanTarget[] = [];
  for (const target of targets) {
    part.push(target);
    if (part.length < size) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

/** The first engine that can do the batch, or the wished one. */
function chooseEngine(batch: ScanBatch, wished: ScanEngine["name"] | null, remarks: Set<string>): ScanEngine {
  for (const engine of scanEngines) {
    if (wished !== null && engine.name !== wished) continue;
    const fitness = engine.fitness(batch);
    if (fitness.able) return engine;
    if (wished !== null) {
      throw new PortolanError("ENGINE_UNAVAILABLE", `The engine ${wished} cannot do this scan: ${fitness.why}.`, {
        details: { engine: wished },
      });
    }
    remarks.add(`${engine.name}: ${fitness.why}`);
  }
  throw new PortolanError("ENGINE_UNAVAILABLE", `There is no engine ${wished ?? "at all"}.`);
}

/** What the usual protocol of a UDP port is asked first; nothing is usual there: an empty datagram. */
function usualDatagram(port: number): Uint8Array {
  const protocol = usualProtocols(port, "udp", false).find(({ replyPort }) => replyPort === undefined);
  return (
    protocol?.datagram?.({
      transport: "udp",
      port,
      host: "localhost",
      localAddress: "0.0.0.0",
      tls: null,
      page: null,
      random: (count) => new Uint8Array(randomBytes(count)),
    }) ?? new Uint8Array(0)
  );
}
