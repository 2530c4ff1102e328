/**
 * @module Programs that do not look at PORT, and how each of them is told: their flag is put behind the user's own words, through `npm run`
 * and its relatives as well. Nothing here is run, and no word is read by a shell.
 */

/** How a program takes its port. */
interface PortFlag {
  /** The program, as it is called. */
  readonly programs: readonly string[];
  /** Its first word must be one of these; without the entry it needs none. `""` stands for no word at all. */
  readonly commands?: readonly string[];
  /** Words that say the port. */
  readonly words: (port: string) => readonly string[];
  /** When one of the user's words looks like this, the user has decided. */
  readonly decided: RegExp;
}

const port = /^(?:-p|-P|--port)(?:=|$)/;
const long = (text: string): readonly string[] => ["--port", text];
const joined = (text: string): readonly string[] => [`--port=${text}`];
const short = (text: string): readonly string[] => ["-p", text];

/** After each program's own documentation. Those that read PORT themselves (Express, react-scripts, Remix's server) are not here. */
const portFlags: readonly PortFlag[] = [
  // Without --strictPort Vite takes the next port without a word.
  {
    programs: ["vite"],
    commands: ["", "dev", "serve", "preview"],
    words: (text) => ["--port", text, "--strictPort"],
    decided: /^--port(?:=|$)/,
  },
  { programs: ["next"], commands: ["", "dev", "start"], words: short, decided: port },
  { programs: ["nuxt", "nuxi"], commands: ["", "dev", "preview"], words: long, decided: port },
  { programs: ["astro"], commands: ["dev", "preview"], words: long, decided: port },
  { programs: ["ng"], commands: ["serve", "s", "dev"], words: long, decided: port },
  { programs: ["parcel"], commands: ["", "serve", "watch"], words: long, decided: port },
  {
    programs: ["webpack-dev-server", "webpack", "rspack", "rsbuild"],
    commands: ["", "serve", "server", "s", "dev"],
    words: long,
    decided: port,
  },
  { programs: ["react-router", "remix"], commands: ["dev", "vite:dev"], words: long, decided: port },
  { programs: ["svelte-kit"], commands: ["dev", "preview"], words: long, decided: port },
  { programs: ["expo"], commands: ["start"], words: long, decided: port },
  { programs: ["storybook"], commands: ["dev"], words: short, decided: port },
  { programs: ["start-storybook"], words: short, decided: port },
  { programs: ["wrangler"], commands: ["dev", "pages"], words: long, decided: port },
  { programs: ["vue-cli-service"], commands: ["serve"], words: long, decided: port },
  { programs: ["gatsby"], commands: ["develop", "serve"], words: long, decided: port },
  { programs: ["docusaurus"], commands: ["start", "serve"], words: long, decided: port },
  { programs: ["eleventy"], words: joined, decided: port },
  { programs: ["ember"], commands: ["serve", "server", "s"], words: long, decided: port },
  { programs: ["vinxi", "solid-start", "waku"], commands: ["dev", "start"], words: long, decided: port },
  { programs: ["live-server"], words: (text) => [`--port=${text}`, "--no-browser"], decided: port },
  { programs: ["http-server"], words: short, decided: port },
  { programs: ["serve"], words: (text) => ["-l", text], decided: /^(?:-l|--listen|-p|--port)(?:=|$)/ },
  { programs: ["json-server"], words: long, decided: port },
  { programs: ["flask"], commands: ["run"], words: long, decided: port },
  {
    programs: ["uvicorn", "hypercorn", "daphne", "fastapi"],
    words: long,
    decided: /^(?:-p|--port|-b|--bind|--fd|--uds)(?:=|$)/,
  },
  { programs: ["rails"], commands: ["server", "s"], words: short, decided: port },
  { programs: ["hugo"], commands: ["server", "serve"], words: long, decided: port },
  { programs: ["jekyll"], commands: ["serve", "s", "server"], words: long, decided: /^(?:-P|--port)(?:=|$)/ },
  // Their port is a word of its own.
  { programs: ["manage.py"], commands: ["runserver"], words: (text) => [text], decided: /^(?:[\w.:[\]]+:)?\d+$/ },
  { programs: ["http.server"], words: (text) => [text], decided: /^\d+$/ },
  { programs: ["artisan"], commands: ["serve"], words: joined, decided: port },
];

