/**
 * @module What kind of program a process runs: a framework, a server, a tool; always as a claim.
 */
import { claim } from "../core/index.ts";
import type { Claim } from "../core/index.ts";
import type { Process } from "../host/index.ts";
import { programName, readCommandLine } from "./command-line.ts";
import type { CommandLine } from "./command-line.ts";
import { frameworkTable, libraries, refinements } from "./framework-table.ts";
import type { FrameworkEntry } from "./framework-table.ts";
import { readToolPath } from "./tool-path.ts";
import { inspectProject } from "./project.ts";
import type { Project, ProjectFiles } from "./project.ts";

/** What part a program plays. */
export type FrameworkRole = "dev-server" | "app-server" | "database" | "web-server" | "runtime" | "tool" | "system";

/** A program as a person names it. */
export interface Framework {
  /** Permanent, kebab-case, e.g. `next`. */
  readonly id: string;
  /** For people, e.g. `Next.js`. */
  readonly title: string;
  readonly role: FrameworkRole;
  /** How a browser speaks to this port; `null` when it does not, or when that cannot be said. */
  readonly scheme: "http" | "https" | null;
}

/** The facts of a process that tell its framework. */
export type ProcessFacts = Pick<Process, "name" | "arguments" | "executable">;

/** A framework found, with the words for it. */
interface Finding {
  readonly id: string;
  readonly evidence: string;
}

/** How many parents are asked when a process does not tell. */
const parentLimit = 3;
/** Longest piece of an argument or path that evidence repeats. */
const evidenceLimit = 160;

/**
 * The framework, server or tool that a process is, or `undefined` for an executable that says nothing.
 *
 * Strongest is what the process shows: its title, its executable, the tool it runs, the script of a known layout. A bare
 * interpreter with a script of the project is named by the one server library among the project's dependencies (never by
 * its development dependencies), and by its parents when it runs no script of its own; the evidence says that this is weaker.
 * @param project the project of its working directory, if any; its files are read for dependencies
 * @param parents nearest first
 * @param port the listening port in question: it tells the Node inspector from the application, and the scheme
 */
export function inferFramework(
  process: ProcessFacts,
  project?: Project,
  parents: readonly ProcessFacts[] = [],
  port?: number,
): Claim<Framework> | undefined {
  const files = project === undefined ? undefined : inspectProject(project.root);
  const program = inferProgram(process, files, parents);
  return port === undefined ? program : applyPort(program, findDebugPorts(process), port);
}

/** As `inferFramework`, with the project's files at hand and regardless of the port. */
export function inferProgram(
  process: ProcessFacts,
  files: ProjectFiles | undefined,
  parents: readonly ProcessFacts[],
): Claim<Framework> | undefined {
  const line = readCommandLine(process);
  const finding = findByTitle(line) ?? findByProgram(line, process) ?? findByRuntime(line, files, parents);
  return finding === undefined ? undefined : toClaim(refine(finding, files));
}

/** Corrects a program's claim for one of its ports: the inspector beside the application, the scheme of single ports. */
export function applyPort(
  program: Claim<Framework> | undefined,
  debugPorts: ReadonlyMap<number, Claim<Framework>>,
  port: number,
): Claim<Framework> | undefined {
  const inspector = debugPorts.get(port);
  if (inspector !== undefined) return inspector;
  if (program === undefined) return undefined;
  const entry = index().byId.get(program.value.id);
  let scheme = program.value.scheme;
  if (entry?.ports !== undefined && Object.hasOwn(entry.ports, port)) scheme = entry.ports[port] ?? null;
  else if (scheme === "http" && entry?.role === "web-server" && (port === 443 || port === 8443)) scheme = "https";
  return scheme === program.value.scheme ? program : { ...program, value: { ...program.value, scheme } };
}

/** Ports of debuggers that the arguments open: `--inspect[=[host:]port]` of Node, Deno and Bun; Chromium's. */
export function findDebugPorts(process: ProcessFacts): ReadonlyMap<number, Claim<Framework>> {
  const ports = new Map<number, Claim<Framework>>();
  const add = (port: number, finding: Finding): void => {
    const found = toClaim(finding);
    if (found !== undefined) ports.set(port, found);
  };
  const line = readCommandLine(process);
  if (line.runtime === "node" || line.runtime === "deno" || line.runtime === "bun") {
    // Arguments of the program itself may look alike (`jest --inspect`), but only the runtime's own open a port.
    for (const argument of line.runtimeArguments) {
      const match = /^--inspect(?:-brk|-wait|-port)?(?:=(?:.{0,256}:)?(\d{1,5}))?$/.exec(argument.slice(0, 300));
      if (match === null) continue;
      const port = match[1] === undefined ? (line.runtime === "bun" ? 6499 : 9229) : Number(match[1]);
      add(port, { id: "inspector", evidence: `arguments have ${clip(argument)}` });
    }
    return ports;
  }
  for (const word of line.words) {
    const match = /^--remote-debugging-port=(\d{1,5})$/.exec(word.slice(0, 64));
    if (match !== null) add(Number(match[1]), { id: "chrome-devtools", evidence: `arguments have ${word}` });
  }
  return ports;
}

