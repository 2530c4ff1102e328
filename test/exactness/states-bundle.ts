/**
 * @module The scanning program of states-child.ts as one file, and what it reports from inside a namespace.
 */
import { bundleSource } from "../support/bundle.ts";
import type { NetworkNamespace } from "../support/netns.ts";
import type { StatesReport, StatesRequest } from "./states-child.ts";

/** The program. */
export interface StatesBundle {
  /** Scans from inside a namespace. Rejects when it takes longer than the deadline, milliseconds. */
  scan(namespace: NetworkNamespace, request: StatesRequest, deadlineMs: number): Promise<StatesReport>;
  remove(): void;
}

/** Builds it in a temporary folder, minified as the command is. */
export async function buildStatesBundle(): Promise<StatesBundle> {
  const bundle = await bundleSource({ states: "test/exactness/states-child.ts" });
  return {
    async scan(namespace, request, deadlineMs) {
      const { stdout } = await namespace.execIn(process.execPath, [bundle.pathOf("states"), JSON.stringify(request)], {
        timeoutMs: deadlineMs,
        environment: {},
      });
      return JSON.parse(stdout) as StatesReport;
    },
    remove: bundle.remove,
  };
}
