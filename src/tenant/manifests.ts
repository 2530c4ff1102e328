/**
 * @module Names and dependencies in project files. Line readers for the few keys needed, linear in bounded texts.
 */

/** What a project file says. Texts are raw. */
export interface Manifest {
  /** The project's name; `undefined` when the file has none. */
  readonly name: string | undefined;
  /** Names of the packages it needs to run, as far as the format was read. */
  readonly dependencies: readonly string[];
  /** Names of the packages it needs for development only. */
  readonly developmentDependencies: readonly string[];
  /** Patterns of the member directories when the file makes its directory the root of a workspace. */
  readonly workspaces: readonly string[] | undefined;
}

/** Longest name taken: npm allows 214 characters, the others less. */
const nameLimit = 256;
/** Most dependencies and patterns taken of one file. */
const listLimit = 4096;

/** Keys of which a package.json of a project has at least one. */
const packageKeys: readonly string[] = [
  "name",
  "dependencies",
  "devDependencies",
  "scripts",
  "workspaces",
  "require",
  "require-dev",
];

const nothing: Manifest = {
  name: undefined,
  dependencies: [],
  developmentDependencies: [],
  workspaces: undefined,
};

/**
 * package.json and composer.json. `undefined` for one that only sets options of a folder, such as `{"type":"module"}` in
 * dist/; one that cannot be read, perhaps just being edited, still marks a project.
 */
export function parsePackageJson(text: string): Manifest | undefined {
  const value = parseJsonObject(text);
  if (value === undefined) return nothing;
  if (!packageKeys.some((key) => Object.hasOwn(value, key))) return undefined;
  const name = usableName(value["name"]);
  const workspaces = value["workspaces"];
  const patterns = isObject(workspaces) ? workspaces["packages"] : workspaces;
  const manifest: Manifest = {
    name,
    dependencies: [...keysOf(value["dependencies"]), ...keysOf(value["require"])].slice(0, listLimit),
    developmentDependencies: [...keysOf(value["devDependencies"]), ...keysOf(value["require-dev"])],
    workspaces: Array.isArray(patterns)
      ? patterns.slice(0, listLimit).filter((pattern) => typeof pattern === "string")
      : undefined,
  };
  return manifest;
}

/** deno.json and deno.jsonc: JSON with comments; the name only. */
export function parseDenoJson(text: string): Manifest {
  const value = parseJsonObject(stripJsonComments(text));
  return value === undefined ? nothing : { ...nothing, name: usableName(value["name"]) };
}

/** The tasks of deno.json and deno.jsonc: a command each, or an object with one. */
export function parseDenoTasks(text: string): Record<string, string> {
  const tasks = parseJsonObject(stripJsonComments(text))?.["tasks"];
  if (!isObject(tasks)) return {};
  const entries = Object.entries(tasks).map(([name, task]) => [name, isObject(task) ? task["command"] : task]);
  return Object.fromEntries(entries.filter(([, command]) => typeof command === "string")) as Record<string, string>;
}

/** pyproject.toml: `[project]` (PEP 621) and `[tool.poetry]`. */
export function parsePyproject(text: string): Manifest {
  let projectName: string | undefined;
  let poetryName: string | undefined;
  const dependencies: string[] = [];
  for (const entry of readToml(text)) {
    if (entry.path === "project.name") projectName ??= usableName(entry.strings[0]);
    else if (entry.path === "tool.poetry.name") poetryName ??= usableName(entry.strings[0]);
    else if (entry.path === "project.dependencies") {
      for (const requirement of entry.strings) addRequirement(dependencies, requirement);
    } else if (entry.path.startsWith("tool.poetry.dependencies.")) {
      addRequirement(dependencies, entry.path.slice("tool.poetry.dependencies.".length));
    }
  }
  return { ...nothing, name: projectName ?? poetryName, dependencies };
}

/** requirements.txt: one requirement per line (PEP 508 names). */
export function parseRequirements(text: string): Manifest {
  const dependencies: string[] = [];
  for (const line of linesOf(text)) addRequirement(dependencies, line);
  return { ...nothing, dependencies };
}

