/**
 * @module The reader's pace: waits for Enter on a terminal.
 */
import { createInterface } from "node:readline/promises";

/** What the reader wants: the next page, no more of it (`q` or the end of input), or everything ended (Ctrl-C). */
export type ReaderWish = "next" | "stop" | "interrupt";

/** Shows a prompt on standard error and waits for a line on standard input. */
export async function waitForEnter(signal: AbortSignal): Promise<ReaderWish> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  let closedAs: ReaderWish = "stop";
  const closed = new Promise<ReaderWish>((resolve) => reader.once("close", () => resolve(closedAs)));
  reader.once("SIGINT", () => {
    closedAs = "interrupt";
    reader.close();
  });
  const answered = reader
    .question("— Enter for more, q to stop — ", { signal })
    .then((answer): ReaderWish => (answer.trim().toLowerCase() === "q" ? "stop" : "next"))
    .catch((): ReaderWish => "interrupt");
  try {
    return await Promise.race([answered, closed]);
  } finally {
    reader.close();
  }
}
