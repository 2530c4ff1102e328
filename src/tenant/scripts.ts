/**
 * @module The scripts of a package: what `npm run NAME` means in a folder (package.json(5), scripts).
 */
import { dirname, join } from "node:path";
import { packageLimitBytes, readBounded } from "./bounded-read.ts";

/** Most directories looked at on the way up. */
const depthLimit = 64;

/**
 * By name; empty without a package. The nearest package.json upwards counts, as for npm.
 * @param directory absolute path
 */
export function readScripts(directory: string): Readonly<Record<string, string>> {
  let folder = directory;
  for (let depth = 0; depth < depthLimit; depth += 1) {
    const text = readBounded(join(folder, "package.json"), packageLimitBytes);
    if (text !== undefined) return scriptsIn(text);
    const parent = dirname(folder);
    if (parent === folder) break;
    folder = parent;
  }
  return {};
}

function scriptsIn(text: string): Record<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return {};
  }
  const { scripts } = (typeof parsed === "object" && parsed !== null ? parsed : {}) as { scripts?: unknown };
  if (typeof scripts !== "object" || scripts === null) return {};
  const found = Object.entries(scripts).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(found);
}
