/**
 * @module Reads a list that a user named: a file, a pipe or a stream, bounded.
 */
import { createReadStream } from "node:fs";
import { PortolanError, quote } from "../core/index.ts";

/** Most bytes that are read: a line for each address of a /12. */
const mostBytes = 16 * 1024 * 1024;

/**
 * The text of a file or named pipe, as UTF-8 without a byte order mark.
 * @throws FILE_UNREADABLE when it is missing, not permitted, a folder, or larger than 16 MiB; ABORTED
 */
export async function readTextFile(path: string, signal?: AbortSignal): Promise<string> {
  if (path.includes("\0")) throw unreadable(path, "its name has a NUL character");
  return readTextStream(createReadStream(path, signal === undefined ? {} : { signal }), path);
}

/**
 * The text of a stream.
 * @param name how the user calls it
 * @throws FILE_UNREADABLE; ABORTED
 */
export async function readTextStream(stream: AsyncIterable<Uint8Array | string>, name: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const piece of stream) {
      const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
      length += bytes.length;
      if (length > mostBytes) throw unreadable(name, `it has more than ${mostBytes} bytes`);
      pieces.push(bytes);
    }
  } catch (error) {
    if (error instanceof PortolanError) throw error;
    const { code, name: kind } = error as NodeJS.ErrnoException;
    if (kind === "AbortError") {
      throw new PortolanError("ABORTED", `Reading ${quote(name)} was stopped.`, { cause: error });
    }
    throw unreadable(name, reasons[code ?? ""] ?? String(code), error);
  }
  const text = Buffer.concat(pieces).toString("utf8");
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "you may not read it",
  EISDIR: "it is a folder",
  ENAMETOOLONG: "its name is too long",
};

function unreadable(name: string, reason: string, cause?: unknown): PortolanError {
  return new PortolanError("FILE_UNREADABLE", `${quote(name)} cannot be read: ${reason}.`, {
    details: { file: name },
    cause,
  });
}
