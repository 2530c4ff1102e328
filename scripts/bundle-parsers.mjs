// The library's parts with parsers of other people's: bundled with them in place of what the compiler made, so that the package needs
// them as little as the command does.
import { rolldown } from "rolldown";

const parts = ["json-tree", "vite-config", "yaml-tree"];

/** What is ours stays a file of its own: two copies of one class would not know each other. */
const oursApart = {
  name: "ours-apart",
  resolveId(id, importer) {
    const isOurs = importer !== undefined && /[\\/]src[\\/]wishes[\\/]/.test(importer) && id.startsWith(".");
    return isOurs ? { id: id.replace(/\.ts$/, ".js"), external: true } : null;
  },
};

/** Writes `dist/wishes/` parts anew. */
export async function bundleParsers() {
  for (const name of parts) {
    const bundle = await rolldown({
      input: { [name]: `src/wishes/${name}.ts` },
      platform: "node",
      plugins: [oursApart],
    });
    await bundle.write({ dir: "dist/wishes", format: "esm", entryFileNames: "[name].js", minify: true });
    await bundle.close();
  }
}
