/**
 * @module The tests' namespaces, devices and servers for the benchmarks, compiled for Node 20, which does not run TypeScript.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const repository = fileURLToPath(new URL("..", import.meta.url));
const sources = [
  "test/support/netns.ts",
  "test/support/nmap-xml.ts",
  "test/exactness/mixed-host.ts",
  "test/servers/harbour.ts",
];

/** Everything that the sources export, in one object. */
export async function loadSupport() {
  const { rolldown } = await import("rolldown");
  const folder = mkdtempSync(join(tmpdir(), "portolan-bench-support-"));
  try {
    const entry = join(folder, "support.ts");
    writeFileSync(entry, sources.map((path) => `export * from ${JSON.stringify(join(repository, path))};\n`).join(""));
    const bundle = await rolldown({
      input: entry,
      platform: "node",
      external: ["koffi", /^@koromix\//],
      logLevel: "silent",
      plugins: [
        {
          name: "own-place",
          // Programs stand beside the sources that start them, not beside the bundle.
          transform: (code, id) =>
            code.includes("import.meta.url")
              ? code.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(id).href))
              : null,
        },
      ],
    });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "support.mjs" });
    await bundle.close();
    return await import(pathToFileURL(join(folder, "support.mjs")).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
