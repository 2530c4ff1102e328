/**
 * @module Words that start other words: the runners in front of a program, the package managers that run a script, the script itself. Nothing
 * is run here, and no word is read by a shell.
 */
import { programNameOf } from "../tenant/index.ts";

/** Where a script lies: in the nearest package when nothing is said. */
export interface ScriptPlace {
  /** A member of the workspace, by its name or folder. */
  readonly workspace?: string;
  /** A folder, relative to the one that one stands in. */
  readonly folder?: string;
  /** Tasks of deno.json come before scripts. */
  readonly deno?: true;
}

/** A script by its name, or `undefined`. */
export type ScriptReader = (name: string, place: ScriptPlace) => string | undefined;

/** Tools that run what stands behind `--`. */
const dashed: ReadonlySet<string> = new Set([
  "dotenv",
  "dotenvx",
  "env-cmd",
  "doppler",
  "infisical",
  "op",
  "mise",
  "fnm",
  "volta",
  "nodemon",
  "nice",
  "time",
  "nohup",
  "caffeinate",
]);

/** Programs that start another: what is left are the other's own words. */
export function withoutStarters(words: readonly string[]): readonly string[] {
  let left = words;
  for (let round = 0; round < 6; round += 1) {
    const next = withoutStarter(left);
    if (next === undefined) return left;
    left = next;
  }
  return left;
}

function withoutStarter([program = "", ...rest]: readonly string[]): readonly string[] | undefined {
  const name = programNameOf(program);
  const [second = ""] = rest;
  const packages = ["-p", "--package"];
  if (name === "env" || name === "cross-env") return skip(rest, (word) => /^\w+=/.test(word) || word.startsWith("-"));
  if (/^[A-Za-z_]\w*=/.test(program)) return rest;
  if (name === "npx" || name === "bunx" || name === "pnpx" || name === "pnx")
    return behindDashes(skipFlags(rest, [...packages, "-c"]));
  if (name === "npm" && (second === "exec" || second === "x")) return behindDashes(skipFlags(rest.slice(1), packages));
  if ((name === "pnpm" || name === "yarn") && (second === "exec" || second === "dlx"))
    return behindDashes(skipFlags(rest.slice(1), packages));
  if (name === "bun" && (second === "x" || (second === "--bun" && rest[1] === "x")))
    return skipFlags(rest.slice(second === "x" ? 1 : 2), packages);
  if (name === "deno" && second === "run") return skipFlags(rest.slice(1), ["-c", "--config"]);
  if (name === "bundle" && second === "exec") return rest.slice(1);
  if (["poetry", "uv", "pipenv", "pdm", "hatch", "rye"].includes(name) && second === "run")
    return behindDashes(skipFlags(rest.slice(1), pythonRunnerValues));
  if (name === "uvx" || (name === "pipx" && second === "run"))
    return behindDashes(
      skipFlags(name === "uvx" ? rest : rest.slice(1), ["--from", "--with", "-p", "--python", "--spec"]),
    );
  if (/^python[\d.]*$/.test(name)) return withoutPython(rest);
  if (name === "php" && programNameOf(second) === "artisan") return rest;
  if (name === "ruby" && programNameOf(second) === "rails") return rest;
  if (name === "node") {
    const script = skipFlags(rest, ["-r", "--require", "--import", "--loader", "-C", "--conditions", "--env-file"]);
    return /node_modules/.test(script[0] ?? "") ? script : undefined;
  }
  if (dashed.has(name)) {
    const dashes = rest.indexOf("--");
    if (dashes >= 0) return rest.slice(dashes + 1);
    return second !== "" && !second.startsWith("-") && !["op", "mise", "fnm", "volta"].includes(name)
      ? rest
      : undefined;
  }
  return undefined;
}

const pythonRunnerValues = [
  "--with",
  "-p",
  "--python",
  "--extra",
  "--group",
  "--env-file",
  "--package",
  "--directory",
  "--project",
  "-C",
];

/** `-m flask`, or a file that has a name: `python -u manage.py`. */
function withoutPython(words: readonly string[]): readonly string[] | undefined {
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!;
    if (word === "-m") return words.slice(index + 1);
    if (word === "-W" || word === "-X") index += 1;
    else if (!word.startsWith("-")) return programNameOf(word) === "manage.py" ? words.slice(index) : undefined;
  }
  return undefined;
}

function behindDashes(words: readonly string[]): readonly string[] {
  return words[0] === "--" ? words.slice(1) : words;
}

function skip(words: readonly string[], unwanted: (word: string) => boolean): readonly string[] {
  const start = words.findIndex((word) => !unwanted(word));
  return start < 0 ? [] : words.slice(start);
}

/** Leaves out flags, and the value behind those that take one. */
function skipFlags(words: readonly string[], valued: readonly string[]): readonly string[] {
  let index = 0;
  while (index < words.length && words[index]!.startsWith("-") && words[index] !== "--")
    index += valued.includes(words[index]!) ? 2 : 1;
  return words.slice(index);
}

