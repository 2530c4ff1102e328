/**
 * @module Threads of the native engines: started from source text, heard, and stopped.
 *
 * Source text because a path to a file would have to be right in the library, in the bundle and under test.
 */
import { Worker } from "node:worker_threads";
import { PortolanError } from "../../core/index.ts";
import { loadNativeAccess } from "../../host/index.ts";
import type { EngineFitness, ScanBatch, ScanSink } from "../engine.ts";
import { controlWords, packAddresses, type PostedDoor, type ScanPlan } from "./native-plan.ts";
import { outcomeTable } from "./native-outcomes.ts";
import { createNativeSystem } from "./native-system.ts";

/** Machines whose kernel interface has the numbers and layouts of native-system.ts. */
const architectures: ReadonlySet<string> = new Set(["x64", "arm64", "riscv64", "loong64"]);

/** How often progress is told, milliseconds. */
const progressMs = 100;
/** How long threads have after an abort before they are ended from outside, milliseconds. */
const abortGraceMs = 150;
/** Most doors that are handed to the sink in one go. */
const doorsPerTurn = 64;

/** Whether the native engines can run here at all. */
export function nativeFitness(): EngineFitness {
  if (process.platform !== "linux") return { able: false, why: `this system is ${process.platform}, not linux` };
  if (!architectures.has(process.arch)) {
    return { able: false, why: `the system calls of ${process.arch} are not known to it` };
  }
  const access = loadNativeAccess();
  if (access === null) return { able: false, why: "the optional package koffi is not installed or has no binary" };
  if (access.binaryPath === null) return { able: false, why: "koffi's binary is not where a thread can load it" };
  return { able: true };
}

/** A batch being asked: what is shared with the threads, and the doors on their way to the sink. */
export interface ScanRun {
  readonly plan: ScanPlan;
  readonly batch: ScanBatch;
  readonly sink: ScanSink;
  readonly signal: AbortSignal;
}

/** Lays out the shared memory of a batch. */
export function prepareRun(batch: ScanBatch, sink: ScanSink, signal: AbortSignal): ScanRun {
  const isShared = sink.outcomes.buffer instanceof SharedArrayBuffer;
  const plan: ScanPlan = {
    addresses: packAddresses(batch.addresses),
    ports: batch.ports,
    cells: null,
    outcomes: isShared ? sink.outcomes : new Uint8Array(new SharedArrayBuffer(sink.outcomes.length)),
    control: new Int32Array(new SharedArrayBuffer(controlWords.count * 4)),
    places: controlWords,
    keepConnections: batch.keepConnections,
    outcomeOfErrno: outcomeTable(batch.transport),
  };
  return { plan, batch, sink, signal };
}

/** Source text of a function, and the data it is called with. */
export interface ThreadTask {
  /**
   * Expression of a function `(system, data, post) => result`: `system` is a `NativeSystem`, `post` takes an array of
   * `PostedDoor`.
   */
  readonly source: string;
  readonly data: unknown;
  /** Bytes of memory for `system`. */
  readonly memorySize: number;
}

/**
 * Runs tasks side by side to their end, tells the sink what they post, and copies the outcomes when its own are not shared.
 * @returns what each task returned
 * @throws INTERNAL when a thread fails
 */
