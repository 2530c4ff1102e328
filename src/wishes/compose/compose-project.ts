/**
 * @module A compose project: its files one over the other, what they include and extend, its variables, and the services that come of it.
 */
import { basename, dirname, join, resolve } from "node:path";
import { readEnvironmentFile, resolveEnvironment } from "../environment-file.ts";
import { InterpolationError, interpolate, type VariableReader } from "../interpolate.ts";
import type { LocatedText } from "../located-text.ts";
import type { ProjectFiles } from "../project-files.ts";
import type { Place, ProjectProblem, SourceText } from "../source-text.ts";
import { entryOf, itemsOf, placeOfNode, readYaml, textOf, type YamlEntry, type YamlNode } from "../yaml-tree.ts";
import { mergeServices, readService, type ComposeService } from "./compose-service.ts";

/** What is to be loaded. */
export interface ComposeRequest {
  /** Absolute; each later one over the earlier ones. At least one. */
  readonly paths: readonly string[];
  /** Folder that relative paths and `.env` are looked for in, absolute. */
  readonly folder: string;
  /** Variables of the caller, which come before those of `.env`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What came of it. */
export interface ComposeProject {
  /** Normalized as Compose does. */
  readonly name: string;
  readonly services: ReadonlyMap<string, ComposeService>;
  readonly problems: readonly ProjectProblem[];
  /** Every file that was read, absolute. */
  readonly files: readonly string[];
  /** Variables that the files look at, by folder of the `.env` that could say them. */
  readonly usedVariables: ReadonlyMap<string, ReadonlySet<string>>;
}

/** How deep files include or extend each other. */
const deepest = 32;
const mostProblems = 50;
/** Files of one project: a chain of includes can fan out. */
const mostFiles = 500;
/** Times that files of one project are included: each can include the next more than once. */
const mostIncludes = 1_000;
/** Times that services are extended. */
const mostExtensions = 20_000;
/** Ports of all services together. */
const mostEntries = 40_000;
/** Scalars in which variables are looked for. */
const mostTexts = 2_000_000;

/** Loads a project. Never throws. */
export function loadComposeProject(request: ComposeRequest, files: ProjectFiles): ComposeProject {
  return new ProjectLoader(files).load(request);
}

/** Variables, and what relative paths start from. */
interface Surroundings {
  readonly folder: string;
  readonly variables: VariableReader;
  readonly used: Set<string>;
}

class ProjectLoader {
  readonly #files: ProjectFiles;
  readonly #problems: ProjectProblem[] = [];
  readonly #read = new Map<string, readonly YamlNode[]>();
  readonly #used = new Map<string, Set<string>>();
  readonly #checked = new WeakSet<YamlNode>();
  readonly #told = new Set<string>();
  #name: string | null = null;
  #texts = 0;
  #entries = 0;
  #includes = 0;
  #extensions = 0;

  constructor(files: ProjectFiles) {
    this.#files = files;
  }