/** What becomes of a command. */
export interface GivenPort {
  readonly words: readonly string[];
  /** The program that was told by words; `null` when PORT is all it gets. */
  readonly program: string | null;
}

/** A script of a project by its name, or `undefined`: `scripts` of package.json. */
export type ScriptReader = (name: string) => string | undefined;

/** Scripts that call scripts. */
const deepest = 4;

/**
 * Puts the words that say a port behind a command, where its program needs them.
 * @param words program and arguments
 */
export function givePort(words: readonly string[], portNumber: number, script: ScriptReader): GivenPort {
  const found = findAdditions(words, String(portNumber), script, deepest);
  return found === undefined ? { words, program: null } : { words: [...words, ...found.words], program: found.program };
}

interface Additions {
  readonly words: readonly string[];
  readonly program: string;
}

function findAdditions(
  words: readonly string[],
  text: string,
  script: ScriptReader,
  depth: number,
): Additions | undefined {
  const bare = withoutStarters(words);
  const [program = "", ...rest] = bare;
  const name = nameOf(program);
  const runner = scriptOf(name, rest);
  if (runner !== undefined) {
    if (depth === 0) return undefined;
    const inner = script(runner.script);
    const innerWords = inner === undefined ? undefined : splitSimple(inner);
    if (innerWords === undefined) return undefined;
    const found = findAdditions([...innerWords, ...runner.passed], text, script, depth - 1);
    if (found === undefined) return undefined;
    // npm keeps what looks like a flag for itself unless it stands behind --; the others pass it on.
    const behind = name === "npm" && !rest.includes("--") ? ["--"] : [];
    return { program: found.program, words: [...behind, ...found.words] };
  }
  const flag = portFlags.find(({ programs }) => programs.includes(name));
  if (flag === undefined || rest.some((word) => flag.decided.test(word))) return undefined;
  if (flag.commands !== undefined && !isCalled(flag.commands, rest)) return undefined;
  if (["build", "optimize", "--help", "--version"].some((word) => rest.includes(word))) return undefined;
  return { program: name, words: flag.words(text) };
}

/** Whether a program's words call one of these commands. A word behind a flag can be the flag's value: `vite --mode staging`. */
function isCalled(commands: readonly string[], words: readonly string[]): boolean {
  const first = words.find((word, index) => !word.startsWith("-") && !isFlag(words[index - 1]));
  if (first !== undefined && commands.includes(first)) return true;
  // Behind a program that needs no command a word can also be a folder or a file to serve.
  if (commands.includes("") && (first === undefined || /[./\\]/.test(first))) return true;
  return first === undefined || isFlag(words[0]) ? words.some((word) => word !== "" && commands.includes(word)) : false;
}

function isFlag(word: string | undefined): boolean {
  return word !== undefined && word.startsWith("-") && !word.includes("=");
}

