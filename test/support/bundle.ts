/**
 * @module Source files as bundles in a temporary folder, for tests that run them elsewhere: as another user, in another namespace,
 * without koffi. Minified as the command is shipped, so that what depends on names or on the text of functions shows.
 */
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A folder with bundles, readable by every user. */
export interface SourceBundle {
  readonly folder: string;
  /** Path of the bundle of that name, a CommonJS file. */
  pathOf(name: string): string;
  readonly remove: () => void;
}

/**
 * Builds them.
 * @param input files by name, paths from the repository's root
 * @param packages whether the repository's installed packages, koffi among them, can be found from there; default true
 */
export async function bundleSource(
  input: Readonly<Record<string, string>>,
  { packages = true }: { packages?: boolean } = {},
): Promise<SourceBundle> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-bundle-"));
  const bundle = await rolldown({
    input: Object.fromEntries(Object.entries(input).map(([name, path]) => [name, join(repository, path)])),
    platform: "node",
    external: ["koffi", /^@koromix\//],
    logLevel: "silent",
  });
  await bundle.write({
    dir: folder,
    format: "cjs",
    minify: true,
    entryFileNames: "[name].cjs",
    chunkFileNames: "[name]-[hash].cjs",
  });
  await bundle.close();
  if (packages) symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  chmodSync(folder, 0o755);
  return {
    folder,
    pathOf: (name) => join(folder, `${name}.cjs`),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