  load(request: ComposeRequest): ComposeProject {
    const outer: VariableReader = (name) => request.environment[name];
    const surroundings = this.#surroundingsOf(request.folder, [join(request.folder, ".env")], outer);
    const services = this.#loadFiles(request.paths, surroundings, []);
    const named = surroundings.variables("COMPOSE_PROJECT_NAME");
    const given = typeof named === "string" ? named : named?.text;
    return {
      name: normalizeName(given || this.#name || basename(request.folder)),
      services,
      problems: this.#problems,
      files: [...this.#read.keys()],
      usedVariables: this.#used,
    };
  }

  #surroundingsOf(folder: string, environmentFiles: readonly string[], outer: VariableReader): Surroundings {
    const sources = environmentFiles.flatMap((path) => this.#files.tryRead(path) ?? []);
    const values = resolveEnvironment(sources.map(readEnvironmentFile), outer);
    let used = this.#used.get(folder);
    if (used === undefined) this.#used.set(folder, (used = new Set()));
    return { folder, variables: (name) => outer(name) ?? values.get(name), used };
  }

  #tell(message: string, path: string, place: Place | null, severity: "error" | "warning" = "error"): void {
    // One thing that is wrong at a place is often the cause of another.
    const key = place === null ? `${message}\0${path}` : `${place.source.path}\0${place.offset}`;
    if (this.#told.has(key) || this.#problems.length >= mostProblems) return;
    this.#told.add(key);
    this.#problems.push({ severity, message, path, place });
  }

  /** The roots of a file; nothing when it cannot be read, which is told once. */
  #documentsOf(path: string, from: Place | null): readonly YamlNode[] {
    const known = this.#read.get(path);
    if (known !== undefined) return known;
    if (this.#read.size >= mostFiles) {
      this.#tell(`More than ${mostFiles} files belong to one project.`, path, null);
      return [];
    }
    const reading = this.#files.read(path);
    let documents: readonly YamlNode[] = [];
    if ("source" in reading) {
      const { documents: found, problems } = readYaml(reading.source);
      for (const { message, place } of problems) this.#tell(message, path, place);
      documents = found;
    } else {
      const what = from === null ? "It" : `${path}, which is named here,`;
      this.#tell(`${what} cannot be used: ${reading.reason}.`, from?.source.path ?? path, from);
    }
    this.#read.set(path, documents);
    return documents;
  }

  /** Files one over the other. @param open files that are being loaded */
  #loadFiles(
    paths: readonly string[],
    surroundings: Surroundings,
    open: readonly string[],
    from: Place | null = null,
  ): Map<string, ComposeService> {
    const services = new Map<string, ComposeService>();
    const included = new Map<string, ComposeService>();
    for (const path of paths) {
      for (const root of this.#documentsOf(path, from)) {
        if (root.kind !== "map") {
          this.#tell("It is no compose file: a mapping is expected.", path, placeOfNode(root));
          continue;
        }
        this.#name ??= textOf(root, "name")?.text ?? null;
        for (const [name, service] of this.#loadIncludes(root, surroundings, [...open, path])) {
          if (included.has(name)) this.#tell(`Two included files have a service ${JSON.stringify(name)}.`, path, null);
          included.set(name, service);
        }
        this.#checkVariables(entryOf(root, "services"), surroundings, path);
        for (const [name, entry] of this.#servicesOf(root, path)) {
          const service = this.#loadService(name, entry, path, surroundings, []);
          const earlier = services.get(name);
          services.set(name, earlier === undefined ? service : mergeServices(earlier, service));
        }
      }
    }
    for (const [name, service] of included) {
      const own = services.get(name);
      if (own === undefined) services.set(name, service);
      else
        this.#tell(`The service ${JSON.stringify(name)} is in an included file too.`, own.place.source.path, own.place);
    }
    return services;
  }

  #servicesOf(root: YamlNode, path: string): ReadonlyMap<string, YamlEntry> {
    const services = entryOf(root, "services");
    if (services === undefined) return new Map();
    if (services.kind === "map") return services.entries;
    this.#tell("services is no mapping.", path, placeOfNode(services));
    return new Map();
  }

