/**
 * @module The scripts of a package: what `npm run NAME` means in a folder (package.json(5), scripts), in a member of its workspace, and what
 * `deno task NAME` does.
 */
import { readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileLimitBytes, packageLimitBytes, readBounded } from "./bounded-read.ts";
import { parseDenoTasks, parsePackageJson, parsePnpmWorkspace } from "./manifests.ts";
import { matchesGlob } from "./workspace-glob.ts";

/** Most directories looked at on the way up. */
const depthLimit = 64;
/** Deepest folder below a workspace's root that is looked at, and how many in all. */
const memberDepth = 4;
const mostFolders = 2000;

/** Where a script is looked for. */
export interface ScriptSearch {
  /** A member of the workspace, by its name or folder. */
  readonly workspace?: string;
  /** A folder, relative to the one that one stands in. */
  readonly folder?: string;
  /** Tasks of deno.json come before scripts. */
  readonly deno?: true;
}

/**
 * Reads scripts by name. The nearest package.json upwards counts, as for npm.
 * @param directory absolute path
 */
export function createScriptReader(directory: string): (name: string, search?: ScriptSearch) => string | undefined {
  return (name, { workspace, folder, deno } = {}) => {
    const start = folder === undefined ? directory : resolve(directory, folder);
    const task = deno === true ? ownEntry(nearest(start, readTasks), name) : undefined;
    if (task !== undefined) return task;
    if (workspace === undefined) return ownEntry(readScripts(start), name);
    const member = findMember(directory, workspace);
    return member === undefined ? undefined : ownEntry(readScriptsIn(member), name);
  };
}

/** The scripts of the nearest package by name; empty without one. */
export function readScripts(directory: string): Readonly<Record<string, string>> {
  return nearest(directory, readScriptsIn) ?? {};
}

function ownEntry(entries: Readonly<Record<string, string>> | undefined, name: string): string | undefined {
  return entries !== undefined && Object.hasOwn(entries, name) ? entries[name] : undefined;
}

function nearest<Found>(directory: string, read: (folder: string) => Found | undefined): Found | undefined {
  let folder = directory;
  for (let depth = 0; depth < depthLimit; depth += 1) {
    const found = read(folder);
    if (found !== undefined) return found;
    const parent = dirname(folder);
    if (parent === folder) return undefined;
    folder = parent;
  }
  return undefined;
}

function readTasks(folder: string): Record<string, string> | undefined {
  for (const file of ["deno.json", "deno.jsonc"]) {
    const text = readBounded(join(folder, file), fileLimitBytes);
    if (text !== undefined) return parseDenoTasks(text);
  }
  return undefined;
}

function readScriptsIn(folder: string): Record<string, string> | undefined {
  const text = readBounded(join(folder, "package.json"), packageLimitBytes);
  return text === undefined ? undefined : scriptsIn(text);
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

/** The folder of a member of the workspace around a directory. */
function findMember(directory: string, wanted: string): string | undefined {
  const workspace = nearest(directory, readWorkspace);
  if (workspace === undefined) return undefined;
  const { root, patterns } = workspace;
  const isMember = (folder: string): boolean => matchesGlob(patterns, relative(root, folder).split(sep).join("/"));
  // A folder is meant from where one stands.
  for (const base of [directory, root]) {
    const folder = resolve(base, wanted);
    if (isMember(folder) && readScriptsIn(folder) !== undefined) return folder;
  }
  let left = mostFolders;
  const search = (folder: string, depth: number): string | undefined => {
    for (const name of listFolders(folder)) {
      if (left-- <= 0) return undefined;
      const path = join(folder, name);
      const text = isMember(path) ? readBounded(join(path, "package.json"), packageLimitBytes) : undefined;
      if (text !== undefined && parsePackageJson(text)?.name === wanted) return path;
      const deeper = depth < memberDepth ? search(path, depth + 1) : undefined;
      if (deeper !== undefined) return deeper;
    }
    return undefined;
  };
  return search(root, 1);
}

function readWorkspace(folder: string): { readonly root: string; readonly patterns: readonly string[] } | undefined {
  const text = readBounded(join(folder, "package.json"), packageLimitBytes);
  const pnpm = readBounded(join(folder, "pnpm-workspace.yaml"), fileLimitBytes);
  const patterns = pnpm === undefined ? parsePackageJson(text ?? "")?.workspaces : parsePnpmWorkspace(pnpm);
  return patterns === undefined ? undefined : { root: folder, patterns };
}

function listFolders(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && entry.name !== "node_modules" && !entry.name.startsWith("."))
      .map(({ name }) => name);
  } catch {
    // Not there, or not permitted: no member as far as can be seen.
    return [];
  }
}
