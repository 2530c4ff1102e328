/**
 * @module The ports that one command asks for: by the words of its program, by its variables, or by its program's default.
 */
import { callers, findScriptProgram, programNameOf, type ScriptProgram } from "../tenant/index.ts";
import type { LocatedText } from "./located-text.ts";
import { readPortNumber, type PortWish } from "./port-wish.ts";
import type { ShellCommand, ShellWord } from "./shell-words.ts";
import type { Place } from "./source-text.ts";

/** A port of a command. */
export type CommandWish = Pick<
  PortWish,
  "port" | "address" | "place" | "program" | "browser" | "ifTaken" | "origin" | "insertion"
> & { readonly title: string | null };

/** What a command may know of its folder. */
export interface CommandSurroundings {
  /** Port of a program's own configuration file. */
  readonly configured: (
    program: string,
  ) =>
    | { port: number | null; strict: boolean; address: string | null; place: Place | null; computed: boolean }
    | undefined;
  /** A variable of `.env` there. */
  readonly environmentFile: (name: string) => LocatedText | undefined;
  /** Whether words may be put behind the command, which is then the end of its line. */
  readonly isWholeLine: boolean;
}

/** Program and words, without what only starts them. */
export interface BareCommand {
  readonly program: string;
  readonly words: readonly ShellWord[];
  /** Variables that are set for it alone. */
  readonly variables: ReadonlyMap<string, LocatedText>;
  /** Where the program stands. */
  readonly place: Place | null;
}

/** The ports that a command asks for. */
export function wishesOfCommand(command: ShellCommand, surroundings: CommandSurroundings): CommandWish[] {
  const bare = bareCommand(command.words);
  const inspector = inspectorWish(bare);
  const own = listenWish(bare, command, surroundings);
  return [...(own === undefined ? [] : [own]), ...(inspector === undefined ? [] : [inspector])];
}

function listenWish(
  bare: BareCommand,
  command: ShellCommand,
  surroundings: CommandSurroundings,
): CommandWish | undefined {
  const { program, words } = bare;
  if (callers.has(program)) return undefined;
  const texts = words.map((word) => word?.text ?? "");
  if (texts.includes("--help") || texts.includes("--version")) return undefined;
  if (program !== "serve" && texts.find((text) => !text.startsWith("-")) === "build") return undefined;
  const known = findScriptProgram(program, texts);
  if (known === undefined) return unknownProgram(bare);
  const told = numberAfter(words, known.flags) ?? (known.positional === true ? positionalNumber(words) : undefined);
  // A word that only a shell knows is no default.
  if (told === "unknown") return undefined;
  const variable = told ?? variableNumber(bare, known, surroundings);
  if (variable === "unknown") return undefined;
  const config = surroundings.configured(known.id);
  const strict = (known.strictFlag !== undefined && texts.includes(known.strictFlag)) || config?.strict === true;
  const address = firstSaid(addressOf(words, known), variable?.address, config?.address, known.address);
  const common = { program: known.id, title: known.title, browser: known.browser !== false, address };
  const whenTold = known.moves === "always" && !strict ? "moves" : "fails";
  if (variable !== undefined)
    return { ...common, ...variable, address, ifTaken: whenTold, origin: "written", insertion: null };
  if (config?.port !== undefined && config.port !== null && config.place !== null) {
    return { ...common, port: config.port, place: config.place, ifTaken: whenTold, origin: "written", insertion: null };
  }
  // What the configuration computes is not known.
  if (known.port === null || bare.place === null || config?.computed === true) return undefined;
  const flag = known.flags.find((one) => one.startsWith("--")) ?? known.flags[0];
  return {
    ...common,
    port: known.port,
    place: bare.place,
    ifTaken: known.moves !== undefined && !strict ? "moves" : "fails",
    origin: "default",
    insertion:
      surroundings.isWholeLine && flag !== undefined && known.positional !== true
        ? insertionBehind(command, flag)
        : null,
  };
}

/** Where words can be put behind a command that is the whole of its line. */
function insertionBehind({ words }: ShellCommand, flag: string): PortWish["insertion"] {
  const last = words.at(-1);
  if (last === undefined || last === null || last.text === "") return null;
  const place = last.placeOf(last.text.length - 1, last.text.length);
  const offset = place.offset + place.length;
  const next = place.source.text[offset];
  const isEnd = next === undefined || next === '"' || next === "\n" || next === "\r";
  return place.exact && isEnd ? { offset, flag } : null;
}

