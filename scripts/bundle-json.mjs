// The library's one part with a parser of other people's: bundled with it in place of what the compiler made, so that the package needs it
// as little as the command does.
import { rolldown } from "rolldown";

/** Writes `dist/project/json-tree.js` anew. */
export async function bundleJson() {
  const bundle = await rolldown({ input: { "json-tree": "src/project/json-tree.ts" }, platform: "node" });
  await bundle.write({ dir: "dist/project", format: "esm", entryFileNames: "[name].js", minify: true });
  await bundle.close();
}
