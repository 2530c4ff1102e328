/**
 * @module Asks a yes-or-no question on the terminal. Anything but y or yes is a no.
 */
import { createInterface } from "node:readline/promises";

/** Asks on standard error and waits for a line on standard input; the end of input, Ctrl-C and the signal are a no. */
export async function askYesOrNo(question: string, signal: AbortSignal): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<string>((resolve) => reader.once("close", () => resolve("")));
  reader.once("SIGINT", () => reader.close());
  try {
    const answered = reader.question(`${question} [y/N] `, { signal }).catch(() => "");
    const answer = await Promise.race([answered, closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    reader.close();
  }
}
