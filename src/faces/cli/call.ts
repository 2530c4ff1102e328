/**
 * @module What the user called: words completed, and the calls that are plain enough to need no parser.
 */
import type { ReaderChoice } from "../../host/index.ts";
import { meantElsewhere } from "./action-words.ts";
import type { Manifest } from "./manifest.ts";
import type { OfferedFormat } from "./offered-formats.ts";
import type { ColorChoice } from "./terminal.ts";

/** A command as the user called it. */
export interface Call {
  readonly name: string;
  readonly input: Readonly<Record<string, unknown>>;
  readonly settings: Settings;
}

/** Options that every command has. */
export interface Settings {
  readonly format: "text" | "json" | OfferedFormat;
  readonly color: ColorChoice;
  readonly reader: ReaderChoice;
  readonly root: string | undefined;
  /** A machine to look at in place of this one: a file of `snapshot`, or `ssh:HOST`. */
  readonly from: string | undefined;
  /** Columns of the table and of CSV, as the user wrote them. */
  readonly columns: string | undefined;
}

/** Words that the command line understands in place of a command's name. */
const nameless = new Set(["-h", "--help", "-V", "--version", "help"]);

/**
 * What a user may leave out: `portolan` is `portolan list`, `portolan --all` is `portolan list --all`, `list --follow` is `follow`,
 * `route list` and `route` are `routes`, `route hosts` is `hosts`, `gateway install` is `gateway-service install`,
 * `forward list` and `share list` are `relays`, `gateway trust` is `trust`, `portolan 3000` and `portolan :3000` are `portolan who 3000`.
 */
export function completeWords(words: readonly string[]): readonly string[] {
  const first = words[0];
  if (first === undefined) return ["list"];
  if (nameless.has(first)) return words;
  if (first.startsWith("-") && !/^-\d/.test(first)) return completeWords(["list", ...words]);
  if (first === "list" && words.includes("--follow")) {
    return ["follow", ...words.slice(1).filter((word) => word !== "--follow")];
  }
  if (first === "run") return nameBeforeDashes(words);
  const meant = meantElsewhere(words);
  if (meant !== undefined) return meant;
  if (/^:?[\d.-]/.test(first) && /^:?[\d,.-]+$/.test(first) && !isAddress(first)) return ["who", ...words];
  return words;
}

/** Options of `run` that take a value. */
export const runValueOptions: ReadonlySet<string> = new Set([
  "--in",
  "--prefer",
  "--except",
  "--host",
  "--name",
  "--app",
  "--patience",
  "--color",
  "--reader",
  "--root",
]);

/** `run NAME -- COMMAND`: one word before the dashes that is no option is the application's name. */
function nameBeforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf("--");
  const plain: number[] = [];
  for (let index = 1; index < dashes; index += 1) {
    const word = words[index]!;
    if (!word.startsWith("-")) plain.push(index);
    else if (runValueOptions.has(word)) index += 1;
  }
  const [only] = plain;
  if (only === undefined || plain.length > 1) return words;
  return [...words.slice(0, only), "--app", ...words.slice(only)];
}

function isAddress(word: string): boolean {
  return word.split(".").filter((part) => part !== "").length === 4;
}

/**
 * The call of a command without arguments, or with `--json` alone: the most frequent ones, for which loading the parser would
 * cost a tenth of the whole run. `undefined` for everything else, right or wrong: the parser decides.
 */
export function readBareCall(manifest: Manifest, words: readonly string[]): Call | undefined {
  const [name, flag] = words;
  if (name === undefined || words.length > 2 || (flag !== undefined && flag !== "--json")) return undefined;
  const command = manifest.commands.find((candidate) => candidate.name === name);
  if (command === undefined || command.positional.some((parameter) => parameter.required)) return undefined;
  return {
    name,
    input: {},
    settings: {
      format: flag === undefined ? "text" : "json",
      color: "auto",
      reader: "auto",
      root: undefined,
      from: undefined,
      columns: undefined,
    },
  };
}
