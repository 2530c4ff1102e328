/**
 * @module A worker thread that takes part in the walk over file descriptors.
 */
import { Worker } from "node:worker_threads";
import { createNativeWalk, type WalkPlan } from "./native-walk.ts";

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
  /** Ends it, whatever it does. */
  stop(): void;
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
process.dlopen(holder, workerData.binaryPath);
const create = ${createNativeWalk.toString()};
const walk = create(holder.exports, holder.exports.load(null), workerData.plan, workerData.worker, 0);
walk.run(Infinity);
const { data, length } = walk.findings();
const used = data.slice(0, length);
parentPort.postMessage({ data: used, length, unreadable: walk.unreadable() }, [used.buffer]);
`;
  const thread = new Worker(source, {
    eval: true,
    workerData: { binaryPath, plan, worker },
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
    stop() {
      void thread.terminate();
    },
  };
}
