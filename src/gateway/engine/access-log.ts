/**
 * @module Each request as a line of JSON in a file.
 */
import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { PortolanError } from "../../core/index.ts";
import type { Traces } from "./trace.ts";

/** A disk that does not keep up loses lines, not requests: at most so many bytes wait. */
const mostWaitingBytes = 4 * 1024 * 1024;

/**
 * Begins to write.
 * @returns ends it
 * @throws GATEWAY_FAILED when the file cannot be opened
 */
export async function openAccessLog(path: string, traces: Traces): Promise<() => Promise<void>> {
  const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
  try {
    await once(stream, "open");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new PortolanError("GATEWAY_FAILED", `The access log ${path} cannot be written (${why}).`, { cause });
  }
  let failed = false;
  stream.on("error", () => (failed = true));
  const end = traces.listen(({ atMs, ...trace }) => {
    if (failed || stream.writableLength > mostWaitingBytes) return;
    stream.write(`${JSON.stringify({ at: new Date(atMs).toISOString(), ...trace })}\n`);
  });
  return async () => {
    end();
    if (failed) return;
    stream.end();
    await once(stream, "close");
  };
}
