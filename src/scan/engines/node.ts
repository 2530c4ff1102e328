/**
 * @module The engine that works everywhere: sockets of Node's own, on its event loop, some at a time.
 */
import { outcomeCode, type ScanBatch, type ScanEngine, type ScanSink, type ScanTally } from "../engine.ts";
import { askDatagram, askTcp, type DoorAnswer, type NodeDoor } from "./node-doors.ts";
import { createPacing, type Pacing, type TryKind } from "./pacing.ts";

/** Most doors at once: beyond it the event loop gets slower, not faster. */
const mostWindow = 256;
/** Least time that a door gets: the loop's own delays count against it. */
const leastTimeoutMs = 200;
const progressMs = 100;

/** Plain sockets. */
export const nodeEngine: ScanEngine = {
  name: "node",
  summary: "Asks ports by Node's own sockets, some at a time: works on every system, and is the slowest.",
  fitness: () => ({ able: true }),
  run: (batch, sink, signal) => new NodeRun(batch, sink, signal).run(),
};

/** A door that waits for its turn. */
interface Waiting {
  readonly cell: number;
  readonly tries: number;
}

class NodeRun {
  readonly #batch: ScanBatch;
  readonly #sink: ScanSink;
  readonly #signal: AbortSignal;
  readonly #pacing: Pacing;
  readonly #repeats: Waiting[] = [];
  readonly #deferred: Waiting[] = [];
  readonly #inFlight = new Set<() => void>();
  readonly #attemptsOf = new Map<number, number>();
  #next = 0;
  #done = 0;
  #attempts = 0;
  #repeated = 0;
  #widest = 0;
  #exhausted = 0;
  #toldMs = 0;
  /** When the next connection may start, with a rate cap. */
  #allowedMs = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #finish: (() => void) | undefined;