export async function runThreads<Result>(run: ScanRun, tasks: readonly ThreadTask[]): Promise<Result[]> {
  const { plan, sink, signal } = run;
  const { control } = plan;
  const access = loadNativeAccess();
  const binaryPath = access?.binaryPath ?? null;
  if (access === null || binaryPath === null) {
    throw new PortolanError("INTERNAL", "A native scan engine was started without koffi.");
  }
  const close = access.library.func<(descriptor: number) => number>("int close(int fd)");
  const workers: Worker[] = [];
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = () => {
    Atomics.store(control, controlWords.abort, 1);
    Atomics.notify(control, controlWords.taken);
    graceTimer = setTimeout(() => {
      for (const worker of workers) void worker.terminate();
    }, abortGraceMs);
  };
  const tellProgress = () => {
    sink.onProgress(Atomics.load(control, controlWords.done));
  };
  const progressTimer = setInterval(tellProgress, progressMs);
  const handDoor = ([cell, roundTripMs, descriptor, answer]: PostedDoor) => {
    // After an abort nobody is there to own a connection.
    const isKept = descriptor >= 0 && !signal.aborted;
    if (descriptor >= 0 && !isKept) close(descriptor);
    sink.onOpen({ cell, roundTripMs, connection: isKept ? { kind: "descriptor", descriptor } : null, answer });
  };
  const queue: PostedDoor[] = [];
  let emptied: (() => void) | undefined;
  const handDoors = () => {
    const doors = queue.splice(0, doorsPerTurn);
    for (const door of doors) handDoor(door);
    Atomics.add(control, controlWords.taken, doors.length);
    Atomics.notify(control, controlWords.taken);
    // What the sink does with a door takes time: let others have their turn.
    if (queue.length > 0) setImmediate(handDoors);
    else emptied?.();
  };
  const takeDoors = (doors: readonly PostedDoor[]) => {
    const isIdle = queue.length === 0;
    queue.push(...doors);
    if (isIdle && queue.length > 0) handDoors();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  try {
    const results = await Promise.all(
      tasks.map(async (task, index) => {
        // Starting a thread takes this one some milliseconds: one a turn of the event loop.
        for (let turn = 0; turn <= index; turn++) await nextTurn();
        return runThread<Result>(binaryPath, task, workers, takeDoors, signal);
      }),
    );
    if (queue.length > 0) {
      await new Promise<void>((resolve) => {
        emptied = resolve;
      });
    }
    return results;
  } catch (error) {
    stop();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    clearInterval(progressTimer);
    clearTimeout(graceTimer);
    for (const worker of workers) void worker.terminate();
    if (sink.outcomes !== plan.outcomes) sink.outcomes.set(plan.outcomes);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function runThread<Result>(
  binaryPath: string,
  task: ThreadTask,
  workers: Worker[],
  takeDoors: (doors: readonly PostedDoor[]) => void,
  signal: AbortSignal,
): Promise<Result> {
  const worker = new Worker(threadSource(task.source), {
    eval: true,
    workerData: { binaryPath, data: task.data, memorySize: task.memorySize },
    // Flags of the main thread, such as a test runner's loaders, are not for this one; nor is its output.
    execArgv: [],
    env: {},
    stdout: true,
    stderr: true,
  });
  workers.push(worker);
  return new Promise((resolve, reject) => {
    worker.on("message", (message: { doors: readonly PostedDoor[] } | { result: Result }) => {
      if ("doors" in message) takeDoors(message.doors);
      else resolve(message.result);
    });
    worker.once("error", (cause) => {
      reject(new PortolanError("INTERNAL", "A thread of the scan failed.", { cause }));
    });
    worker.once("exit", () => {
      if (signal.aborted) resolve(undefined as Result);
      else reject(new PortolanError("INTERNAL", "A thread of the scan ended before its work."));
    });
  });
}

function threadSource(task: string): string {
  return `"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const holder = { exports: {} };
process.dlopen(holder, workerData.binaryPath);
const createSystem = ${createNativeSystem.toString()};
const system = createSystem(holder.exports, holder.exports.load(null), workerData.memorySize, process.arch);
const task = ${task};
const { control, places } = workerData.data.plan;
// The main thread hears many messages in one go: no more of them than it can take in a moment.
const post = (doors) => {
  Atomics.add(control, places.posted, doors.length);
  parentPort.postMessage({ doors });
  for (;;) {
    const taken = Atomics.load(control, places.taken);
    if (Atomics.load(control, places.posted) - taken < 256 || Atomics.load(control, places.abort) !== 0) return;
    Atomics.wait(control, places.taken, taken, 20);
  }
};
const result = task(system, workerData.data, post);
parentPort.postMessage({ result });
`;
}