/** Programs that start another: their own words, up to the other's name. */
function withoutStarters(words: readonly string[]): readonly string[] {
  let left = words;
  for (let round = 0; round < 6; round += 1) {
    const [program = "", ...rest] = left;
    const name = nameOf(program);
    const [second = "", third = ""] = rest;
    if (name === "env" || name === "cross-env" || name === "cross-env-shell")
      left = skip(rest, (word) => /^\w+=/.test(word) || word.startsWith("-"));
    else if (/^[A-Za-z_]\w*=/.test(program)) left = rest;
    else if (name === "npx" || name === "bunx" || name === "pnpx") left = skipFlags(rest, ["-p", "--package", "-c"]);
    else if (name === "npm" && (second === "exec" || second === "x"))
      left = skip(skipFlags(rest.slice(1), ["-p", "--package"]), (word) => word === "--");
    else if ((name === "pnpm" || name === "yarn") && (second === "exec" || second === "dlx"))
      left = skipFlags(rest.slice(1), ["-p", "--package"]);
    else if (name === "bun" && second === "x") left = skipFlags(rest.slice(1), ["-p", "--package"]);
    else if (name === "bundle" && second === "exec") left = rest.slice(1);
    else if (["poetry", "uv", "pipenv", "pdm", "hatch", "rye"].includes(name) && second === "run")
      left = skipFlags(rest.slice(1), ["--with"]);
    else if (/^python[\d.]*$/.test(name) && second === "-m") left = rest.slice(1);
    else if (/^python[\d.]*$/.test(name) && nameOf(second) === "manage.py") left = rest;
    else if (name === "php" && nameOf(second) === "artisan") left = rest;
    else if (name === "ruby" && nameOf(second) === "rails") left = rest;
    else if (name === "node" && third !== "" && /node_modules/.test(second)) left = rest;
    else if (name === "node" && /node_modules/.test(second)) left = rest;
    else if (["nodemon", "dotenv", "time", "nice", "nohup"].includes(name) && second !== "" && !second.startsWith("-"))
      left = skip(rest, (word) => word === "--");
    else return left;
  }
  return left;
}

function skip(words: readonly string[], unwanted: (word: string) => boolean): readonly string[] {
  const start = words.findIndex((word) => !unwanted(word));
  return start < 0 ? [] : words.slice(start);
}

/** Leaves out flags, and the value behind those that take one. */
function skipFlags(words: readonly string[], valued: readonly string[]): readonly string[] {
  let index = 0;
  while (index < words.length && words[index]!.startsWith("-")) index += valued.includes(words[index]!) ? 2 : 1;
  return words.slice(index);
}

/** `/x/node_modules/.bin/vite` is `vite`, `vite.js` and `vite@5` too. */
function nameOf(program: string): string {
  const name = program.split(/[\\/]/).at(-1) ?? "";
  const plain = /^[\w.-]+@/.test(name) ? name.slice(0, name.indexOf("@")) : name;
  return plain.replace(/\.(?:cmd|exe|ps1|js|mjs|cjs)$/i, "");
}

interface ScriptCall {
  readonly script: string;
  /** Words for the script itself. */
  readonly passed: readonly string[];
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

/** The script that a package manager is asked for. */
function scriptOf(name: string, rest: readonly string[]): ScriptCall | undefined {
  if (!["npm", "pnpm", "yarn", "bun"].includes(name)) return undefined;
  const words = skipFlags(rest, ["-w", "--workspace", "--prefix", "-C", "--filter", "--cwd", "-F"]);
  const [first = "", second = ""] = words;
  const run = first === "run" || first === "run-script";
  const script = run ? second : first;
  if (script === "" || script.startsWith("-")) return undefined;
  // A workspace's scripts lie elsewhere.
  if (
    words.length !== rest.length &&
    rest.some((word) => /^(?:-w|--workspace|--prefix|-C|--filter|--cwd|-F)/.test(word))
  )
    return undefined;
  if (!run && (name === "npm" ? !["start", "test"].includes(script) : ownCommands.has(script))) return undefined;
  // bun runs files as well.
  if (name === "bun" && /\.[cm]?[jt]sx?$/.test(script)) return undefined;
  const passed = words.slice(run ? 2 : 1).filter((word) => word !== "--");
  return { script, passed };
}

/**
 * The words of a script that is one plain command; `undefined` when it takes a shell to understand it, for then what is put behind it
 * may reach another program than the one that is meant.
 */
function splitSimple(script: string): readonly string[] | undefined {
  if (/[;&|<>`$(){}\n\\*?~#]/.test(script)) return undefined;
  const words: string[] = [];
  for (const match of script.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)) {
    const bare = match[3];
    if (bare !== undefined && /["']/.test(bare)) return undefined;
    words.push(match[1] ?? match[2] ?? bare ?? "");
  }
  return words.length === 0 ? undefined : words;
}
