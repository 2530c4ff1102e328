/**
 * @module A number in place of an inode, for sockets that the system gives none: the same in every look as long as they live.
 */

/** Gives out numbers. */
export interface SocketNumbers {
  /** A number for a socket that this text describes; another for the second of the same text, and so on. */
  numberOf(identity: string): number;
}

/** For one look. */
export function createSocketNumbers(): SocketNumbers {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const copies = new Map<string, number>();
  return {
    numberOf(identity) {
      const copy = copies.get(identity) ?? 0;
      copies.set(identity, copy + 1);
      // 48 bits of a hash: a number holds them exactly, and two of 100,000 sockets share one in a case of 50,000.
      return createHash("sha256").update(`${copy} ${identity}`).digest().readUIntBE(0, 6) + 1;
    },
  };
}
