/**
 * @module The program of bind-child.ts as one file, and what it reports from inside a namespace of its own.
 */
import { bundleSource } from "../support/bundle.ts";
import { createNetworkNamespace } from "../support/netns.ts";
import type { BindReport, BindRequest } from "./bind-child.ts";

/** Runs sequences in a new namespace. Rejects when it takes longer than the deadline, milliseconds. */
export async function runBindSequences(request: BindRequest, deadlineMs: number): Promise<BindReport> {
  const bundle = await bundleSource({ bind: "test/exactness/bind-child.ts" });
  const namespace = await createNetworkNamespace({ addresses: ["10.77.9.2/24", "fd00:77:9::2/64"] });
  try {
    // A network that no interface has an address of, and that is this machine's all the same.
    await namespace.execIn("ip", ["route", "add", "local", "10.77.10.0/24", "dev", "lo"]);
    const words = [bundle.pathOf("bind"), JSON.stringify(request)];
    const { stdout } = await namespace.execIn(process.execPath, words, { timeoutMs: deadlineMs, environment: {} });
    return JSON.parse(stdout) as BindReport;
  } finally {
    await namespace.destroy();
    bundle.remove();
  }
}
