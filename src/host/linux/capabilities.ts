/**
 * @module The capabilities of this process (capabilities(7)), as /proc/self/status tells them.
 */
import { readText, type FileTree } from "./file-tree.ts";

/** Bits of CapEff that Portolan asks about (include/uapi/linux/capability.h). */
export const capabilities = {
  kill: 1n << 5n,
  bindPrivileged: 1n << 10n,
  trace: 1n << 19n,
  administer: 1n << 21n,
  monitor: 1n << 38n,
  loadPrograms: 1n << 39n,
} as const;

/** The effective set as bits, or `undefined` when it cannot be read. */
export function readCapabilities(tree: FileTree = { root: "" }): bigint | undefined {
  const match = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec(readText(tree, "/proc/self/status", 4096) ?? "");
  return match === null ? undefined : BigInt(`0x${match[1]}`);
}