/** Cargo.toml: `[package] name`, dependencies by key. */
export function parseCargo(text: string): Manifest {
  let name: string | undefined;
  const dependencies: string[] = [];
  for (const entry of readToml(text)) {
    if (entry.path === "package.name") name ??= usableName(entry.strings[0]);
    else if (entry.path.startsWith("dependencies.") && dependencies.length < listLimit) {
      dependencies.push(entry.path.split(".", 2)[1]!);
    }
  }
  return { ...nothing, name, dependencies };
}

/** go.mod: the last element of the module's path, without a major version suffix `/v2`. */
export function parseGoMod(text: string): Manifest {
  for (const line of linesOf(text)) {
    const words = line.trim().split(/\s+/, 3);
    if (words[0] !== "module" || words[1] === undefined) continue;
    let path = words[1];
    if (path.length >= 2 && (path.startsWith('"') || path.startsWith("`"))) path = path.slice(1, -1);
    return { ...nothing, name: usableName(path) };
  }
  return nothing;
}

/** pom.xml: the project's own artifactId, not its parent's nor a dependency's; all artifactIds of its dependencies. */
export function parsePom(text: string): Manifest {
  let name: string | undefined;
  const dependencies: string[] = [];
  const open: string[] = [];
  for (const { tag, kind, content } of readXmlTags(text)) {
    if (kind === "close") {
      // A stray closing tag is ignored; a missing one closes everything inside.
      const index = open.lastIndexOf(tag);
      if (index >= 0) open.length = index;
      continue;
    }
    if (kind === "empty") continue;
    open.push(tag);
    if (open.length > 64) return { ...nothing, name, dependencies };
    if (tag !== "artifactId") continue;
    const path = open.join("/");
    if (path === "project/artifactId") name ??= usableName(content.trim());
    else if (path === "project/dependencies/dependency/artifactId" && dependencies.length < listLimit) {
      dependencies.push(content.trim().slice(0, nameLimit));
    }
  }
  return { ...nothing, name, dependencies };
}

/** settings.gradle and settings.gradle.kts: `rootProject.name = "x"`. */
export function parseGradleSettings(text: string): Manifest {
  for (const line of linesOf(text)) {
    const trimmed = line.trim();
    if (!trimmed.startsWith("rootProject.name")) continue;
    const value = quotedAfter(trimmed, "rootProject.name".length);
    if (value !== undefined) return { ...nothing, name: usableName(value) };
  }
  return nothing;
}

