/**
 * @module Reads the first bytes of a file that somebody else wrote: bounded, and never blocked by a pipe or a device.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/** Most bytes read of an ordinary project file. */
export const fileLimitBytes = 65_536;
/** Most bytes read of a package.json, which can hold a long list of dependencies. */
export const packageLimitBytes = 1_048_576;

/**
 * The first `limitBytes` of a regular file as UTF-8, without a byte order mark; `undefined` when there is no such file,
 * it may not be read or it is not a regular file. A cut character at the end becomes U+FFFD.
 */
export function readBounded(path: string, limitBytes: number = fileLimitBytes): string | undefined {
  // A NUL byte would make openSync throw; the kernel's longest path is 4,096 bytes.
  if (path.length > 4096 || path.includes("\0")) return undefined;
  let descriptor: number | undefined;
  try {
    // O_NONBLOCK: opening a pipe without a writer would otherwise wait for ever.
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const stats = fstatSync(descriptor);
    if (!stats.isFile()) return undefined;
    // Files of /proc say size 0, therefore at least one page is asked for.
    const buffer = Buffer.allocUnsafe(Math.min(limitBytes, Math.max(stats.size, 4096)));
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    const text = buffer.toString("utf8", 0, length);
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  } catch {
    // Not there, not permitted, or gone while reading: all the same to a search for a name.
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