/** A script that a package manager is asked for. */
export interface ScriptCall {
  readonly script: string;
  readonly place: ScriptPlace;
  /** Words for the script itself. */
  readonly passed: readonly string[];
  /** Whether the name can be a program of the package as well: `yarn vite`. */
  readonly orProgram: boolean;
}

const ownCommands: ReadonlySet<string> = new Set([
  "add",
  "audit",
  "ci",
  "config",
  "create",
  "dlx",
  "exec",
  "i",
  "init",
  "install",
  "link",
  "list",
  "outdated",
  "pack",
  "publish",
  "remove",
  "up",
  "update",
  "upgrade",
  "why",
  "x",
]);

/** Options of the package managers that say where a script lies. */
const workspaceOptions: ReadonlySet<string> = new Set(["-w", "--workspace", "-F", "--filter"]);
const folderOptions: ReadonlySet<string> = new Set(["--prefix", "-C", "--dir", "--cwd"]);
/** Several members at once: each would be told the same port. */
const manyOptions: ReadonlySet<string> = new Set(["-ws", "--workspaces", "-r", "--recursive", "--parallel", "-p"]);

/**
 * The script that a package manager is asked for; `undefined` when it is asked for something else, or for many.
 * @param name of the package manager
 */
export function scriptOf(name: string, rest: readonly string[]): ScriptCall | undefined {
  if (name === "deno" && rest[0] === "task") return denoTask(rest.slice(1));
  if (!["npm", "pnpm", "yarn", "bun"].includes(name)) return undefined;
  const read = readOptions(name, rest);
  if (read === undefined) return undefined;
  let { words, place } = read;
  if (name === "yarn" && words[0] === "workspace") {
    place = { workspace: words[1] ?? "" };
    words = words.slice(2);
  }
  const [first = "", second = ""] = words;
  const run = first === "run" || first === "run-script";
  const script = run ? second : first;
  if (script === "" || script.startsWith("-")) return undefined;
  if (!run && (name === "npm" ? !["start", "test"].includes(script) : ownCommands.has(script))) return undefined;
  // bun runs files as well.
  if (name === "bun" && /\.[cm]?[jt]sx?$/.test(script)) return undefined;
  const passed = words.slice(run ? 2 : 1).filter((word) => word !== "--");
  return { script, place, passed, orProgram: name === "pnpm" ? !run : name !== "npm" };
}

function denoTask(rest: readonly string[]): ScriptCall | undefined {
  const [script = "", ...passed] = skipFlags(rest, ["-c", "--config", "--cwd"]);
  const away = rest.some((word) => /^(?:--cwd|-f|--filter|-r|--recursive)(?:=|$)/.test(word));
  return script === "" || away ? undefined : { script, passed, place: { deno: true }, orProgram: false };
}

/** Takes the options that say where a script lies out of the words. npm reads them up to `--`, the others up to the script's name. */
function readOptions(
  name: string,
  rest: readonly string[],
): { readonly words: readonly string[]; readonly place: ScriptPlace } | undefined {
  const words: string[] = [];
  let place: ScriptPlace = {};
  let open = true;
  for (let index = 0; index < rest.length; index += 1) {
    const word = rest[index]!;
    if (word === "--") open = false;
    if (!open || !word.startsWith("-")) {
      words.push(word);
      if (name !== "npm" && word !== "run" && word !== "run-script" && word !== "workspace") open = false;
      continue;
    }
    const [option = "", joined] = splitOption(word);
    if (manyOptions.has(option)) return undefined;
    const meansWorkspace = workspaceOptions.has(option);
    if (!meansWorkspace && !folderOptions.has(option)) {
      // Behind the script's name a word that looks like a flag is npm's, unless it says a port: then the user has decided.
      if (name === "npm" && words.length > 0) words.push(word);
      continue;
    }
    const value = joined ?? rest[(index += 1)] ?? "";
    // A second one means another place, and bun's filter runs all that match.
    const plain = /^[@\w./-]+$/.test(value) && !value.includes("...");
    if (!plain || Object.keys(place).length > 0 || (meansWorkspace && name === "bun")) return undefined;
    place = meansWorkspace ? { workspace: value } : { folder: value };
  }
  return { words, place };
}

function splitOption(word: string): readonly [string, string | undefined] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)];
}

/**
 * The words of the command of a script that gets what is put behind the script: of `tsc && vite` that is `vite`. `undefined` when it takes a
 * shell to understand it, for then what is put behind it may reach another program than the one that is meant.
 */
export function lastCommand(script: string): readonly string[] | undefined {
  const [last = ""] = script.split("&&").slice(-1);
  if (/[;&|<>`$(){}\n\\*?~#]/.test(script.replaceAll("&&", ""))) return undefined;
  const words: string[] = [];
  for (const match of last.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    const bare = match[3];
    if (bare !== undefined && /["']/.test(bare)) return undefined;
    words.push(match[1] ?? match[2] ?? bare ?? "");
  }
  return words.length === 0 ? undefined : words;
}
