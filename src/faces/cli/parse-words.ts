/**
 * @module Words read by commander: the call, or help.
 */
import { CommanderError } from "commander";
import { PortolanError } from "../../core/index.ts";
import type { Call } from "./call.ts";
import type { Manifest } from "./manifest.ts";
import { buildProgram, flagNameOf } from "./program.ts";
import { pageOf } from "./terminal.ts";

/**
 * The call, or the text of help or version.
 * @throws ARGUMENT_INVALID with commander's words and suggestion
 */
export function parseWords(manifest: Manifest, words: readonly string[]): Call | string {
  let called: Call | undefined;
  let text = "";
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
    throw new PortolanError("ARGUMENT_INVALID", sentence(error.message), { cause: error });
  }
  if (called === undefined) return text;
  return called;
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
