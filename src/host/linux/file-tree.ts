/**
 * @module Bounded reads of small kernel files, live or under the root of a saved machine.
 */
import { closeSync, openSync, readFileSync, readSync, readdirSync, readlinkSync } from "node:fs";
import { unknown, type Known } from "../../core/index.ts";

/** Most bytes read of a file where nothing else is said. */
const longestFile = 1 << 20;

const pageSizeBytes = 4096;

let scratch: Buffer | undefined;

/** Files below one root. Paths are absolute, such as `/proc/net/tcp`. */
export interface FileTree {
  /** Put before every path; `""` for the live machine. */
  readonly root: string;
  /** The `net` folder of a process, to read another network namespace than the reader's own, e.g. `/proc/4711/net`. */
  readonly networkFolder?: string;
}

/** The tables of the namespace in which this very thread is. `/proc/net` has those of the process's first thread. */
export const ownNetworkFolder = "/proc/thread-self/net";

/** Path of one of a network namespace's tables, such as `tcp` or `route`. */
export function networkFile(tree: FileTree, name: string): string {
  return `${tree.networkFolder ?? "/proc/net"}/${name}`;
}

/**
 * The first bytes of a file. The answer is a view of a buffer that the next call overwrites.
 * @param limitBytes reads no more than this; default 1 MiB
 * @throws the system's error (ENOENT, EACCES, ESRCH …)
 */
export function readBytes(path: string, limitBytes = longestFile): Buffer {
  // procfs says size 0 for every file, so the end is found by reading until nothing comes.
  const descriptor = openSync(path, "r");
  try {
    let buffer = (scratch ??= Buffer.allocUnsafeSlow(1 << 14));
    let length = 0;
    while (length < limitBytes) {
      if (length === buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(buffer.length * 4, Math.max(limitBytes, 1 << 14)));
        buffer.copy(larger, 0, 0, length);
        scratch = buffer = larger;
      }
      const count = readSync(descriptor, buffer, length, Math.min(buffer.length, limitBytes) - length, null);
      if (count === 0) break;
      length += count;
    }
    return buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

/** A file as text, or `undefined` when it cannot be read. */
export function readText(tree: FileTree, path: string, limitBytes = longestFile): string | undefined {
  try {
    // One call instead of four; what the kernel writes into such a file fits a page, which a saved file need not keep to.
    if (tree.root === "" && limitBytes <= pageSizeBytes) return readFileSync(path, "utf8");
    return readBytes(tree.root + path, limitBytes).toString("utf8");
  } catch {
    return undefined;
  }
}

/** Where a symbolic link points, or `undefined` when it cannot be read. */
export function readLink(tree: FileTree, path: string): string | undefined {
  try {
    return readlinkSync(tree.root + path);
  } catch {
    return undefined;
  }
}

/** Names in a folder, or `undefined` when it cannot be read. */
export function readNames(tree: FileTree, path: string): string[] | undefined {
  try {
    return readdirSync(tree.root + path);
  } catch {
    return undefined;
  }
}

/** The system's name of an error, such as `ENOENT`; `""` when it has none. */
export function errorCodeOf(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error ? String(error.code) : "";
}

/** What a failed read of a process's file means for the fact that stood in it. */
export function unknownBecause(error: unknown): Known<never> {
  const code = errorCodeOf(error);
  if (code === "EACCES" || code === "EPERM") return unknown("permission");
  return unknown(code === "ENOENT" || code === "ESRCH" ? "gone" : "unsupported");
}

/** Process ids of a `/proc`, ascending. */
export function readProcessIds(tree: FileTree): number[] | undefined {
  const names = readNames(tree, "/proc");
  if (names === undefined) return undefined;
  const ids: number[] = [];
  for (const name of names) {
    const first = name.charCodeAt(0);
    if (first >= 49 && first <= 57 && /^\d{1,10}$/.test(name)) ids.push(Number(name));
  }
  return ids.sort((a, b) => a - b);
}
