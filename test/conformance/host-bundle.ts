/**
 * @module The host room as one CommonJS bundle, for tests that look with another program: as another user, in another
 * namespace, without koffi.
 */
import { chmodSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";

const repository = fileURLToPath(new URL("../..", import.meta.url));

/** A folder with the bundle, readable by every user. */
export interface HostBundle {
  /** Path for `require`, whose exports are those of src/host/index.ts. */
  readonly path: string;
  remove(): void;
}

/**
 * Builds the bundle in a temporary folder.
 * @param packages whether the repository's installed packages, koffi among them, can be found from there
 */
export async function buildHostBundle({ packages }: { packages: boolean }): Promise<HostBundle> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-host-bundle-"));
  const bundle = await rolldown({
    input: { host: join(repository, "src/host/index.ts") },
    platform: "node",
    external: ["koffi", /^@koromix\//],
    logLevel: "silent",
  });
  // As the command is shipped: minified, so that what depends on names or on text of functions shows here.
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
    path: join(folder, "host.cjs"),
    remove: () => {
      rmSync(folder, { recursive: true });
    },
  };
}