  constructor(batch: ScanBatch, sink: ScanSink, signal: AbortSignal) {
    this.#batch = batch;
    this.#sink = sink;
    this.#signal = signal;
    const isTcp = batch.transport === "tcp";
    const most = Math.max(1, Math.min(batch.window ?? mostWindow, mostWindow));
    this.#pacing = createPacing({
      hosts: batch.addresses.length,
      firstWindow: Math.min(64, most),
      mostWindow: most,
      firstTimeoutMs: isTcp ? 700 : 1000,
      leastTimeoutMs: isTcp ? leastTimeoutMs : 400,
      mostTimeoutMs: 2000,
      fixedTries: batch.retries === null ? null : batch.retries + 1,
      learnsRate: !isTcp,
    });
  }

  async run(): Promise<ScanTally> {
    const onAbort = (): void => {
      for (const cancel of this.#inFlight) cancel();
      this.#inFlight.clear();
      this.#finish?.();
    };
    this.#signal.addEventListener("abort", onAbort);
    try {
      await new Promise<void>((resolve) => {
        this.#finish = resolve;
        if (this.#signal.aborted) resolve();
        else this.#fill();
      });
    } finally {
      this.#signal.removeEventListener("abort", onAbort);
      clearTimeout(this.#timer);
    }
    this.#sink.onProgress(this.#done);
    return {
      attempts: this.#attempts,
      repeated: this.#repeated,
      measuredLoss: this.#pacing.measuredLoss(),
      smoothedRoundTripMs: this.#pacing.smoothedMs(),
      widestWindow: this.#widest,
      exhausted: this.#exhausted,
    };
  }

  get #cells(): number {
    return this.#batch.addresses.length * this.#batch.ports.length;
  }

  /** Port by port over all devices, so that no device gets everything at once. */
  #cellAt(place: number): number {
    const { addresses, ports } = this.#batch;
    return (place % addresses.length) * ports.length + Math.floor(place / addresses.length);
  }

  #hostOf(cell: number): number {
    return Math.floor(cell / this.#batch.ports.length);
  }

  #fill(): void {
    if (this.#signal.aborted) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const nowMs = performance.now();
    let isFull = false;
    let waitMs = Infinity;
    for (;;) {
      if (this.#inFlight.size >= Math.max(1, Math.floor(this.#pacing.window()))) {
        isFull = true;
        break;
      }
      if (nowMs < this.#allowedMs) {
        waitMs = this.#allowedMs - nowMs;
        break;
      }
      const next = this.#take();
      if (next === undefined) break;
      const readyMs =
        this.#batch.transport === "udp" ? this.#pacing.readyAt(this.#hostOf(next.cell), next.tries > 0) : 0;
      if (readyMs > nowMs) {
        this.#repeats.push(next);
        waitMs = readyMs - nowMs;
        break;
      }
      const rate = this.#batch.packetsPerSecond;
      if (rate !== null) this.#allowedMs = Math.max(this.#allowedMs, nowMs - 1000 / rate) + 1000 / rate;
      this.#ask(next);
    }
    this.#pacing.advance(nowMs, isFull);
    if (nowMs - this.#toldMs >= progressMs) {
      this.#toldMs = nowMs;
      this.#sink.onProgress(this.#done);
    }
    if (this.#inFlight.size === 0 && waitMs === Infinity) {
      if (this.#done >= this.#cells) this.#finish?.();
      else if (this.#deferred.length > 0) waitMs = 20;
    }
    if (waitMs < Infinity) this.#timer = setTimeout(() => this.#fill(), Math.ceil(waitMs));
  }

  #take(): Waiting | undefined {
    // What found no file waits until others have ended.
    if (this.#deferred.length > 0 && this.#inFlight.size === 0) return this.#deferred.shift();
    if (this.#next < this.#cells) return { cell: this.#cellAt(this.#next++), tries: 0 };
    return this.#repeats.shift() ?? this.#deferred.shift();
  }

  #ask(waiting: Waiting): void {
    const { cell, tries } = waiting;
    const host = this.#hostOf(cell);
    const kind: TryKind = tries === 0 ? 0 : this.#pacing.repeatKind(host);
    const startedMs = performance.now();
    this.#attempts += 1;
    if (tries === 1) this.#repeated += 1;
    if (this.#batch.transport === "udp") this.#pacing.sent(host, tries > 0, startedMs);
    const door: NodeDoor = {
      address: this.#batch.addresses[host]!,
      port: this.#batch.ports[cell % this.#batch.ports.length]!,
      timeoutMs: this.#pacing.timeoutMs(host, kind),
      keep: this.#batch.keepConnections,
      datagram: this.#batch.datagramFor,
    };
    let ended = false;
    const cancel = (this.#batch.transport === "tcp" ? askTcp : askDatagram)(door, (answer) => {
      if (ended || this.#signal.aborted) {
        if (answer.connection !== null) answer.connection.destroy();
        return;
      }
      ended = true;
      this.#inFlight.delete(cancel);
      this.#settleTry(waiting, host, answer, performance.now() - startedMs, startedMs);
      this.#fill();
    });
    if (!ended) this.#inFlight.add(cancel);
    this.#widest = Math.max(this.#widest, this.#inFlight.size);
  }

  /** What came of one try. */
  #settleTry({ cell, tries }: Waiting, host: number, answer: DoorAnswer, elapsedMs: number, startedMs: number): void {
    const nowMs = startedMs + elapsedMs;
    if (answer.reason === "no-resources") {
      this.#exhausted += 1;
      this.#pacing.exhausted(this.#inFlight.size);
      const spent = (this.#attemptsOf.get(cell) ?? 0) + 1;
      this.#attemptsOf.set(cell, spent);
      if (spent > 100) this.#settle(cell, outcomeCode("no-resources"));
      else this.#deferred.push({ cell, tries });
      return;
    }
    if (answer.reason === "no-answer") {
      if (this.#batch.transport === "udp" && tries > 0) this.#pacing.unheard(host);
      if (tries + 1 < this.#pacing.tries(host)) this.#repeats.push({ cell, tries: tries + 1 });
      else this.#settle(cell, outcomeCode("no-answer", this.#batch.transport === "tcp" ? "filtered" : "open|filtered"));
      return;
    }
    if (this.#batch.transport === "udp") this.#pacing.heard(host, -1, nowMs);
    this.#pacing.answered(host, elapsedMs, tries + 1, nowMs);
    this.#settle(cell, outcomeCode(answer.reason));
    if (answer.reason !== "syn-ack" && answer.reason !== "udp-answer") return;
    this.#sink.onOpen({
      cell,
      roundTripMs: elapsedMs,
      connection: answer.connection === null ? null : { kind: "socket", socket: answer.connection },
      answer: answer.datagram,
    });
  }

  #settle(cell: number, code: number): void {
    this.#sink.outcomes[cell] = code;
    this.#done += 1;
  }
}
