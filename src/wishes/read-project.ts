/**
 * @module Reads everything that a folder, or the files that are named, wish for.
 */
import { statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { PortolanError, quote } from "../core/index.ts";
import { loadComposeProject, looksLikeCompose, type ComposeProject } from "./compose/compose-project.ts";
import { composeWishes } from "./compose/compose-wishes.ts";
import { devcontainerWishes } from "./devcontainer.ts";
import { readEnvironmentFile, resolveEnvironment } from "./environment-file.ts";
import { environmentWishes, isSample, type NamedEnvironmentFile } from "./environment-wishes.ts";
import { findFiles, formatOfName, type FoundFile } from "./find-files.ts";
import { readJson, type JsonValue } from "./json-tree.ts";
import { isTemplate, kubernetesWishes, looksLikeKubernetes } from "./kubernetes.ts";
import { launchWishes } from "./launch-wishes.ts";
import type { LocatedText } from "./located-text.ts";
import { packageWishes } from "./package-wishes.ts";
import { plainWish, type PortWish, type WishFormat } from "./port-wish.ts";
import { portolanProblems, portolanWishes } from "./portolan-config.ts";
import { procfileWishes } from "./procfile.ts";
import { ProjectFiles } from "./project-files.ts";
import { contains } from "./run-together.ts";
import type { ProjectProblem, SourceText } from "./source-text.ts";
import type { ConfiguredServer, ViteConfig } from "./vite-config.ts";

/** What is to be read. */
export interface ProjectRequest {
  /** Absolute paths of files and folders, at least one. */
  readonly paths: readonly string[];
  /** Profiles of Compose beside those that COMPOSE_PROFILES names. */
  readonly profiles: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** A file that was read. */
export interface ReadFile {
  readonly path: string;
  readonly format: WishFormat;
}

/** What was read. */
export interface ProjectReading {
  /** Folder that everything asked about lies in, absolute. */
  readonly root: string;
  /** In the order of files and, within one, of lines. */
  readonly wishes: readonly PortWish[];
  readonly problems: readonly ProjectProblem[];
  readonly files: readonly ReadFile[];
  /** Files and parts that say ports, and were left out, with the reason. */
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  /** Scenes of files that were named, each of which is meant to run. */
  readonly named: ReadonlySet<string>;
  readonly cutShort: boolean;
}

/**
 * Reads a project.
 * @throws FILE_UNREADABLE when a named file or folder is not there, or is of no kind that is read
 */
export async function readProject(request: ProjectRequest): Promise<ProjectReading> {
  const reader = new ProjectReader(request);
  reader.find();
  await reader.read();
  return reader.outcome();
}

const composeNames = ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
const overrideNames = [
  "compose.override.yaml",
  "compose.override.yml",
  "docker-compose.override.yaml",
  "docker-compose.override.yml",
];

class ProjectReader {
  readonly #request: ProjectRequest;
  readonly #files = new ProjectFiles();
  readonly #found = new Map<string, WishFormat>();
  readonly #namedFiles = new Set<string>();
  readonly #wishes: PortWish[] = [];
  readonly #problems: ProjectProblem[] = [];
  readonly #skipped: { path: string; reason: string }[] = [];
  readonly #named = new Set<string>();
  /** Variables of the `.env` of a folder that another file puts in. */
  readonly #used = new Map<string, Set<string>>();
  readonly #environments = new Map<string, NamedEnvironmentFile[]>();
  readonly #viteConfigs = new Map<string, ViteConfig & { readonly path: string }>();
  readonly #viteUsed = new Set<string>();
  #cutShort = false;

  constructor(request: ProjectRequest) {
    this.#request = request;
  }

  outcome(): ProjectReading {
    return {
      root: rootOf(this.#request.paths),
      wishes: this.#wishes,
      problems: this.#problems,
      files: [...this.#found].map(([path, format]) => ({ path, format })),
      skipped: this.#skipped,
      named: this.#named,
      cutShort: this.#cutShort,
    };
  }

  find(): void {
    for (const path of this.#request.paths) {
      if (isFolder(path)) {
        const { files, cutShort } = findFiles(path, this.#request.signal);
        this.#cutShort ||= cutShort;
        for (const file of files) this.#add(file, false);
      } else this.#addNamed(path);
    }
  }

  #addNamed(path: string): void {
    const reading = this.#files.read(path);
    if (!("source" in reading)) {
      throw new PortolanError("FILE_UNREADABLE", `${quote(path)} cannot be used: ${reading.reason}.`, {
        details: { path },
      });
    }
    const format = formatOfName(path) ?? formatOfContent(reading.source);
    if (format === undefined) {
      throw new PortolanError("FILE_UNREADABLE", `${quote(path)} is no file that says ports, as far as can be told.`, {
        details: { path, hint: "portolan check --help lists the kinds of files." },
      });
    }
    this.#namedFiles.add(path);
    this.#add({ path, format }, true);
  }

  #add({ path, format }: FoundFile, named: boolean): void {
    if (this.#found.has(path)) return;
    if (format === "environment" && !named && isSample(path)) return;
    if (format !== null) {
      this.#found.set(path, format);
      return;
    }
    const source = this.#files.tryRead(path);
    if (source === undefined || !looksLikeKubernetes(source)) return;
    if (isTemplate(source)) this.#skipped.push({ path, reason: "it is a template" });
    else this.#found.set(path, "kubernetes");
  }

  async read(): Promise<void> {
    const of = (format: WishFormat): string[] =>
      [...this.#found].filter(([, its]) => its === format).map(([path]) => path);
    this.#readCompose(of("compose"));
    await this.#readViteConfigs(of("vite"));
    for (const path of of("environment")) this.#readEnvironment(path);
    for (const path of of("package")) this.#readJson(path, false, (root) => this.#readPackage(path, root));
    for (const path of of("vite")) this.#readLonelyVite(path);
    for (const path of of("procfile")) {
      const source = this.#sourceOf(path);
      if (source !== undefined) this.#wishes.push(...procfileWishes(source));
    }
    for (const path of of("portolan")) {
      this.#readJson(path, true, (root) => this.#wishes.push(...portolanWishes(path, root)));
      this.#problems.push(...portolanProblems(this.#sourceOf(path)));
    }
    for (const path of of("devcontainer")) {
      this.#readJson(path, true, (root) => this.#wishes.push(...devcontainerWishes(path, root)));
    }
    for (const path of of("launch"))
      this.#readJson(path, true, (root) => this.#wishes.push(...launchWishes(path, root)));
    for (const path of of("kubernetes")) {
      const source = this.#sourceOf(path);
      if (source === undefined) continue;
      const { wishes, problems } = kubernetesWishes(source);
      this.#wishes.push(...wishes);
      this.#problems.push(...problems);
    }
    for (const [folder, files] of this.#environments) {
      this.#wishes.push(...environmentWishes(files, this.#used.get(folder) ?? new Set()));
    }
    for (const wish of this.#wishes) if (this.#namedFiles.has(wish.place.source.path)) this.#named.add(wish.scene);
  }

  /** The text of a file; that it has none is told. */
  #sourceOf(path: string): SourceText | undefined {
    const reading = this.#files.read(path);
    if ("source" in reading) return reading.source;
    this.#problems.push({ severity: "error", message: `It cannot be used: ${reading.reason}.`, path, place: null });
    return undefined;
  }

  #readJson(path: string, lenient: boolean, read: (root: JsonValue) => void): void {
    const source = this.#sourceOf(path);
    if (source === undefined) return;
    const { root, problems } = readJson(source, lenient);
    this.#problems.push(...problems);
    if (root !== undefined) read(root);
  }

  #readCompose(paths: readonly string[]): void {
    const folders = new Map<string, string[]>();
    for (const path of paths) {
      const folder = dirname(path);
      const group = folders.get(folder);
      if (group === undefined) folders.set(folder, [path]);
      else group.push(path);
    }
    const read = new Set<string>();
    for (const [folder, group] of folders) {
      const named = group.filter((path) => this.#namedFiles.has(path));
      for (const files of named.length > 0 ? [named] : this.#composeProjects(folder, group)) {
        // What an outer project includes is part of it.
        if (files.every((path) => read.has(path))) continue;
        const project = loadComposeProject(
          { paths: files, folder, environment: this.#request.environment },
          this.#files,
        );
        for (const path of project.files) read.add(path);
        this.#keepCompose(project, files, folder);
      }
      if (named.length === 0) this.#tellVariants(folder, group, read);
    }
  }

  /** Which files Compose itself would take in a folder: COMPOSE_FILE, or the usual name with its override, or each file alone. */
  #composeProjects(folder: string, group: readonly string[]): string[][] {
    const said = this.#composeVariable(folder, "COMPOSE_FILE");
    if (said !== undefined && said !== "") {
      const separator = this.#composeVariable(folder, "COMPOSE_PATH_SEPARATOR") ?? ":";
      return [
        said
          .split(separator)
          .filter((name) => name !== "")
          .map((name) => join(folder, name)),
      ];
    }
    const at = (names: readonly string[]): string[] =>
      names
        .map((name) => join(folder, name))
        .filter((path) => group.includes(path))
        .slice(0, 1);
    const base = at(composeNames);
    return base.length === 0 ? group.map((path) => [path]) : [[...base, ...at(overrideNames)]];
  }

  /** A variable that says something to Compose itself. The caller's own are for the folder that is asked about. */
  #composeVariable(folder: string, name: string): string | undefined {
    const source = this.#files.tryRead(join(folder, ".env"));
    const own = this.#request.paths.includes(folder) ? this.#request.environment[name] : undefined;
    if (own !== undefined || source === undefined) return own;
    return resolveEnvironment([readEnvironmentFile(source)], () => undefined).get(name)?.text;
  }

  #keepCompose(project: ComposeProject, files: readonly string[], folder: string): void {
    for (const [place, names] of project.usedVariables) {
      const used = this.#used.get(place) ?? new Set();
      for (const name of names) used.add(name);
      this.#used.set(place, used);
    }
    const said =
      this.#composeVariable(folder, "COMPOSE_PROFILES")
        ?.split(",")
        .map((name) => name.trim()) ?? [];
    const profiles = [...this.#request.profiles, ...said];
    const scene = `compose:${files.join("\0")}`;
    const { wishes, problems } = composeWishes(project, { scene, folder, profiles }, this.#files);
    this.#wishes.push(...wishes);
    this.#problems.push(...project.problems, ...problems);
    for (const path of project.files) if (!this.#found.has(path)) this.#found.set(path, "compose");
  }

  #tellVariants(folder: string, group: readonly string[], read: ReadonlySet<string>): void {
    const left = group.filter((path) => !read.has(path));
    for (const path of left) {
      this.#found.delete(path);
      const names = [...group.filter((one) => read.has(one)), path].map((one) => relative(folder, one));
      this.#skipped.push({ path, reason: `Compose reads it only when it is named: portolan check ${names.join(" ")}` });
    }
  }

  async #readViteConfigs(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    // The parser is a quarter of this operation's code, and most folders have no such file.
    const { readViteConfig } = await import("./vite-config.ts");
    for (const path of paths) {
      const source = this.#sourceOf(path);
      if (source === undefined) continue;
      const config = readViteConfig(source);
      this.#problems.push(...config.problems);
      this.#viteConfigs.set(dirname(path), { ...config, path });
      if (config.server.computed)
        this.#skipped.push({ path, reason: "server.port is computed: only running it tells" });
      if (config.preview.computed)
        this.#skipped.push({ path, reason: "preview.port is computed: only running it tells" });
    }
  }

  #readEnvironment(path: string): void {
    const source = this.#sourceOf(path);
    if (source === undefined) return;
    const folder = dirname(path);
    const files = this.#environments.get(folder) ?? [];
    files.push({ path, content: readEnvironmentFile(source) });
    this.#environments.set(folder, files);
  }

  #readPackage(path: string, root: JsonValue): void {
    const folder = dirname(path);
    const wishes = packageWishes(path, root, {
      configured: (program) => this.#configured(folder, program),
      environmentFile: (name) => this.#developmentVariable(folder, name),
    });
    this.#wishes.push(...wishes);
  }

  #configured(folder: string, program: string): ConfiguredServer | undefined {
    const config = this.#viteConfigs.get(folder);
    if (config === undefined || !viteBased.has(program)) return undefined;
    this.#viteUsed.add(folder);
    const server = program === "vite-preview" ? config.preview : config.server;
    return server;
  }

  /** A variable as `.env` and its relatives say it to a program under development. */
  #developmentVariable(folder: string, name: string): LocatedText | undefined {
    const files = (this.#environments.get(folder) ?? []).filter(({ path }) =>
      /^\.env(?:\.local|\.development|\.development\.local)?$/.test(basename(path)),
    );
    const value = resolveEnvironment(
      files.map(({ content }) => content),
      () => undefined,
    ).get(name);
    if (value === undefined) return undefined;
    const used = this.#used.get(folder) ?? new Set();
    this.#used.set(folder, used.add(name));
    return value;
  }

  /** A configuration that no script of its folder uses still says a port. */
  #readLonelyVite(path: string): void {
    const folder = dirname(path);
    const config = this.#viteConfigs.get(folder);
    if (config === undefined || this.#viteUsed.has(folder)) return;
    for (const name of ["server", "preview"] as const) {
      const { port, place, address, strict } = config[name];
      if (port === null || place === null) continue;
      this.#wishes.push({
        ...plainWish,
        format: "vite",
        port,
        place,
        address,
        name: `${name}.port`,
        program: name === "server" ? "vite" : "vite-preview",
        browser: true,
        ifTaken: strict ? "fails" : "moves",
        scene: `vite:${path}`,
        unit: name,
        sets: [],
        folders: [folder],
        home: folder,
      });
    }
  }
}

/** Programs that read Vite's configuration. */
const viteBased: ReadonlySet<string> = new Set(["vite", "vite-preview", "react-router", "remix", "sveltekit"]);

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" || code === "ENOTDIR" ? "There is no" : "Not to be looked at:";
    throw new PortolanError("FILE_UNREADABLE", `${reason} ${quote(path)}.`, { details: { path } });
  }
}

/** The folder that all of them lie in. */
function rootOf(paths: readonly string[]): string {
  const [first = "/", ...rest] = paths.map((path) => (isFolder(path) ? path : dirname(path)));
  let root = first;
  while (!rest.every((path) => contains(root, path))) root = dirname(root);
  return root;
}

/** What a file of any name is, by its content. */
function formatOfContent(source: SourceText): WishFormat | undefined {
  if (/\.ya?ml$/.test(source.path)) {
    if (looksLikeCompose(source)) return "compose";
    return looksLikeKubernetes(source) ? "kubernetes" : undefined;
  }
  return undefined;
}
