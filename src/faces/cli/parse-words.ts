/**
 * @module Words read by commander: the call, or help.
 */
import { CommanderError } from "commander";
import { PortolanError } from "../../core/index.ts";
import type { Call } from "./call.ts";
import type { Manifest } from "./manifest.ts";
import { buildProgram } from "./program.ts";
import { pageOf } from "./terminal.ts";

/**
 * The call, or the text of help or version.
 * @throws ARGUMENT_INVALID with commander's words and suggestion
 */
export function parseWords(manifest: Manifest, words: readonly string[]): Call | string {
  let called: Call | undefined;
  let text = "";
  const program = buildProgram(
    manifest,
    words,
    {
      write: (piece) => {
        text += piece;
      },
      columns: () => Math.min(pageOf(1, process.env).columns, 110),
    },
    (call) => {
      called = call;
    },
  );
  try {
    program.parse(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === "commander.help") return text;
    throw new PortolanError("ARGUMENT_INVALID", sentence(error.message), { cause: error });
  }
  if (called === undefined) return text;
  return called;
}

/** commander writes `error: unknown option '--prot'\n(Did you mean --port?)`. */
function sentence(message: string): string {
  const words = message.replace(/^error: /, "").replaceAll("\n", " ");
  const capital = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.?!)]$/.test(capital) ? capital : `${capital}.`;
}
