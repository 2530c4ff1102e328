/**
 * @module The project a directory belongs to: the nearest project file upwards, and the git checkout around it.
 */
import { existsSync, opendirSync } from "node:fs";
import { readHomeFolder } from "../host/index.ts";
import { fileLimitBytes, packageLimitBytes, readBounded } from "./bounded-read.ts";
import { joinPath, readGitCheckout } from "./git.ts";
import type { GitCheckout } from "./git.ts";
import * as manifests from "./manifests.ts";
import type { Manifest } from "./manifests.ts";
import { matchesGlob } from "./workspace-glob.ts";

/** A project as its files tell it. Texts are raw. */
export interface Project {
  /**
   * Name in the project file, otherwise the directory's name. A member of a workspace is named behind the workspace:
   * `shop/web`, unless its scope names the workspace already (`@shop/web`).
   */
  readonly name: string;
  /** Directory of the project file. */
  readonly root: string;
  /** File that marks it, e.g. `package.json`; `.git` when the checkout alone does. */
  readonly marker: string;
  /** The git checkout it lies in, `null` when in none. */
  readonly git: GitCheckout | null;
}

/** A project together with the packages its files name. */
export interface ProjectFiles {
  readonly project: Project;
  readonly dependencies: ReadonlySet<string>;
  readonly developmentDependencies: ReadonlySet<string>;
}

/** Where to look. */
export interface ProjectSearch {
  /** Folder under which the machine's files lie, for a saved tree or another mount namespace. Default: none. */
  readonly root?: string;
}

/** What was found for each directory. Directories of one search root only. */
export interface ProjectCache {
  readonly projects: Map<string, ProjectFiles | null>;
  readonly checkouts: Map<string, GitCheckout | null>;
  /** Workspaces by the directory of their package.json. */
  readonly workspaces: Map<string, Workspace | null>;
}

/** A package.json that has members, or a pnpm-workspace.yaml beside it. */
interface Workspace {
  readonly name: string;
  readonly patterns: readonly string[];
}

/** An empty cache. */
export function createProjectCache(): ProjectCache {
  return { projects: new Map(), checkouts: new Map(), workspaces: new Map() };
}

const sharedFolders: ReadonlySet<string> = new Set(["/root", "/home", "/Users", "/tmp", "/var/tmp"]);
/** Most directories looked at on the way up. */
const depthLimit = 64;
/** Most entries of a directory looked at in search of *.csproj and *.sln. */
const entryLimit = 256;

/** A file that marks a project. */
interface MarkerFile {
  readonly file: string;
  readonly parse: (text: string) => Manifest | undefined;
  /** Its dependencies count even when another file marks the project: a Rails application has a package.json, too. */
  readonly adds?: true;
}

/** Project files in order of preference within one directory. */
const markers: readonly MarkerFile[] = [
  { file: "package.json", parse: manifests.parsePackageJson },
  { file: "pyproject.toml", parse: manifests.parsePyproject, adds: true },
  { file: "go.mod", parse: manifests.parseGoMod },
  { file: "Cargo.toml", parse: manifests.parseCargo },
  { file: "pom.xml", parse: manifests.parsePom, adds: true },
  { file: "settings.gradle", parse: manifests.parseGradleSettings },
  { file: "settings.gradle.kts", parse: manifests.parseGradleSettings },
  { file: "build.gradle", parse: noName },
  { file: "build.gradle.kts", parse: noName },
  { file: "composer.json", parse: manifests.parsePackageJson, adds: true },
  { file: "Gemfile", parse: manifests.parseGemfile, adds: true },
  { file: "mix.exs", parse: manifests.parseMix },
  { file: "deno.json", parse: manifests.parseDenoJson },
  { file: "deno.jsonc", parse: manifests.parseDenoJson },
  { file: "manage.py", parse: noName },
  // Not a mark of its own kind in every tool, but nothing else tells a small Python program's folder.
  { file: "requirements.txt", parse: manifests.parseRequirements, adds: true },
];

