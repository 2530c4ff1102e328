// Runs at `npm install` in a clone. Builds when the build tools are there, and does nothing when they are not
// (`--omit=dev`, `NODE_ENV=production`, or an installed package, where `dist` is already in place).
import { existsSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

function isInstalled(name) {
  try {
    require.resolve(`${name}/package.json`);
    return true;
  } catch {
    return false;
  }
}

const haveSources = existsSync(new URL("../src/index.ts", import.meta.url));
if (haveSources && ["typescript", "rolldown", "vite"].every(isInstalled)) await import("./build.mjs");
