/**
 * @module The scanning program of states-child.ts as one file, and what it reports from inside a namespace.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { NetworkNamespace } from "../support/netns.ts";
import type { StatesReport, StatesRequest } from "./states-child.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The program. */
export interface StatesBundle {
  /** Scans from inside a namespace. Rejects when it takes longer than the deadline, milliseconds. */
  scan(namespace: NetworkNamespace, request: StatesRequest, deadlineMs: number): Promise<StatesReport>;
  remove(): void;
}

/** Builds it in a temporary folder, minified as the command is. */
export async function buildStatesBundle(): Promise<StatesBundle> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-states-bundle-"));
  const bundle = await rolldown({
    input: { states: join(repository, "test/exactness/states-child.ts") },
    platform: "node",
    external: ["koffi", /^@koromix\//],
    logLevel: "silent",
  });
  await bundle.write({
    dir: folder,
    format: "esm",
    minify: true,
    entryFileNames: "[name].mjs",
    chunkFileNames: "[name]-[hash].mjs",
  });
  await bundle.close();
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  const path = join(folder, "states.mjs");
  return {
    async scan(namespace, request, deadlineMs) {
      const { stdout } = await namespace.execIn(process.execPath, [path, JSON.stringify(request)], {
        timeoutMs: deadlineMs,
        environment: {},
      });
      return JSON.parse(stdout) as StatesReport;
    },
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