  #loadIncludes(root: YamlNode, surroundings: Surroundings, open: readonly string[]): Map<string, ComposeService> {
    const services = new Map<string, ComposeService>();
    for (const item of itemsOf(entryOf(root, "include"))) {
      const place = placeOfNode(item);
      const path = place.source.path;
      const text = this.#interpolator(surroundings, path);
      const single = item.kind === "text" ? item.value : textOf(item, "path");
      const several = single === undefined ? itemsOf(entryOf(item, "path")) : [];
      const named = (
        single === undefined ? several.flatMap((one) => (one.kind === "text" ? [one.value] : [])) : [single]
      ).map((one) => text(one).text);
      if (named.some((name) => /^[a-z][\w+.-]*:/i.test(name) || name.startsWith("git@"))) {
        this.#tell("What is included from elsewhere is not fetched.", path, place, "warning");
        continue;
      }
      const paths = named.map((name) => resolve(surroundings.folder, name));
      const [first] = paths;
      if (first === undefined) continue;
      if (paths.some((one) => open.includes(one))) {
        this.#tell("This file includes itself.", path, place);
        continue;
      }
      this.#includes += 1;
      if (open.length > deepest || this.#includes > mostIncludes) {
        this.#tell("Files include each other too deeply, or too often.", path, place);
        continue;
      }
      const ownFolder = textOf(item, "project_directory");
      const folder = ownFolder === undefined ? dirname(first) : resolve(surroundings.folder, text(ownFolder).text);
      const environment = entryOf(item, "env_file");
      const environmentFiles =
        environment === undefined
          ? [join(folder, ".env")]
          : (environment.kind === "list" ? environment.items : [environment]).flatMap((one) =>
              one.kind === "text" ? [resolve(surroundings.folder, text(one.value).text)] : [],
            );
      const inner = this.#surroundingsOf(folder, environmentFiles, surroundings.variables);
      for (const [name, service] of this.#loadFiles(paths, inner, open, place)) {
        if (services.has(name)) this.#tell(`Two included files have a service ${JSON.stringify(name)}.`, path, place);
        services.set(name, service);
      }
    }
    return services;
  }

  /** A service with what it extends. @param open services that are being extended */
  #loadService(
    name: string,
    { key, value }: YamlEntry,
    path: string,
    surroundings: Surroundings,
    open: readonly string[],
  ): ComposeService {
    const place = key.value.whole;
    if (value.kind !== "map") this.#tell(`The service ${JSON.stringify(name)} is no mapping.`, path, place);
    const own = readService(value, place, {
      folder: surroundings.folder,
      interpolate: this.#interpolator(surroundings, path),
      tell: (message, where) => this.#tell(message, where.source.path, where),
      mayRead: (entries) => (this.#entries += entries) <= mostEntries,
    });
    const base = this.#loadBase(name, value, path, surroundings, open);
    // Profiles are the service's own.
    return base === undefined ? own : { ...mergeServices(base, own), profiles: own.profiles };
  }

  #loadBase(
    name: string,
    node: YamlNode,
    path: string,
    surroundings: Surroundings,
    open: readonly string[],
  ): ComposeService | undefined {
    const wish = entryOf(node, "extends");
    if (wish === undefined) return undefined;
    const place = placeOfNode(wish);
    const text = this.#interpolator(surroundings, path);
    const service = wish.kind === "text" ? wish.value : textOf(wish, "service");
    const file = wish.kind === "map" ? textOf(wish, "file") : undefined;
    if (service === undefined) {
      this.#tell("extends names no service.", path, place);
      return undefined;
    }
    const baseName = text(service).text;
    const basePath = file === undefined ? path : resolve(surroundings.folder, text(file).text);
    const mark = `${basePath}\0${baseName}`;
    if (open.includes(mark) || mark === `${path}\0${name}`) {
      this.#tell(`The service ${JSON.stringify(name)} extends itself.`, path, place);
      return undefined;
    }
    this.#extensions += 1;
    if (open.length > deepest || this.#extensions > mostExtensions) {
      this.#tell("Services extend each other too deeply, or too often.", path, place);
      return undefined;
    }
    const inner: Surroundings = file === undefined ? surroundings : { ...surroundings, folder: dirname(basePath) };
    for (const root of this.#documentsOf(basePath, place)) {
      const entry = this.#servicesOf(root, basePath).get(baseName);
      if (entry !== undefined)
        return this.#loadService(baseName, entry, basePath, inner, [...open, mark, `${path}\0${name}`]);
    }
    if (this.#read.get(basePath)?.length !== 0)
      this.#tell(`There is no service ${JSON.stringify(baseName)} to extend.`, path, place);
    return undefined;
  }

  #interpolator({ variables, used }: Surroundings, path: string): (text: LocatedText) => LocatedText {
    return (text) => {
      try {
        return interpolate(text, variables, { onUse: (name) => used.add(name) });
      } catch (error) {
        if (!(error instanceof InterpolationError)) throw error;
        this.#tell(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`, path, text.whole);
        return text.slice(0, 0);
      }
    };
  }

  /** Compose puts variables into everything before it starts anything, and refuses all when one is missing. */
  #checkVariables(node: YamlNode | undefined, surroundings: Surroundings, path: string): void {
    if (node === undefined) return;
    this.#texts += 1;
    if (this.#texts > mostTexts) return;
    if (node.kind === "text") {
      if (node.text.includes("$")) this.#interpolator(surroundings, path)(node.value);
      return;
    }
    if (this.#checked.has(node)) return;
    this.#checked.add(node);
    if (node.kind === "list") for (const item of node.items) this.#checkVariables(item, surroundings, path);
    else for (const { value } of node.entries.values()) this.#checkVariables(value, surroundings, path);
  }
}

/** As Compose makes names (compose-go, `NormalizeProjectName`). */
function normalizeName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, "")
    .replace(/^[_-]+/, "");
}

/** Whether a file that nobody's name tells is a compose file. */
export function looksLikeCompose(source: SourceText): boolean {
  return /^(?:services|include)[^\S\r\n]*:/m.test(source.text);
}
