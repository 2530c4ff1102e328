/**
 * @module Files of snapshots: read with a limit, written whole or not at all, for their owner alone. A name that ends in .gz is compressed.
 */
import { closeSync, constants, existsSync, fstatSync, lstatSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { PortolanError, quote } from "../core/index.ts";
import { findReplaceable, replaceFile, storeFailure } from "./plain-file.ts";

/** Most bytes of a snapshot, read or unpacked: some 600,000 sockets. */
export const largestSnapshotBytes = 256 * 1024 * 1024;

/** First bytes of a gzip file (RFC 1952 §2.3.1). */
const gzipMagic = [0x1f, 0x8b] as const;

/**
 * The text of a snapshot's file, unpacked when it is compressed, whatever its name.
 * @throws FILE_UNREADABLE when it is missing, not permitted or no plain file; SNAPSHOT_INVALID when it is larger than 256 MiB or broken
 */
export function readSnapshotText(path: string): string {
  return unpackSnapshot(readBytes(path), path);
}

/**
 * Bytes of a snapshot as text.
 * @param name how the user calls where they came from
 * @throws SNAPSHOT_INVALID
 */
export function unpackSnapshot(bytes: Buffer, name: string): string {
  if (bytes.length > largestSnapshotBytes) throw tooLarge(name);
  if (bytes[0] !== gzipMagic[0] || bytes[1] !== gzipMagic[1]) return bytes.toString("utf8");
  try {
    return gunzipSync(bytes, { maxOutputLength: largestSnapshotBytes }).toString("utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(name);
    throw new PortolanError("SNAPSHOT_INVALID", `${quote(name)} is no whole gzip file.`, { cause: error });
  }
}

/**
 * Writes a snapshot.
 * @returns bytes written
 * @throws SNAPSHOT_EXISTS when there is such a file and it is not to be replaced; STORE_FAILED
 */
export function writeSnapshotText(path: string, text: string, { replace }: { readonly replace: boolean }): number {
  if (!existsSync(dirname(path))) throw storeFailure(path, "could not be written: there is no such folder");
  const there = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  if (!replace && there) {
    throw new PortolanError("SNAPSHOT_EXISTS", `${quote(path)} is there already.`, { details: { path } });
  }
  const content = path.endsWith(".gz") ? gzipSync(text) : Buffer.from(text);
  replaceFile(there ? findReplaceable(path) : path, content);
  return content.length;
}

function readBytes(path: string): Buffer {
  let descriptor: number;
  try {
    if (path.includes("\0")) throw Object.assign(new Error("NUL"), { code: "a NUL character in its name" });
    // A pipe without a writer would otherwise be waited for.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    throw unreadable(path, (error as NodeJS.ErrnoException).code ?? "no reason told", error);
  }
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) throw unreadable(path, "it is no plain file");
    if (status.size > largestSnapshotBytes) throw tooLarge(path);
    const bytes = Buffer.allocUnsafe(status.size);
    let length = 0;
    while (length < bytes.length) {
      const count = readSync(descriptor, bytes, length, bytes.length - length, null);
      if (count === 0) break;
      length += count;
    }
    return bytes.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(path: string, why: string, cause?: unknown): PortolanError {
  return new PortolanError("FILE_UNREADABLE", `${quote(path)} cannot be read: ${why}.`, { details: { path }, cause });
}

function tooLarge(name: string): PortolanError {
  return new PortolanError("SNAPSHOT_INVALID", `${quote(name)} has more than ${largestSnapshotBytes >> 20} MiB.`, {
    details: { largestBytes: largestSnapshotBytes },
  });
}
