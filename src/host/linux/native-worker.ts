/**
 * @module A worker thread that takes part in the walk over file descriptors.
 */
import { Worker } from "node:worker_threads";
import { createNativeWalk, type WalkPlan } from "./native-walk.ts";

/** State of the gate before which a worker waits: 0 as long as it may begin, 1 when it has. */
const calledOff = 2;

/** What a worker found. */
export interface WorkerFindings {
  readonly data: Int32Array;
  readonly length: number;
  readonly unreadable: readonly number[];
}

/** A running worker. */
export interface WalkWorker {
  /** Its findings; `undefined` when it failed, and what it had taken must be walked again. */
  readonly result: Promise<WorkerFindings | undefined>;
  /** Ends it. Resolves when it is past the moment at which ending it would end the process. */
  stop(): Promise<void>;
}

/**
 * Starts a worker from source text: a path to a file would have to be right in the library, in the bundle and under test.
 * @param binaryPath koffi's binary, which the thread loads for itself
 * @param worker number of the thread, from 2
 */
export function startWalkWorker(binaryPath: string, plan: WalkPlan, worker: number): WalkWorker {
  const source = `"use strict";
const { parentPort, workerData } = require("node:worker_threads");
const holder = { exports: {} };
// A thread that is ended while koffi loads takes the whole process along (napi_throw fails there): begun or called off, never both.
if (Atomics.compareExchange(workerData.gate, 0, 0, 1) === 0) {
process.dlopen(holder, workerData.binaryPath);
const create = ${createNativeWalk.toString()};
const walk = create(holder.exports, holder.exports.load(null), workerData.plan, workerData.worker, 0);
walk.run(Infinity);
const { data, length } = walk.findings();
const used = data.slice(0, length);
parentPort.postMessage({ data: used, length, unreadable: walk.unreadable() }, [used.buffer]);
}
`;
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(source, {
    eval: true,
    workerData: { binaryPath, plan, worker, gate },
    // Flags of the main thread, such as a test runner's loaders, are not for this one; nor is its output.
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  const result = new Promise<WorkerFindings | undefined>((resolve) => {
    thread.once("message", resolve);
    thread.once("error", () => {
      resolve(undefined);
    });
    thread.once("exit", () => {
      resolve(undefined);
    });
  });
  return {
    result,
    async stop() {
      // It finds nothing left to do, once it has loaded.
      if (Atomics.compareExchange(gate, 0, 0, calledOff) !== 0) await result;
      void thread.terminate();
    },
  };
}
