/**
 * @module Reads a project's files: bounded, once each, never blocked by a pipe or a device, and nothing that is no text.
 */
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from "node:fs";
import { isUtf8 } from "node:buffer";
import type { SourceText } from "./source-text.ts";

/** Most bytes of one file. */
const largestFileBytes = 8 << 20;
/** Most bytes of all files of one check together. */
const largestProjectBytes = 256 << 20;

/** A file, or why there is none. */
export type FileReading =
  | { readonly source: SourceText }
  /** `absent` is true when there is no such file, and false when there is one that cannot be read. */
  | { readonly absent: boolean; readonly reason: string };

/** The files of one check. */
export class ProjectFiles {
  readonly #readings = new Map<string, FileReading>();
  #bytes = 0;

  /** Reads a file of text. @param path absolute */
  read(path: string): FileReading {
    let reading = this.#readings.get(path);
    if (reading === undefined) {
      reading = this.#readNew(path);
      this.#readings.set(path, reading);
    }
    return reading;
  }

  /** The file, or `undefined` for any reason. */
  tryRead(path: string): SourceText | undefined {
    const reading = this.read(path);
    return "source" in reading ? reading.source : undefined;
  }

  /** Whether there is a file of that name, of whatever content. */
  has(path: string): boolean {
    try {
      return statSync(path).isFile();
    } catch {
      return false;
    }
  }

  #readNew(path: string): FileReading {
    if (path.length > 4096 || path.includes("\0")) return { absent: true, reason: "that is no name of a file" };
    let descriptor: number | undefined;
    try {
      // O_NONBLOCK: opening a pipe without a writer would otherwise wait for ever.
      descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
      const stats = fstatSync(descriptor);
      if (!stats.isFile()) return { absent: false, reason: "it is no ordinary file" };
      if (stats.size > largestFileBytes)
        return { absent: false, reason: `it is larger than ${largestFileBytes >> 20} MiB` };
      if (this.#bytes + stats.size > largestProjectBytes)
        return { absent: false, reason: "the files together are too large" };
      const bytes = Buffer.alloc(stats.size);
      let length = 0;
      while (length < bytes.length) {
        const count = readSync(descriptor, bytes, length, bytes.length - length, null);
        if (count === 0) break;
        length += count;
      }
      this.#bytes += length;
      const content = bytes.subarray(0, length);
      if (content.includes(0) || !isUtf8(content)) return { absent: false, reason: "it is no text in UTF-8" };
      return { source: { path, text: content.toString("utf8") } };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? "";
      const absent = ["ENOENT", "ENOTDIR", "ELOOP"].includes(code);
      return { absent, reason: reasons[code] ?? `it cannot be read (${code || "unknown"})` };
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  ELOOP: "its symbolic links lead round in a circle",
  EACCES: "you may not read it",
  EISDIR: "it is a folder",
};