/** mix.exs: `app: :shop`. */
export function parseMix(text: string): Manifest {
  for (const line of linesOf(text)) {
    const match = /(?:^|[\s[,(])app: {0,8}:([A-Za-z_][A-Za-z0-9_]{0,255})/.exec(line.slice(0, 1024));
    if (match !== null) return { ...nothing, name: match[1] };
  }
  return nothing;
}

/** Gemfile: it has no name; the gems. */
export function parseGemfile(text: string): Manifest {
  const dependencies: string[] = [];
  for (const line of linesOf(text)) {
    const trimmed = line.trimStart();
    if (!/^gem[\s(]/.test(trimmed) || dependencies.length >= listLimit) continue;
    const gem = quotedAfter(trimmed, 3);
    if (gem !== undefined) dependencies.push(gem.slice(0, nameLimit));
  }
  return { ...nothing, dependencies };
}

/** pnpm-workspace.yaml: the patterns under `packages:`. */
export function parsePnpmWorkspace(text: string): readonly string[] {
  const patterns: string[] = [];
  let inside = false;
  for (const line of linesOf(text)) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (!/^[\s-]/.test(line)) {
      inside = trimmed.startsWith("packages:");
      continue;
    }
    if (!inside || !trimmed.startsWith("-") || patterns.length >= listLimit) continue;
    const value = trimmed.slice(1).trim();
    const quoted = quotedAfter(value, 0);
    patterns.push(quoted !== undefined && /^["']/.test(value) ? quoted : value.split(" #", 1)[0]!.trim());
  }
  return patterns;
}

/** A key of a TOML file with its table, and the strings of its value in order. */
interface TomlEntry {
  readonly path: string;
  readonly strings: readonly string[];
}

/**
 * Keys of a TOML text with the strings of their values (TOML 1.0). Understands tables, dotted and quoted keys, strings of one
 * line, arrays over several lines, comments; skips multi-line strings. Never throws; wrong lines are left out.
 */
export function* readToml(text: string): Generator<TomlEntry, void> {
  let table = "";
  let array: { path: string; strings: string[]; depth: number } | undefined;
  let multiline: string | undefined;
  for (const line of linesOf(text)) {
    if (multiline !== undefined) {
      if (line.includes(multiline)) multiline = undefined;
      continue;
    }
    if (array !== undefined) {
      const scanned = scanTomlValue(line, 0);
      if (array.strings.length < listLimit) array.strings.push(...scanned.strings);
      array.depth += scanned.depth;
      if (array.depth > 0) continue;
      yield { path: array.path, strings: array.strings };
      array = undefined;
      continue;
    }
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    if (trimmed.startsWith("[")) {
      const end = trimmed.indexOf("]");
      if (end > 0) table = normalizeTomlKey(trimmed.slice(trimmed.startsWith("[[") ? 2 : 1, end));
      continue;
    }
    const equals = trimmed.indexOf("=");
    if (equals <= 0) continue;
    const key = normalizeTomlKey(trimmed.slice(0, equals));
    const path = table === "" ? key : `${table}.${key}`;
    const scanned = scanTomlValue(trimmed, equals + 1);
    multiline = scanned.multiline;
    if (multiline !== undefined) continue;
    if (scanned.depth > 0) array = { path, strings: [...scanned.strings], depth: scanned.depth };
    else yield { path, strings: scanned.strings };
  }
  if (array !== undefined) yield { path: array.path, strings: array.strings };
}

function normalizeTomlKey(key: string): string {
  return key
    .split(".")
    .map((part) => part.trim().replace(/^["']|["']$/g, ""))
    .join(".");
}

/** Strings of one line's value, how many brackets stay open, and the mark that ends a multi-line string begun here. */
function scanTomlValue(
  line: string,
  start: number,
): { strings: string[]; depth: number; multiline: string | undefined } {
  const strings: string[] = [];
  let depth = 0;
  let index = start;
  while (index < line.length) {
    const character = line[index]!;
    if (character === "#") break;
    if (character === "[") depth++;
    else if (character === "]") depth--;
    else if (character === '"' || character === "'") {
      const triple = character.repeat(3);
      if (line.startsWith(triple, index)) {
        const end = line.indexOf(triple, index + 3);
        if (end === -1) return { strings, depth, multiline: triple };
        strings.push(line.slice(index + 3, end));
        index = end + 3;
        continue;
      }
      const end = endOfString(line, index, character === '"');
      if (end === -1) break;
      const raw = line.slice(index + 1, end);
      strings.push(character === '"' ? unescapeBasic(raw) : raw);
      index = end + 1;
      continue;
    }
    index++;
  }
  return { strings, depth, multiline: undefined };
}

/** Index of the closing quote, -1 when there is none. */
function endOfString(line: string, start: number, escapes: boolean): number {
  for (let index = start + 1; index < line.length; index++) {
    if (escapes && line[index] === "\\") index++;
    else if (line[index] === line[start]) return index;
  }
  return -1;
}

function unescapeBasic(raw: string): string {
  if (!raw.includes("\\")) return raw;
  try {
    const value: unknown = JSON.parse(`"${raw}"`);
    return typeof value === "string" ? value : raw;
  } catch {
    return raw;
  }
}

/** Tags of an XML text in order, each with the text up to the next tag. Comments, CDATA and declarations are skipped. */
function* readXmlTags(
  text: string,
): Generator<{ tag: string; kind: "open" | "close" | "empty"; content: string }, void> {
  let index = 0;
  for (;;) {
    const start = text.indexOf("<", index);
    if (start === -1) return;
    if (text.startsWith("<!--", start)) {
      const end = text.indexOf("-->", start + 4);
      if (end === -1) return;
      index = end + 3;
      continue;
    }
    if (text.startsWith("<![CDATA[", start)) {
      const end = text.indexOf("]]>", start + 9);
      if (end === -1) return;
      index = end + 3;
      continue;
    }
    const end = text.indexOf(">", start + 1);
    if (end === -1) return;
    index = end + 1;
    const body = text.slice(start + 1, end);
    if (body.startsWith("!") || body.startsWith("?")) continue;
    const closing = body.startsWith("/");
    const tag = body.slice(closing ? 1 : 0, nameLimit).split(/[\s/]/, 1)[0]!;
    const next = text.indexOf("<", index);
    const content = text.slice(index, Math.min(next === -1 ? text.length : next, index + 1024));
    yield { tag, kind: closing ? "close" : body.endsWith("/") ? "empty" : "open", content };
  }
}

/** JSON with its `//` and block comments and trailing commas taken out (outside strings). */
export function stripJsonComments(text: string): string {
  const parts: string[] = [];
  let index = 0;
  let start = 0;
  while (index < text.length) {
    const character = text[index]!;
    if (character === '"') {
      const end = endOfString(text, index, true);
      if (end === -1) break;
      index = end + 1;
    } else if (character === "/" && (text[index + 1] === "/" || text[index + 1] === "*")) {
      parts.push(text.slice(start, index));
      const block = text[index + 1] === "*";
      const end = text.indexOf(block ? "*/" : "\n", index + 2);
      index = end === -1 ? text.length : block ? end + 2 : end;
      start = index;
    } else if (character === ",") {
      const next = nextSignificant(text, index + 1);
      if (text[next] === "}" || text[next] === "]") {
        parts.push(text.slice(start, index));
        start = index + 1;
      }
      // What was looked over holds blanks and comments only; continuing behind the comma keeps comments to be cut.
      index++;
    } else index++;
  }
  parts.push(text.slice(start));
  return parts.join("");
}

/** Index of the first character that is neither blank nor part of a comment, looking at 4,096 characters at most. */
function nextSignificant(text: string, start: number): number {
  const limit = Math.min(text.length, start + 4096);
  let index = start;
  while (index < limit) {
    const character = text[index]!;
    if (character === "/" && text[index + 1] === "/") {
      const end = text.indexOf("\n", index);
      if (end === -1) return text.length;
      index = end;
    } else if (character === "/" && text[index + 1] === "*") {
      const end = text.indexOf("*/", index + 2);
      if (end === -1) return text.length;
      index = end + 2;
    } else if (character === " " || character === "\n" || character === "\t" || character === "\r") index++;
    else return index;
  }
  return index;
}

function parseJsonObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function keysOf(value: unknown): readonly string[] {
  return isObject(value) ? Object.keys(value).slice(0, listLimit) : [];
}

function usableName(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  const name = value.trim();
  return name === "" || name.length > nameLimit ? undefined : name;
}

/** The text between the first pair of quotes at or after `start`, or `undefined`. */
function quotedAfter(line: string, start: number): string | undefined {
  for (let index = start; index < line.length; index++) {
    const character = line[index];
    if (character !== '"' && character !== "'") continue;
    const end = line.indexOf(character, index + 1);
    return end === -1 ? undefined : line.slice(index + 1, end);
  }
  return undefined;
}

/** Adds the normalized name (PEP 503) that a requirement such as `Flask[async]>=2` begins with. */
function addRequirement(dependencies: string[], requirement: string): void {
  const match = /^\s{0,64}([A-Za-z0-9][A-Za-z0-9._-]{0,127})/.exec(requirement);
  if (match === null || dependencies.length >= listLimit) return;
  dependencies.push(match[1]!.toLowerCase().replace(/[._]/g, "-"));
}

function* linesOf(text: string): Generator<string, void> {
  let start = 0;
  while (start <= text.length) {
    const end = text.indexOf("\n", start);
    if (end === -1) {
      yield text.slice(start);
      return;
    }
    yield text.slice(start, text[end - 1] === "\r" ? end - 1 : end);
    start = end + 1;
  }
}
