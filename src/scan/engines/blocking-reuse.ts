/**
 * @module The engine for this machine's own doors: blocking connects in threads, one socket used again and again.
 *
 * On loopback the answer is there before connect(2) returns, so there is nothing to wait for: a refused port costs one system call.
 * Whatever does not answer at once (a full queue, a packet filter) is asked again by the epoll engine.
 */
import { availableParallelism } from "node:os";
import { isLoopbackAddress } from "../../core/index.ts";
import { outcomeCode, type ScanEngine, type ScanTally } from "../engine.ts";
import { askBlocking, type BlockingFindings, type BlockingTask } from "./blocking-reuse-loop.ts";
import { askCells } from "./epoll.ts";
import { undecided } from "./native-outcomes.ts";
import { addressStride } from "./native-plan.ts";
import { nativeFitness, prepareRun, runThreads, type ScanRun } from "./native-thread.ts";

/** How long one connect may take before the epoll engine gets the door, milliseconds. */
const patienceMs = 40;
/** Threads cost about 15 ms each to start, the time of so many doors. */
const cellsForTwoThreads = 8192;

/** Blocking connects for loopback. */
export const blockingReuseEngine: ScanEngine = {
  name: "blocking-reuse",
  summary: "Asks this machine's own ports by blocking system calls in threads of their own.",
  fitness(batch) {
    if (batch.transport !== "tcp") return { able: false, why: "it asks TCP ports only" };
    if (!batch.addresses.every(({ address }) => isLoopbackAddress(address))) {
      return { able: false, why: "it would wait for each answer in turn: it is for loopback addresses only" };
    }
    if (batch.packetsPerSecond !== null) return { able: false, why: "it has no rate cap" };
    return nativeFitness();
  },
  async run(batch, sink, signal) {
    const run = prepareRun(batch, sink, signal);
    const findings = await runThreads<BlockingFindings | undefined>(run, listTasks(run));
    const tally = sumUp(findings);
    const missing = listUnasked(run);
    if (missing.length === 0 || signal.aborted) return tally;
    return await askTheRest(run, missing, tally);
  },
};

function listTasks({ plan, batch }: ScanRun): { source: string; data: BlockingTask; memorySize: number }[] {
  const cells = plan.outcomes.length;
  const threads = batch.window === 1 || cells < cellsForTwoThreads ? 1 : Math.min(2, availableParallelism());
  return Array.from({ length: threads }, (_, thread) => ({
    source: askBlocking.toString(),
    data: {
      plan,
      thread,
      openOutcome: outcomeCode("syn-ack"),
      closedOutcome: outcomeCode("connection-refused"),
      undecided,
      patienceMs,
    },
    memorySize: 256 + batch.addresses.length * addressStride,
  }));
}

function listUnasked({ plan }: ScanRun): Uint32Array {
  const cells: number[] = [];
  plan.outcomes.forEach((outcome, cell) => {
    if (outcome === 0) cells.push(cell);
  });
  return Uint32Array.from(cells);
}

function sumUp(findings: readonly (BlockingFindings | undefined)[]): ScanTally {
  let attempts = 0;
  let repeated = 0;
  let sum = 0;
  let measured = 0;
  for (const finding of findings) {
    attempts += finding?.attempts ?? 0;
    repeated += finding?.silent ?? 0;
    sum += finding?.roundTripSumMs ?? 0;
    measured += finding?.roundTrips ?? 0;
  }
  return {
    attempts,
    repeated,
    measuredLoss: measured === 0 ? null : 0,
    smoothedRoundTripMs: measured === 0 ? null : sum / measured,
    widestWindow: findings.length,
    exhausted: 0,
  };
}

async function askTheRest(run: ScanRun, cells: Uint32Array, before: ScanTally): Promise<ScanTally> {
  const after = await askCells(run, cells);
  return {
    attempts: before.attempts + after.attempts,
    repeated: Math.min(cells.length, before.repeated + after.repeated),
    measuredLoss: after.measuredLoss ?? before.measuredLoss,
    smoothedRoundTripMs: before.smoothedRoundTripMs ?? after.smoothedRoundTripMs,
    widestWindow: Math.max(before.widestWindow, after.widestWindow),
    exhausted: after.exhausted,
  };
}
