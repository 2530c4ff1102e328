/**
 * @module The asking program as one file, and what it answers from inside a namespace.
 */
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import type { NetworkNamespace } from "./netns.ts";
import type { AskedDoor, DoorAnswer } from "./scan-child.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** The program. */
export interface ScanBundle {
  readonly path: string;
  /** Asks the doors from inside a namespace. */
  ask(
    namespace: NetworkNamespace,
    doors: readonly AskedDoor[],
    options?: { atOnce?: number; timeoutMs?: number },
  ): Promise<readonly DoorAnswer[]>;
  remove(): void;
}

/** Builds it in a temporary folder. */
export async function buildScanBundle(): Promise<ScanBundle> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-scan-bundle-"));
  const bundle = await rolldown({
    input: { scan: join(repository, "test/support/scan-child.ts") },
    platform: "node",
    external: ["koffi", /^@koromix\//],
    logLevel: "silent",
  });
  await bundle.write({ dir: folder, format: "cjs", minify: true, entryFileNames: "[name].cjs" });
  await bundle.close();
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  const path = join(folder, "scan.cjs");
  return {
    path,
    async ask(namespace, doors, { atOnce = 16, timeoutMs = 120_000 } = {}) {
      const words = [path, JSON.stringify({ doors, atOnce })];
      const { stdout } = await namespace.execIn(process.execPath, words, { timeoutMs, environment: {} });
      const lines = stdout.split("\n").filter((line) => line !== "");
      return lines.map((line) => JSON.parse(line) as DoorAnswer);
    },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
