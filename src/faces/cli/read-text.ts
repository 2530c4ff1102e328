/**
 * @module The text of a file that the user named; `-` is standard input.
 */
import { readTextFile, readTextStream } from "../../scan/index.ts";

/** @throws FILE_UNREADABLE, ABORTED */
export async function readText(path: string, signal: AbortSignal): Promise<string> {
  if (path !== "-") return readTextFile(path, signal);
  const onAbort = (): void => void process.stdin.destroy(new DOMException("Stopped.", "AbortError"));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await readTextStream(process.stdin, "standard input");
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
