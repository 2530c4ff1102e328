/**
 * @module The reader's pace: waits for Enter on a terminal.
 */
import { createInterface } from "node:readline/promises";

/**
 * Shows a prompt on standard error and waits for a line on standard input.
 * @returns false when the reader stops (`q`, end of input, or the signal)
 */
export async function waitForEnter(signal: AbortSignal): Promise<boolean> {
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  reader.on("SIGINT", () => reader.close());
  const closed = new Promise<string>((resolve) => reader.once("close", () => resolve("q")));
  try {
    const answer = await Promise.race([reader.question("— Enter for more, q to stop — ", { signal }), closed]);
    return answer.trim().toLowerCase() !== "q";
  } catch {
    return false;
  } finally {
    reader.close();
  }
}
