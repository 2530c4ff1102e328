/**
 * @module The tests' population, compiled for Node 20, which does not run TypeScript.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const repository = fileURLToPath(new URL("..", import.meta.url));

/** The program that a population's processes run. */
export const populationProgram = join(repository, "test/support/population/population.py");

/** The module test/support/population.ts. */
export async function loadPopulation() {
  const { rolldown } = await import("rolldown");
  const folder = mkdtempSync(join(tmpdir(), "portolan-bench-"));
  try {
    const bundle = await rolldown({
      input: join(repository, "test/support/population.ts"),
      platform: "node",
      logLevel: "silent",
    });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "population.mjs" });
    await bundle.close();
    return await import(pathToFileURL(join(folder, "population.mjs")).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