function noName(): Manifest {
  return { name: undefined, dependencies: [], developmentDependencies: [], workspaces: undefined };
}

/**
 * The project that a working directory belongs to: the nearest project file upwards within the git checkout, otherwise
 * the checkout itself. `/` is never one; a home directory or /tmp only when it is the working directory itself, and nothing
 * above it is looked at from inside. Reads at most 64 KiB of any file (1 MiB of package.json) and runs no program.
 * @param directory absolute path as the process sees it
 */
export function findProject(directory: string, options: ProjectSearch = {}): Project | undefined {
  return inspectProject(directory, options)?.project;
}

/** As `findProject`, with the dependencies. Directories between the given one and the project share the cache's answer. */
export function inspectProject(
  directory: string,
  options: ProjectSearch = {},
  cache: ProjectCache = createProjectCache(),
): ProjectFiles | undefined {
  const start = normalizeDirectory(directory);
  if (start === undefined) return undefined;
  const root = options.root ?? "";
  const home = root === "" ? (readHomeFolder() ?? "") : "";
  const visited: string[] = [];
  let found: ProjectFiles | null = null;
  for (let current = start; visited.length < depthLimit; current = parentOf(current)) {
    if (current === "/" || (current !== start && isShared(current, home))) break;
    const remembered = cache.projects.get(current);
    if (remembered !== undefined) {
      found = remembered;
      break;
    }
    const git = findCheckout(current, root, cache) ?? undefined;
    const marked = readMarker(current, root);
    visited.push(current);
    if (marked !== undefined || git !== undefined) {
      found = describeProject(current, marked, git, { root, home }, cache);
      break;
    }
    if (isShared(current, home)) break;
  }
  for (const passed of visited) cache.projects.set(passed, found);
  return found ?? undefined;
}

interface Marked {
  readonly marker: string;
  readonly manifest: Manifest;
}

function describeProject(
  directory: string,
  marked: Marked | undefined,
  gitHere: GitCheckout | undefined,
  search: { root: string; home: string },
  cache: ProjectCache,
): ProjectFiles {
  let git = gitHere ?? null;
  let workspaceName: string | undefined;
  const ownName = marked?.manifest.name ?? directory.slice(directory.lastIndexOf("/") + 1);
  let current = directory;
  for (let depth = 0; git === null && depth < depthLimit; depth++) {
    current = parentOf(current);
    if (current === "/" || isShared(current, search.home)) break;
    git = findCheckout(current, search.root, cache);
    if (workspaceName === undefined && marked !== undefined) {
      workspaceName = findWorkspaceName(current, directory, marked, { root: search.root, cache });
    }
  }
  const project: Project = {
    name: joinNames(workspaceName, ownName),
    root: directory,
    marker: marked?.marker ?? ".git",
    git,
  };
  return {
    project,
    dependencies: new Set(marked?.manifest.dependencies),
    developmentDependencies: new Set(marked?.manifest.developmentDependencies),
  };
}

/** The first project file of a directory; a name that it lacks is taken from the next one. */
function readMarker(directory: string, root: string): Marked | undefined {
  let found: Marked | undefined;
  for (const { file, parse, adds } of markers) {
    if (found?.manifest.name !== undefined && adds !== true) continue;
    const path = root + joinPath(directory, file);
    if (!existsSync(path)) continue;
    const text = readBounded(path, file === "package.json" ? packageLimitBytes : fileLimitBytes);
    if (text === undefined) continue;
    const manifest = parse(text);
    if (manifest === undefined) continue;
    if (found === undefined) found = { marker: file, manifest };
    else {
      found = {
        marker: found.marker,
        manifest: {
          ...found.manifest,
          name: found.manifest.name ?? manifest.name,
          dependencies: [...found.manifest.dependencies, ...manifest.dependencies],
        },
      };
    }
  }
  return found ?? readSolution(directory, root);
}