/** The first that is said; `null`, every address, is said as well. */
function firstSaid(...addresses: readonly (string | null | undefined)[]): string | null {
  return addresses.find((address) => address !== undefined) ?? null;
}

/** A program that nobody knows has a wish when a word of its own says so. */
function unknownProgram({ program, words, variables }: BareCommand): CommandWish | undefined {
  const told = numberAfter(words, ["--port"]);
  if (told === "unknown") return undefined;
  const variable = variables.get("PORT");
  const found = told ?? (variable === undefined ? undefined : numberIn(variable));
  if (found === undefined || found === "unknown") return undefined;
  return {
    address: null,
    ...found,
    program: null,
    title: program === "" ? null : program,
    browser: false,
    ifTaken: "fails",
    origin: "written",
    insertion: null,
  };
}

/** `--inspect`, `--inspect-brk=0.0.0.0:9230`: Node's inspector (nodejs.org/api/cli.html). Without it the program goes on. */
function inspectorWish({ words, variables }: BareCommand): CommandWish | undefined {
  const options = variables.get("NODE_OPTIONS");
  for (const word of [...words, ...(options === undefined ? [] : [options])]) {
    const match = /(?:^|\s)--inspect(?:-brk|-wait)?(?:=(\S*))?(?=\s|$)/.exec(word?.text ?? "");
    if (match === null || word === null) continue;
    const said = match[1] ?? "";
    const digits = /(\d{1,5})$/.exec(said)?.[1] ?? "";
    const end = match.index + match[0].length;
    if (said !== "" && said.endsWith(":0")) return undefined;
    const hasPort = readPortNumber(digits) !== undefined && !/^[\d.]+\.\d+$/.test(said);
    return {
      port: hasPort ? Number(digits) : 9229,
      address: "127.0.0.1",
      place: hasPort ? word.placeOf(end - digits.length, end) : word.placeOf(match.index, end),
      program: "node-inspector",
      title: "Node inspector",
      browser: false,
      ifTaken: "moves",
      origin: hasPort ? "written" : "default",
      insertion: null,
    };
  }
  return undefined;
}

type SaidPort = { readonly port: number; readonly place: Place; readonly address?: string | null };

/** The number behind one of the flags; the last one counts. `"unknown"`: there is one, and only a shell knows it. */
function numberAfter(words: readonly ShellWord[], flags: readonly string[]): SaidPort | "unknown" | undefined {
  let found: SaidPort | "unknown" | undefined;
  for (const [index, word] of words.entries()) {
    if (word === null) continue;
    for (const flag of flags) {
      if (word.text === flag) {
        const next = words[index + 1];
        if (next === undefined) continue;
        found = next === null ? "unknown" : (numberIn(next) ?? found);
      } else if (word.text.startsWith(`${flag}=`)) found = numberIn(word.slice(flag.length + 1)) ?? found;
      else if (/^-[a-zA-Z]$/.test(flag) && word.text.startsWith(flag) && /^\d+$/.test(word.text.slice(2))) {
        found = numberIn(word.slice(2)) ?? found;
      }
    }
  }
  return found;
}

/** `3000`, `127.0.0.1:3000`, `:3000`, `tcp://0.0.0.0:3000`. */
function numberIn(word: LocatedText): SaidPort | "unknown" | undefined {
  const match = /^(?:[a-z]+:\/\/)?(?:(\[[\da-f:.]+\]|[\w.-]*):)?(\d{1,5})\/?$/i.exec(word.text);
  const port = readPortNumber(match?.[2] ?? "");
  if (match === null || port === undefined) return match === null ? undefined : "unknown";
  const start = word.text.lastIndexOf(match[2]!);
  const place = word.placeOf(start, start + match[2]!.length);
  const host = match[1];
  if (host === undefined) return { port, place };
  return { port, place, address: host === "" ? null : readHost(host) };
}

function readHost(text: string): string | null {
  const bare = text.replaceAll(/^\[|\]$/g, "");
  if (bare === "localhost") return bare;
  if (bare === "0.0.0.0" || bare === "::") return bare === "::" ? null : bare;
  return /^[\d.]+$/.test(bare) || bare.includes(":") ? bare : null;
}

