/**
 * @module What a scan engine is: one batch of doors in, one state with its reason for each out.
 *
 * A batch is a grid: every address against every port. The cell of address `a` and port `p` (indexes) is `a * ports.length + p`.
 * Results are written into one byte a cell, so that 65,535 closed ports cost 65 KB and no message.
 */
import type { Socket } from "node:net";
import type { IpFamily } from "../core/index.ts";

/** A numeric target. */
export interface ScanAddress {
  readonly family: IpFamily;
  /** Canonical text, no zone. */
  readonly address: string;
  /** Interface index for link-local addresses; 0 for none. */
  readonly scopeId: number;
}

/** How a door answered. `unscanned`: the scan was stopped before it was asked. */
export type PortState = "open" | "closed" | "filtered" | "open|filtered" | "unscanned";

/** Each outcome with its state and the reason for it; the index is the byte that an engine writes. */
export const portOutcomes = [
  { state: "unscanned", reason: "not-asked", meaning: "the scan ended before this port was asked" },
  { state: "open", reason: "syn-ack", meaning: "the connection was accepted" },
  { state: "closed", reason: "connection-refused", meaning: "the device answered that nobody listens" },
  { state: "filtered", reason: "no-answer", meaning: "no answer came, however often it was asked" },
  {
    state: "filtered",
    reason: "host-unreachable",
    meaning: "a router or the own kernel says that the device cannot be reached",
  },
  { state: "filtered", reason: "network-unreachable", meaning: "there is no route to that network" },
  { state: "filtered", reason: "prohibited", meaning: "a firewall says that this is not allowed" },
  { state: "open", reason: "udp-answer", meaning: "a datagram came back" },
  { state: "closed", reason: "port-unreachable", meaning: "the device answered that nobody receives there (ICMP)" },
  { state: "open|filtered", reason: "no-answer", meaning: "silence, which for UDP means open or filtered" },
  { state: "unscanned", reason: "skipped", meaning: "left out on purpose: a printer would print what it receives" },
  {
    state: "unscanned",
    reason: "no-resources",
    meaning: "this machine had no free file, memory or source port for it",
  },
  { state: "filtered", reason: "protocol-error", meaning: "the network refused the packet for another reason" },
  { state: "open", reason: "own-socket", meaning: "this machine's own socket table lists a listener" },
] as const satisfies readonly { state: PortState; reason: string; meaning: string }[];

/** Why a door is in its state. */
export type PortReason = (typeof portOutcomes)[number]["reason"];

/** Byte of an outcome by its reason. `no-answer` exists for TCP and UDP: give the state too. */
export function outcomeCode(reason: PortReason, state?: PortState): number {
  return portOutcomes.findIndex(
    (outcome) => outcome.reason === reason && (state === undefined || outcome.state === state),
  );
}

/** What an engine is asked to do. */
export interface ScanBatch {
  readonly transport: "tcp" | "udp";
  readonly addresses: readonly ScanAddress[];
  /** In the order in which they should be asked. */
  readonly ports: Uint16Array;
  /**
   * Repetitions after the first try, for doors that do not answer; 0 to 10. `null`: derived from the loss that was measured,
   * at least 1, so that at most one door in 100,000 that answers is missed.
   */
  readonly retries: number | null;
  /** Most new connections or datagrams a second over the whole scan; `null` for no cap. */
  readonly packetsPerSecond: number | null;
  /** Most doors asked at the same time; `null`: the engine decides and adapts. */
  readonly window: number | null;
  /** TCP: hand over each open connection instead of closing it. */
  readonly keepConnections: boolean;
  /** UDP: the datagram for a port; `null` sends an empty one. */
  readonly datagramFor: ((port: number) => Uint8Array) | null;
}

/** An open door, told at once. */
export interface OpenDoor {
  readonly cell: number;
  /** Milliseconds from asking to the answer that opened. */
  readonly roundTripMs: number;
  /**
   * TCP with `keepConnections`: the connected file descriptor, non-blocking, owned by the receiver from now on; or a
   * connected socket of Node's. `null` when it was closed.
   */
  readonly connection:
    | { readonly kind: "descriptor"; readonly descriptor: number }
    | { readonly kind: "socket"; readonly socket: Socket }
    | null;
  /** UDP: the first datagram that came back. */
  readonly answer: Uint8Array | null;
}

/** What an engine tells while it works. Both may be called from a timer: they must return soon. */
export interface ScanSink {
  /** One byte a cell, an index into `portOutcomes`; all 0 at the start. May be shared memory. */
  readonly outcomes: Uint8Array;
  readonly onOpen: (door: OpenDoor) => void;
  /** How many cells have their final outcome. Called at most every 100 ms. */
  readonly onProgress: (done: number) => void;
}

/** What the engine counted. */
export interface ScanTally {
  /** Connections or datagrams tried, repetitions included. */
  readonly attempts: number;
  /** Cells that were asked more than once. */
  readonly repeated: number;
  /** Share of tries to doors that answer which got no answer, 0 to 1, as far as it could be measured; `null`: nothing answered. */
  readonly measuredLoss: number | null;
  /** Smoothed round-trip time, milliseconds; `null`: nothing answered. */
  readonly smoothedRoundTripMs: number | null;
  /** Greatest number of doors in flight. */
  readonly widestWindow: number;
  /** How often the window shrank because files ran out (EMFILE, ENFILE, ENOBUFS, EADDRNOTAVAIL). */
  readonly exhausted: number;
}

/** Whether an engine can do a batch here. */
export type EngineFitness = { readonly able: true } | { readonly able: false; readonly why: string };

/** One way to ask doors. */
export interface ScanEngine {
  readonly name: "node" | "blocking-reuse" | "epoll";
  /** One sentence for `diagnose` and the docs. */
  readonly summary: string;
  /** True for what this engine can do on this machine. Cheap. */
  fitness(batch: ScanBatch): EngineFitness;
  /**
   * Asks every door of the batch. Never blocks the event loop for more than 10 ms. After an abort it resolves within 200 ms;
   * cells without outcome stay 0. Rejects only with INTERNAL.
   */
  run(batch: ScanBatch, sink: ScanSink, signal: AbortSignal): Promise<ScanTally>;
}
