/**
 * @module Words read by commander: the call, or help.
 */
import { CommanderError, type Command as Program } from "commander";
import { PortolanError, quote } from "../../core/index.ts";
import { didYouMean, requireAction } from "./action-words.ts";
import type { Call } from "./call.ts";
import type { Command, Manifest } from "./manifest.ts";
import { buildProgram, flagNameOf } from "./program.ts";
import { pageOf } from "./terminal.ts";

/**
 * The call, or the text of help or version.
 * @throws ARGUMENT_INVALID with commander's words and suggestion
 */
export function parseWords(manifest: Manifest, words: readonly string[]): Call | string {
  let called: Call | undefined;
  let text = "";
  const command = manifest.commands.find(({ name }) => name === words[0]);
  // A wrong action is told before what is missing behind it.
  if (command !== undefined && words[1] !== undefined && !words[1].startsWith("-")) requireAction(command, words[1]);
  const { before, after, key } = cutAtDashes(manifest, words);
  const program = buildProgram(
    manifest,
    before,
    {
      write: (piece) => {
        text += piece;
      },
      columns: () => Math.min(pageOf(1, process.env).columns, 110),
    },
    (call) => {
      called = key === null ? call : { ...call, input: { ...call.input, [key]: after } };
    },
  );
  try {
    program.parse(before, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === "commander.help") return text;
    const excess = error.code === "commander.excessArguments" ? excessWord(program, command) : undefined;
    const message = command === undefined || excess === undefined ? sentence(error.message) : needless(command, excess);
    throw new PortolanError("ARGUMENT_INVALID", message, { cause: error });
  }
  if (called === undefined) return text;
  return called;
}

/** The first word too many. */
function excessWord(program: Program, command: Command | undefined): string | undefined {
  if (command === undefined) return undefined;
  const { args = [] } = program.commands.find((built) => built.name() === command.name) ?? {};
  return args[command.positional.length];
}

function needless({ name, positional, options }: Command, word: string): string {
  const flags = options.map(
    ({ key, offDescription }) => `${offDescription === undefined ? "" : "no-"}${flagNameOf(key)}`,
  );
  const meant = didYouMean(word, flags, (flag) => `--${flag}`);
  const place = positional.length === 0 ? `${name} takes no words but flags` : `${name} takes no word more`;
  return `${place}: ${quote(word)}.${meant}`;
}

/** Of a command with a switch that takes the words after `--`, when it was given: those words, and the ones before. */
function cutAtDashes(
  manifest: Manifest,
  words: readonly string[],
): { readonly before: readonly string[]; readonly after: readonly string[]; readonly key: string | null } {
  const command = manifest.commands.find(({ name }) => name === words[0]);
  const taker = command?.options.find(({ afterDashes }) => afterDashes === true);
  const dashes = words.indexOf("--");
  const given = taker === undefined ? -1 : words.indexOf(`--${flagNameOf(taker.key)}`);
  if (taker === undefined || given < 0 || (dashes >= 0 && given > dashes))
    return { before: words, after: [], key: null };
  if (dashes < 0) return { before: words, after: [], key: taker.key };
  return { before: words.slice(0, dashes), after: words.slice(dashes + 1), key: taker.key };
}

/** commander writes `error: unknown option '--prot'\n(Did you mean --port?)`. */
function sentence(message: string): string {
  const words = message.replace(/^error: /, "").replaceAll("\n", " ");
  const capital = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?!)]$/.test(capital) ? capital : `${capital}.`;
}
