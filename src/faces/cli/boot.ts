/**
 * @module Starts the command: loads its chunks with the engine's code cache, which spares it reading them through anew.
 *
 * The cache lies beside the bundle as Python's `__pycache__` does: one file a chunk and engine version, written at the end of
 * the first run that finds none, and only when the folder belongs to the user who runs. Where it cannot be written or is refused
 * by the engine the command starts as it would without (docs/decisions/003-code-cache.md).
 */
import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { Script } from "node:vm";

const appFolder = `${__dirname}/app`;
const cacheFolder = `${__dirname}/cache/${process.versions.v8}-${process.arch}`;

interface Chunk {
  readonly exports: Record<string, unknown>;
}

type Wrapper = (
  exports: Record<string, unknown>,
  require: (id: string) => unknown,
  module: Chunk,
  filename: string,
  dirname: string,
) => void;

const chunks = new Map<string, Chunk>();
const uncached: { readonly name: string; readonly script: Script }[] = [];

/** `require` as the chunks see it: each other by name, everything else from Node. */
function requireFromChunk(id: string): unknown {
  return id.startsWith("./") ? loadChunk(id.slice(2)).exports : require(id);
}

function loadChunk(name: string): Chunk {
  const known = chunks.get(name);
  if (known !== undefined) return known;
  const filename = `${appFolder}/${name}`;
  // Chunks are ASCII (scripts/bundle-command.mjs), so that latin1 is the same text and the quickest to read.
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, "latin1")}\n})`;
  const cachedData = readCache(name);
  const script = new Script(source, cachedData === undefined ? { filename } : { filename, cachedData });
  if (cachedData === undefined || script.cachedDataRejected === true) uncached.push({ name, script });
  const chunk: Chunk = { exports: {} };
  chunks.set(name, chunk);
  const run = script.runInThisContext() as Wrapper;
  run(chunk.exports, requireFromChunk, chunk, filename, appFolder);
  return chunk;
}

function readCache(name: string): Buffer | undefined {
  try {
    return readFileSync(`${cacheFolder}/${name}.bin`);
  } catch {
    return undefined;
  }
}

/** Writes what was missing: the functions that ran are in it. Whatever fails here is no failure of the command. */
function writeCache(): void {
  // A run that only printed help has not shown which functions a command uses.
  if (uncached.length === 0 || chunks.size === chunksAtStart || process.geteuid === undefined) return;
  try {
    // Files of root in a user's folder could not be removed by the user.
    if (statSync(__dirname).uid !== process.geteuid()) return;
    mkdirSync(cacheFolder, { recursive: true });
    for (const { name, script } of uncached) {
      const temporary = `${cacheFolder}/${name}.${process.pid}`;
      writeFileSync(temporary, script.createCachedData());
      renameSync(temporary, `${cacheFolder}/${name}.bin`);
    }
  } catch {
    // A read-only or full disk: the next start reads the chunks through again.
  }
}

let chunksAtStart = 0;
process.once("exit", writeCache);
loadChunk("main.cjs");
chunksAtStart = chunks.size;
