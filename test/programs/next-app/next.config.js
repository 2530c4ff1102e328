import { createRequire } from "node:module";
import { dirname } from "node:path";

// The folder that holds node_modules: two lockfiles further up would let Next guess.
const packages = dirname(dirname(createRequire(import.meta.url).resolve("next/package.json")));

export default { turbopack: { root: dirname(packages) }, devIndicators: false };