/** A .NET project: the file carries the name. */
function readSolution(directory: string, root: string): Marked | undefined {
  let solution: string | undefined;
  let entries;
  try {
    entries = opendirSync(root + directory);
    for (let count = 0; count < entryLimit; count++) {
      const entry = entries.readSync();
      if (entry === null) break;
      if (/\.(?:cs|fs|vb)proj$/.test(entry.name)) {
        solution = entry.name;
        break;
      }
      if (/\.slnx?$/.test(entry.name)) solution = entry.name;
    }
  } catch {
    // Not there or not permitted: no project as far as can be seen.
  } finally {
    entries?.closeSync();
  }
  if (solution === undefined) return undefined;
  return { marker: solution, manifest: { ...noName(), name: solution.slice(0, solution.lastIndexOf(".")) } };
}

/** The name of the workspace at `directory` when `member` belongs to it. */
function findWorkspaceName(
  directory: string,
  member: string,
  marked: Marked,
  search: { root: string; cache: ProjectCache },
): string | undefined {
  const { root, cache } = search;
  if (marked.marker === "package.json") {
    let workspace = cache.workspaces.get(directory);
    if (workspace === undefined) {
      workspace = readWorkspace(directory, root);
      cache.workspaces.set(directory, workspace);
    }
    const belongs = workspace !== null && matchesGlob(workspace.patterns, member.slice(directory.length + 1));
    return belongs ? workspace?.name : undefined;
  }
  if (!marked.marker.startsWith("build.gradle")) return undefined;
  for (const file of ["settings.gradle", "settings.gradle.kts"]) {
    const settings = readBounded(root + joinPath(directory, file));
    if (settings !== undefined) return manifests.parseGradleSettings(settings).name;
  }
  return undefined;
}

function readWorkspace(directory: string, root: string): Workspace | null {
  const path = root + joinPath(directory, "package.json");
  if (!existsSync(path)) return null;
  const text = readBounded(path, packageLimitBytes);
  const manifest = text === undefined ? undefined : manifests.parsePackageJson(text);
  let patterns = manifest?.workspaces;
  if (patterns === undefined) {
    const pnpm = readBounded(root + joinPath(directory, "pnpm-workspace.yaml"));
    if (pnpm !== undefined) patterns = manifests.parsePnpmWorkspace(pnpm);
  }
  if (patterns === undefined) return null;
  return { name: manifest?.name ?? directory.slice(directory.lastIndexOf("/") + 1), patterns };
}

function findCheckout(directory: string, root: string, cache: ProjectCache): GitCheckout | null {
  let checkout = cache.checkouts.get(directory);
  if (checkout === undefined) {
    checkout = readGitCheckout(directory, root) ?? null;
    cache.checkouts.set(directory, checkout);
  }
  return checkout;
}

function joinNames(workspace: string | undefined, name: string): string {
  if (workspace === undefined || workspace === name) return name;
  const scope = workspace.startsWith("@") ? workspace.split("/", 1)[0]! : `@${workspace}`;
  return name.startsWith(`${scope}/`) ? name : `${workspace}/${name}`;
}

/** An absolute path without trailing slash and without the mark of a removed directory; `undefined` when it is none. */
function normalizeDirectory(directory: string): string | undefined {
  if (!directory.startsWith("/") || directory.length > 4096 || directory.includes("\0")) return undefined;
  let path = directory.endsWith(" (deleted)") ? directory.slice(0, -" (deleted)".length) : directory;
  if (/\/\.{0,2}(?:\/|$)/.test(path)) {
    const parts: string[] = [];
    for (const part of path.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    path = `/${parts.join("/")}`;
  }
  return path;
}

function parentOf(directory: string): string {
  const slash = directory.lastIndexOf("/");
  return slash <= 0 ? "/" : directory.slice(0, slash);
}

/**
 * True for a folder whose files say nothing about the folders below: the caller's home, the usual places of homes, because
 * other users' processes are looked at too, and the folders for temporary files.
 */
function isShared(directory: string, home: string): boolean {
  return directory === home || sharedFolders.has(directory) || /^\/(?:home|Users)\/[^/]+$/.test(directory);
}
