// Bundles the library's small door, `portolan/ports`: as the compiler's many files it would take longer to load than to pick a port.
import { rolldown } from "rolldown";

/** Writes `dist/ports/` beside the compiled `dist/ports.js`, which the whole library loads. */
export async function bundlePorts() {
  const bundle = await rolldown({
    input: { ports: "src/ports.ts" },
    platform: "node",
    external: ["koffi", /^@koromix\//],
    treeshake: { propertyReadSideEffects: false },
  });
  await bundle.write({
    dir: "dist/ports",
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "[name]-[hash].js",
  });
  await bundle.close();
}
