// Builds `dist/`: generated data, then the library by the TypeScript compiler, then the command as one bundle.
import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleCommand } from "./bundle-command.mjs";
import { bundleJson } from "./bundle-json.mjs";
import { bundleParsers } from "./bundle-parsers.mjs";
import { bundlePorts } from "./bundle-ports.mjs";
import { generateFromOperations } from "./generate-from-operations.mjs";
import { generateProtocolPages } from "./protocol-pages.mjs";
import { generateRegistry } from "./generate-registry.mjs";
import { buildPage } from "./build-page.mjs";
import { warmUp } from "./warm-up.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
process.chdir(root);
rmSync("dist", { recursive: true, force: true });

await generateRegistry();
await generateFromOperations();
await generateProtocolPages();
compile();
await bundleCommand();
await bundlePorts();
await bundleJson();
await bundleParsers();
await buildPage();
chmodSync("dist/bin/portolan.cjs", 0o755);
await warmUp();

/** Runs this checkout's own compiler, found through its package so that no PATH is trusted. */
function compile() {
  const manifestPath = createRequire(import.meta.url).resolve("typescript/package.json");
  const binary = JSON.parse(readFileSync(manifestPath, "utf8")).bin.tsc;
  execFileSync(process.execPath, [join(dirname(manifestPath), binary), "-p", "tsconfig.build.json"], {
    stdio: "inherit",
  });
}
