// The library's parts with parsers of other people's: bundled with them in place of what the compiler made, so that the package needs
// them as little as the command does.
import { basename, dirname, join } from "node:path";
import { rolldown } from "rolldown";

const parts = ["wishes/json-tree", "wishes/vite-config", "wishes/yaml-tree", "gateway/export/yaml-text"];

/** What is ours stays a file of its own: two copies of one class would not know each other. */
const oursApart = {
  name: "ours-apart",
  resolveId(id, importer) {
    const isOurs =
      importer !== undefined && /[\\/]src[\\/](?:wishes|gateway)[\\/]/.test(importer) && id.startsWith(".");
    return isOurs ? { id: id.replace(/\.ts$/, ".js"), external: true } : null;
  },
};

/** Writes them anew in `dist/`. */
export async function bundleParsers() {
  for (const name of parts) {
    const bundle = await rolldown({
      input: { [basename(name)]: `src/${name}.ts` },
      platform: "node",
      plugins: [oursApart],
    });
    await bundle.write({ dir: join("dist", dirname(name)), format: "esm", entryFileNames: "[name].js", minify: true });
    await bundle.close();
  }
}