function positionalNumber(words: readonly ShellWord[]): SaidPort | "unknown" | undefined {
  for (const word of words) {
    if (word === null) return "unknown";
    const found = /^(?:[\w.:[\]]+:)?\d+$/.test(word.text) ? numberIn(word) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function variableNumber(
  { variables }: BareCommand,
  known: ScriptProgram,
  { environmentFile }: CommandSurroundings,
): SaidPort | "unknown" | undefined {
  for (const name of known.variables ?? []) {
    const value = variables.get(name) ?? (known.readsEnvironmentFile === true ? environmentFile(name) : undefined);
    const found = value === undefined ? undefined : numberIn(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

function addressOf(words: readonly ShellWord[], { hostFlags = [] }: ScriptProgram): string | null | undefined {
  for (const [index, word] of words.entries()) {
    if (word === null) continue;
    for (const flag of hostFlags) {
      const next = words[index + 1]?.text;
      const value =
        word.text === flag
          ? (next ?? "")
          : word.text.startsWith(`${flag}=`)
            ? word.text.slice(flag.length + 1)
            : undefined;
      if (value === undefined) continue;
      // Without a value of its own it means every address.
      return value === "" || value.startsWith("-") ? null : readHost(value);
    }
  }
  return undefined;
}

/** Takes away what only starts a program: `npx`, `cross-env`, `dotenv --`, `bundle exec`, `python -m`. */
export function bareCommand(all: readonly ShellWord[]): BareCommand {
  const variables = new Map<string, LocatedText>();
  let left = [...all];
  const takeVariables = (): void => {
    for (;;) {
      const match = /^([A-Za-z_]\w*)=/.exec(left[0]?.text ?? "");
      if (match === null || left[0] === null || left[0] === undefined) return;
      variables.set(match[1]!, left[0].slice(match[0].length));
      left = left.slice(1);
    }
  };
  for (let round = 0; round < 8; round += 1) {
    takeVariables();
    const [first, second] = left;
    const name = programNameOf(first?.text ?? "");
    const next = second?.text ?? "";
    const skipFlags = (from: number, valued: readonly string[] = []): void => {
      let index = from;
      while (left[index]?.text.startsWith("-") === true) index += valued.includes(left[index]!.text) ? 2 : 1;
      left = left.slice(index);
    };
    if (["env", "cross-env", "cross-env-shell"].includes(name)) skipFlags(1);
    else if (["npx", "bunx", "pnpx"].includes(name)) skipFlags(1, ["-p", "--package"]);
    else if (["npm", "pnpm", "yarn", "bun"].includes(name) && ["exec", "dlx", "x"].includes(next))
      skipFlags(2, ["-p", "--package"]);
    else if (["dotenv", "env-cmd", "dotenvx", "doppler", "op", "infisical"].includes(name)) {
      const dashes = left.findIndex((word) => word?.text === "--");
      if (dashes >= 0) left = left.slice(dashes + 1);
      else skipFlags(1, ["-e", "-f", "-c", "-r"]);
    } else if (["bundle"].includes(name) && next === "exec") left = left.slice(2);
    else if (["poetry", "uv", "pipenv", "pdm", "hatch", "rye"].includes(name) && next === "run")
      skipFlags(2, ["--with"]);
    else if (/^python[\d.]*$/.test(name) && next === "-m") left = left.slice(2);
    else if (/^python[\d.]*$/.test(name) && programNameOf(next) === "manage.py") left = left.slice(1);
    else if (name === "php" && programNameOf(next) === "artisan") left = left.slice(1);
    else if (name === "ruby" && programNameOf(next) === "rails") left = left.slice(1);
    else if (name === "node" && /node_modules/.test(next)) left = left.slice(1);
    else if (["time", "nice", "nohup", "exec", "sudo"].includes(name) && next !== "" && !next.startsWith("-"))
      left = left.slice(1);
    else break;
  }
  takeVariables();
  const [first, ...words] = left;
  const text = first?.text ?? "";
  return {
    program: programNameOf(text),
    words,
    variables,
    place: first === undefined || first === null ? null : first.placeOf(0, text.length),
  };
}