function findByTitle(line: CommandLine): Finding | undefined {
  if (line.title === undefined) return undefined;
  for (const [beginning, id] of index().titles) {
    if (line.title.startsWith(beginning)) return { id, evidence: `arguments name ${clip(line.title)}` };
  }
  return undefined;
}

function findByProgram(line: CommandLine, process: ProcessFacts): Finding | undefined {
  const { programs } = index();
  const evidence = clip(line.programEvidence);
  const id = programs.get(line.program);
  if (id !== undefined) return { id, evidence };
  const executable = process.executable.known ? process.executable.value : "";
  if (line.program === "master" && /\/postfix\//.test(executable)) return { id: "postfix", evidence };
  // busybox is every program; its first argument says which.
  if (line.program === "busybox" && process.arguments.known) {
    const applet = programs.get(programName((process.arguments.value[0] ?? "").slice(0, 256)));
    if (applet !== undefined) return { id: applet, evidence: `arguments name ${clip(process.arguments.value[0]!)}` };
  }
  if (line.runtime === undefined) {
    // Linux cuts the short name to 15 bytes.
    if (executable === "" && line.program.length === 15) {
      for (const [program, cutId] of programs) if (program.startsWith(line.program)) return { id: cutId, evidence };
    }
    return findByBuildPath(executable);
  }
  return line.runtime === "beam" ? findOnBeam(line) : undefined;
}

/** Executables where build tools put them. A plain binary elsewhere says nothing about its language. */
function findByBuildPath(executable: string): Finding | undefined {
  const evidence = `the executable is ${clip(executable)}`;
  if (/\/go-build[^/]{0,64}\//.test(executable) || /\/__debug_bin\d{0,20}$/.test(executable))
    return { id: "go", evidence };
  if (/\/target\/(?:[^/]{1,64}\/)?(?:debug|release)\/[^/]+$/.test(executable)) return { id: "rust", evidence };
  if (/\/bin\/(?:Debug|Release)\/net[^/]{1,32}\//.test(executable)) return { id: "dotnet", evidence };
  if (/(?:^|\/)(?:\.vscode|\.cursor)-server\//.test(executable)) return { id: "vscode-server", evidence };
  return undefined;
}

function findOnBeam(line: CommandLine): Finding {
  for (const word of line.words) {
    if (word === "phx.server") return { id: "phoenix", evidence: "arguments name phx.server" };
    if (/(?:^|\/)(?:rabbit|rabbitmq[^/]{0,64})(?:\/|$)/.test(word.slice(0, 1024))) {
      return { id: "rabbitmq", evidence: `arguments name ${clip(word)}` };
    }
    if (/(?:^|\/)couch(?:db)?(?:\/|$)/.test(word.slice(0, 1024))) {
      return { id: "couchdb", evidence: `arguments name ${clip(word)}` };
    }
  }
  return { id: "beam", evidence: clip(line.programEvidence) };
}

function findByRuntime(
  line: CommandLine,
  files: ProjectFiles | undefined,
  parents: readonly ProcessFacts[],
): Finding | undefined {
  if (line.runtime === undefined || line.runtime === "shell") return undefined;
  const direct = findByScript(line);
  const entry = direct === undefined ? undefined : index().byId.get(direct.id);
  if (direct !== undefined && entry?.runner !== true) return direct;
  if (runsOwnScript(line, entry)) {
    return findByLibrary(line, files) ?? direct ?? findLoader(line) ?? toRuntime(line);
  }
  return direct ?? findByParents(parents) ?? toRuntime(line);
}

/** What the script, module or class names. */
function findByScript(line: CommandLine): Finding | undefined {
  const { script } = line;
  const { byNode, byPython, byRuby, java, scriptPaths } = index();
  const evidence = `arguments name ${clip(script ?? line.module ?? "")}`;
  if (script !== undefined) {
    for (const [piece, id] of scriptPaths) if (script.includes(piece)) return { id, evidence };
  }
  switch (line.runtime) {
    case "node":
    case "bun":
    case "deno": {
      if (script === undefined) return undefined;
      const tool = readToolPath(script.replace(/^npm:/, "node_modules/"));
      for (const name of tool.names) {
        const id = byNode.get(name);
        if (id !== undefined) return { id, evidence };
      }
      if (/(?:^|\/)\.output\/server\/index\.mjs$/.test(script)) return { id: "nuxt", evidence };
      return undefined;
    }
    case "python": {
      if (line.module !== undefined) {
        const id = byPython.get(line.module) ?? byPython.get(line.module.split(".", 1)[0]!);
        return id === undefined ? undefined : { id, evidence: `arguments name the module ${clip(line.module)}` };
      }
      if (script === undefined) return undefined;
      const name = script.slice(script.lastIndexOf("/") + 1);
      if (name === "manage.py" && line.words.some((word) => word.startsWith("runserver"))) {
        return { id: "django", evidence: "arguments name manage.py runserver" };
      }
      // A command of an installed package has no suffix: `flask.py` would be the user's own.
      const id = name.endsWith(".py") ? byPackagePath(script) : byPython.get(name);
      return id === undefined ? undefined : { id, evidence };
    }
    case "ruby": {
      if (script === undefined) return undefined;
      const name = script.slice(script.lastIndexOf("/") + 1);
      // `bundle exec rails server` and `bin/spring rails` name the command behind them.
      const command = name === "bundle" ? (line.words.find((word) => word !== "exec") ?? "") : name;
      const id = byRuby.get(command.slice(command.lastIndexOf("/") + 1));
      return id === undefined ? undefined : { id, evidence };
    }
    case "php": {
      const builtIn = line.runtimeArguments.includes("-S");
      if (script !== undefined && /(?:^|\/)laravel\//.test(script)) return { id: "laravel", evidence };
      if (script !== undefined && /(?:^|\/)artisan$/.test(script)) return { id: "laravel", evidence };
      return builtIn ? { id: "php-server", evidence: "arguments have -S" } : undefined;
    }
    case "java": {
      if (script !== undefined) {
        const name = script.slice(script.lastIndexOf("/") + 1);
        for (const [beginning, id] of java) if (name.startsWith(beginning)) return { id, evidence };
      }
      return findOnClassPath(line);
    }
    case "dotnet":
      return undefined;
    default:
      return undefined;
  }
}

/** Python packages run by path: `/site-packages/NAME/…`. */
function byPackagePath(script: string): string | undefined {
  const match = /\/(?:site|dist)-packages\/([^/]{1,64})\//.exec(script.slice(0, 4096));
  return match === null ? undefined : index().byPython.get(match[1]!);
}

function findOnClassPath(line: CommandLine): Finding | undefined {
  const pieces: readonly (readonly [string, string])[] = [
    ["/spring-boot-", "spring-boot"],
    ["/quarkus-", "quarkus"],
    ["/micronaut-http-server", "micronaut"],
  ];
  for (const argument of line.runtimeArguments) {
    for (const [piece, id] of pieces) {
      if (argument.includes(piece)) return { id, evidence: `the class path names ${piece.slice(1)}…` };
    }
  }
  return undefined;
}

/** True when the runtime, or the runner it runs, was given a program that is not a package's. */
function runsOwnScript(line: CommandLine, runner: FrameworkEntry | undefined): boolean {
  if (runner !== undefined) return line.words.some((word) => !word.startsWith("-") && word !== "watch");
  if (line.script === undefined) return line.module !== undefined;
  return readToolPath(line.script).package === undefined;
}

/** The one server library among the project's dependencies, when the script lies in the project. */
function findByLibrary(line: CommandLine, files: ProjectFiles | undefined): Finding | undefined {
  if (files === undefined || line.runtime === undefined) return undefined;
  const { project, dependencies } = files;
  const script = line.script ?? "";
  if (script.startsWith("/") && !script.startsWith(`${project.root}/`) && readToolPath(script).package === undefined) {
    return undefined;
  }
  const key = line.runtime === "bun" || line.runtime === "deno" ? "node" : line.runtime;
  const present = (libraries[key] ?? []).filter(({ dependency }) => dependencies.has(dependency));
  const first = present[0];
  if (first === undefined) return undefined;
  const others = present.slice(1).filter(({ dependency }) => !(first.covers ?? []).includes(dependency));
  // With two servers to choose from, the choice would be a guess.
  if (others.some(({ id }) => id !== first.id)) return undefined;
  const where = `${project.marker} depends on ${first.dependency}`;
  return { id: first.id, evidence: `${where}; the process itself shows only ${clip(script || line.program)}` };
}

/** A TypeScript loader in front of a script of the user's own. */
function findLoader(line: CommandLine): Finding | undefined {
  if (line.runtime !== "node") return undefined;
  for (const argument of line.runtimeArguments) {
    const tool = readToolPath(argument.replace(/^--(?:import|require|loader)=/, "").replace(/^file:\/\//, ""));
    const name = argument === "tsx" || argument === "ts-node/esm" ? argument.split("/", 1)[0] : tool.package;
    if (name === "tsx" || name === "ts-node") return { id: name, evidence: `arguments load ${clip(argument)}` };
  }
  return undefined;
}

/** A dev server among the parents, for a process that shows nothing of its own. */
function findByParents(parents: readonly ProcessFacts[]): Finding | undefined {
  for (const parent of parents.slice(0, parentLimit)) {
    const line = readCommandLine(parent);
    const finding = line.runtime === "shell" ? findInShellCode(line) : (findByTitle(line) ?? findByScript(line));
    const entry = finding === undefined ? undefined : index().byId.get(finding.id);
    if (entry === undefined || entry.runner === true) continue;
    if (entry.role === "dev-server" || entry.role === "app-server") {
      return { id: entry.id, evidence: `its parent runs it: ${finding!.evidence}` };
    }
  }
  return undefined;
}

/** The command in `sh -c "NODE_ENV=x vite --port 3"`, as npm starts scripts. */
function findInShellCode(line: CommandLine): Finding | undefined {
  if (line.code === undefined) return undefined;
  const words = line.code.slice(0, 1024).split(/\s+/, 32);
  const command = words.find((word) => word !== "" && word !== "exec" && !/^[A-Za-z_]\w{0,64}=/.test(word));
  if (command === undefined) return undefined;
  const name = command.slice(command.lastIndexOf("/") + 1);
  const { byNode, byPython, byRuby } = index();
  const id = byNode.get(name) ?? byPython.get(name) ?? byRuby.get(name);
  return id === undefined ? undefined : { id, evidence: `a shell was told to run ${clip(command)}` };
}

function toRuntime(line: CommandLine): Finding | undefined {
  return line.runtime === undefined || line.runtime === "shell"
    ? undefined
    : { id: line.runtime, evidence: clip(line.programEvidence) };
}

/** The framework that stands on the program found, when the project names it. */
function refine(finding: Finding, files: ProjectFiles | undefined): Finding {
  const candidates = refinements[finding.id];
  if (files === undefined || candidates === undefined) return finding;
  for (const { dependency, id } of candidates) {
    if (!files.dependencies.has(dependency) && !files.developmentDependencies.has(dependency)) continue;
    return { id, evidence: `${finding.evidence}; ${files.project.marker} depends on ${dependency}` };
  }
  return finding;
}

function toClaim(finding: Finding): Claim<Framework> | undefined {
  const entry = index().byId.get(finding.id);
  if (entry === undefined) return undefined;
  const { id, title, role, scheme } = entry;
  return claim({ id, title, role, scheme }, "inferred", finding.evidence);
}

function clip(text: string): string {
  return text.length <= evidenceLimit ? text : `${text.slice(0, evidenceLimit - 1)}…`;
}

interface TableIndex {
  readonly byId: ReadonlyMap<string, FrameworkEntry>;
  readonly programs: ReadonlyMap<string, string>;
  readonly byNode: ReadonlyMap<string, string>;
  readonly byPython: ReadonlyMap<string, string>;
  readonly byRuby: ReadonlyMap<string, string>;
  readonly java: readonly (readonly [string, string])[];
  readonly titles: readonly (readonly [string, string])[];
  readonly scriptPaths: readonly (readonly [string, string])[];
}

let builtIndex: TableIndex | undefined;

/** The table by mark, built at the first question. */
function index(): TableIndex {
  if (builtIndex !== undefined) return builtIndex;
  const mapOf = (marks: (entry: FrameworkEntry) => readonly string[] | undefined): Map<string, string> => {
    const map = new Map<string, string>();
    for (const entry of frameworkTable) for (const mark of marks(entry) ?? []) map.set(mark, entry.id);
    return map;
  };
  builtIndex = {
    byId: new Map(frameworkTable.map((entry) => [entry.id, entry])),
    programs: mapOf((entry) => entry.programs),
    byNode: mapOf((entry) => entry.node),
    byPython: mapOf((entry) => entry.python),
    byRuby: mapOf((entry) => entry.ruby),
    java: [...mapOf((entry) => entry.java)],
    titles: [...mapOf((entry) => entry.titles)],
    scriptPaths: [...mapOf((entry) => entry.scriptPaths)],
  };
  return builtIndex;
}
