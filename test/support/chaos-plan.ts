/**
 * @module What a peer of a chaotic conversation does, drawn from a seed: how much it says and in which pieces, how it reads, and whether it comes to
 * its end. The bytes are a pattern that neither a block's size nor a power of two divides, so that what is lost, doubled or moved shows.
 */

/** What one side of a connection does. All sizes are bytes. */
export interface PeerPlan {
  /** Behind its number, which is what it says first ({@link numberBytes}). */
  readonly sizeBytes: number;
  /** Largest piece that it writes. */
  readonly pieceBytes: number;
  readonly startAfterMs: number;
  /** It says nothing until the other side has ended: a half-closed connection. */
  readonly waitsForEnd: boolean;
  /** How many of a hundred pieces it rests before. */
  readonly restPercent: number;
  /** How it reads: all that comes, in sips, or not at all for some time once so much has come. */
  readonly reading:
    | { readonly kind: "eager" }
    | { readonly kind: "sips" }
    | { readonly kind: "stall"; readonly atBytes: number; readonly forMs: number };
  /** How and when it goes before its end; `close` is what a process's end does to its sockets. */
  readonly cut: PeerCut | null;
}

export interface PeerCut {
  readonly how: "reset" | "close";
  readonly when: "sent" | "received" | "ms";
  readonly at: number;
}

/** How long the number is that each side begins with. */
export const numberBytes = 4;

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A prime above 1 MiB: bytes until the pattern comes again. */
const periodBytes = 1_048_583;
const pattern = ((): Buffer => {
  const next = seededNumbers(9);
  const words = Uint32Array.from({ length: Math.ceil(periodBytes / 4) }, () => next() * 2 ** 32);
  const once = Buffer.from(words.buffer).subarray(0, periodBytes);
  return Buffer.concat([once, once]);
})();

/** Bytes of the stream of that number, without copying. @param length at most 1 MiB */
export function patternOf(number: number, offset: number, length: number): Buffer {
  const start = (number * 7919 + offset) % periodBytes;
  return pattern.subarray(start, start + length);
}

/** Where bytes are not the stream's, counted in the stream; `null` when all of them are. */
export function findWrong(number: number, offset: number, bytes: Buffer): number | null {
  for (let done = 0; done < bytes.length;) {
    const wanted = patternOf(number, offset + done, Math.min(bytes.length - done, periodBytes));
    const part = bytes.subarray(done, done + wanted.length);
    if (!part.equals(wanted)) return offset + done + part.findIndex((byte, index) => byte !== wanted[index]);
    done += wanted.length;
  }
  return null;
}

/** Draws what a side does. @param waits whether this side may wait for the other's end: only one of the two can */
export function drawPlan(random: () => number, { waits, orderly }: { waits: boolean; orderly: boolean }): PeerPlan {
  const upTo = (most: number): number => Math.floor(random() * (most + 1));
  const oneOf = <T>(...choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!;
  const sizeBytes = oneOf(0, upTo(40), upTo(2000), upTo(70_000), upTo(300_000), upTo(2_000_000), upTo(2_000_000));
  const largeBytes = random() < 0.05 ? 12_000_000 : sizeBytes;
  const pieceBytes = sizeBytes <= 40 ? 1 : oneOf(1500, 16_384, 65_536, 65_537, 400_000);
  const cuts = !orderly && random() < 0.35;
  return {
    sizeBytes: pieceBytes > 16_384 ? largeBytes : sizeBytes,
    pieceBytes,
    startAfterMs: random() < 0.2 ? upTo(60) : 0,
    waitsForEnd: waits && random() < 0.3,
    restPercent: oneOf(0, 0, 5, 30),
    reading: oneOf<PeerPlan["reading"]>(
      { kind: "eager" },
      { kind: "eager" },
      { kind: "sips" },
      { kind: "stall", atBytes: upTo(100_000), forMs: 50 + upTo(250) },
    ),
    cut: cuts
      ? oneOf<PeerCut>(
          { how: oneOf("reset", "close"), when: "sent", at: upTo(sizeBytes) },
          { how: oneOf("reset", "close"), when: "received", at: upTo(oneOf(100, 100_000, 2_000_000)) },
          { how: oneOf("reset", "close"), when: "ms", at: upTo(oneOf(2, 50, 300)) },
        )
      : null,
  };
}
