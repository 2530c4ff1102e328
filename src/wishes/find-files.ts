/**
 * @module Finds the files of a project that say ports: by name, in a bounded walk that leaves out what others have installed or built.
 */
import { opendirSync, type Dir, type Dirent } from "node:fs";
import { basename, dirname, join } from "node:path";
import { configFileNames } from "../project/index.ts";
import type { WishFormat } from "./port-wish.ts";

/** A file and what its name says it is; `null`: its content decides. */
export interface FoundFile {
  /** Absolute. */
  readonly path: string;
  readonly format: WishFormat | null;
}

/** What a walk found. */
export interface FoundFiles {
  readonly files: readonly FoundFile[];
  /** The walk ended before everything was seen. */
  readonly cutShort: boolean;
}

/** Entries of folders that one walk looks at. */
const mostEntries = 200_000;
const mostFiles = 5_000;
const deepest = 12;

/** Folders of other people's code, of what was built, and of files that are meant to be wrong. */
const passedOver: ReadonlySet<string> = new Set([
  "node_modules",
  "bower_components",
  "vendor",
  "dist",
  "build",
  "out",
  "target",
  "coverage",
  "venv",
  "__pycache__",
  "site-packages",
  "fixtures",
  "__fixtures__",
  "testdata",
  "__snapshots__",
]);

/** Hidden folders that are looked into. */
const lookedInto: ReadonlySet<string> = new Set([".devcontainer", ".vscode"]);

/** Everything below a folder, its own files first. Links to folders are not followed. */
export function findFiles(root: string, signal: AbortSignal): FoundFiles {
  const files: FoundFile[] = [];
  let entries = 0;
  let folders: { path: string; depth: number }[] = [{ path: root, depth: 0 }];
  while (folders.length > 0) {
    const next: typeof folders = [];
    for (const { path, depth } of folders) {
      const here: FoundFile[] = [];
      for (const entry of readFolder(path)) {
        entries += 1;
        if (entries > mostEntries || signal.aborted) return { files: [...files, ...sort(here)], cutShort: true };
        const full = join(path, entry.name);
        if (entry.isDirectory()) {
          const hidden = entry.name.startsWith(".") && !lookedInto.has(entry.name);
          if (!hidden && !passedOver.has(entry.name) && depth < deepest) next.push({ path: full, depth: depth + 1 });
        } else if (entry.isFile() || entry.isSymbolicLink()) {
          const format = formatOfName(full);
          if (format === undefined) continue;
          if (files.length + here.length >= mostFiles) return { files: [...files, ...sort(here)], cutShort: true };
          here.push({ path: full, format });
        }
      }
      files.push(...sort(here));
    }
    folders = next.sort((left, right) => (left.path < right.path ? -1 : 1));
  }
  return { files, cutShort: false };
}

function sort(files: FoundFile[]): FoundFile[] {
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

function* readFolder(path: string): Generator<Dirent> {
  let folder: Dir;
  try {
    folder = opendirSync(path, { bufferSize: 256 });
  } catch {
    // Not there any more or not permitted: what cannot be seen has no wishes to tell.
    return;
  }
  try {
    for (;;) {
      const entry = folder.readSync();
      if (entry === null) return;
      yield entry;
    }
  } catch {
    // Gone meanwhile.
  } finally {
    folder.closeSync();
  }
}

/** What a name says; `null` for YAML of any kind, `undefined` for a file that says no ports. */
export function formatOfName(path: string): WishFormat | null | undefined {
  const name = basename(path);
  if (/^(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml$/.test(name)) return "compose";
  if (name === "pnpm-workspace.yaml") return undefined;
  if (/^\.env(?:\.[\w.-]+)?$/.test(name)) return "environment";
  if (name === "package.json") return "package";
  if (/^Procfile(?:\.[\w-]+)?$/.test(name)) return "procfile";
  if (/^vite\.config\.[cm]?[jt]s$/.test(name)) return "vite";
  if (name === ".devcontainer.json" || name === "devcontainer.json") return "devcontainer";
  if (name === "launch.json" && basename(dirname(path)) === ".vscode") return "launch";
  if (configFileNames.includes(name)) return "portolan";
  return /\.ya?ml$/.test(name) ? null : undefined;
}
