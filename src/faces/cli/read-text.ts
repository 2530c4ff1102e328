/**
 * @module The text of a file that the user named; `-` is standard input.
 */
import { PortolanError } from "../../core/index.ts";
import { readTextFile, readTextStream } from "../../scan/index.ts";

/**
 * Bytes of standard input to its end, and one more chunk than allowed at most, so that the reader sees that there are too many.
 * @throws ABORTED
 */
export async function readInput(mostBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const onAbort = (): void =>
    void process.stdin.destroy(new PortolanError("ABORTED", "Reading standard input was stopped."));
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > mostBytes) break;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  return Buffer.concat(chunks);
}

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
