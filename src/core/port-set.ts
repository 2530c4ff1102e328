/**
 * @module A set of ports: immutable, one bit per port, with the grammar that every command accepts.
 */
import { PortolanError } from "./errors.ts";
import { isPort, portCount, toPort, type Port } from "./port.ts";
import { readPortRanges, type PortNameResolver } from "./port-set-grammar.ts";

const wordCount = portCount / 32;

/** An immutable set of ports. */
export class PortSet implements Iterable<Port> {
  /** No port. */
  static #empty: PortSet | undefined;
  static #all: PortSet | undefined;

  readonly #words: Uint32Array;
  #size: number | undefined;

  private constructor(words: Uint32Array) {
    this.#words = words;
  }

  /** The set without any port. */
  static get empty(): PortSet {
    PortSet.#empty ??= new PortSet(new Uint32Array(wordCount));
    return PortSet.#empty;
  }

  /** Every port, 0 to 65535. */
  static get all(): PortSet {
    return (PortSet.#all ??= PortSet.empty.complement());
  }

  /**
   * The ports given.
   * @throws PORT_INVALID when one is not a whole number from 0 to 65535
   */
  static of(...ports: readonly number[]): PortSet {
    return PortSet.from(ports);
  }

  /**
   * The ports of a list or another iterable.
   * @throws PORT_INVALID when one is not a whole number from 0 to 65535
   */
  static from(ports: Iterable<number>): PortSet {
    const words = new Uint32Array(wordCount);
    for (const port of ports) addRange(words, toPort(port), port);
    return new PortSet(words);
  }

  /**
   * The set of a bitmap of 8,192 bytes: port p is bit p mod 8, the lowest first, of byte p / 8. The bytes are copied.
   * @throws PORT_SET_INVALID for another length
   */
  static fromBitmap(bytes: Uint8Array): PortSet {
    if (bytes.length !== portCount / 8) {
      throw new PortolanError("PORT_SET_INVALID", `A bitmap of ports has ${portCount / 8} bytes, not ${bytes.length}.`);
    }
    const words = new Uint32Array(wordCount);
    bytes.forEach((byte, index) => {
      words[index >> 2]! |= byte << ((index & 3) * 8);
    });
    return new PortSet(words);
  }

  /**
   * The ports from `first` to `last`, both included.
   * @throws PORT_INVALID when one is no port; PORT_SET_INVALID when `first` is higher than `last`
   */
  static range(first: number, last: number): PortSet {
    const words = new Uint32Array(wordCount);
    if (toPort(first) > toPort(last)) {
      throw new PortolanError(
        "PORT_SET_INVALID",
        `The range ${first}-${last} runs backwards: write ${last}-${first}.`,
        {
          details: { first, last },
        },
      );
    }
    addRange(words, first, last);
    return new PortSet(words);
  }

  /**
   * Text in the grammar of port-set-grammar.ts as a set. The empty text is refused: it is more often a mistake than a wish.
   * @param resolveName ports of a service name; without it no name is accepted
   * @throws PORT_SET_INVALID naming the part that is wrong, its position (characters counted from 1) and what is accepted
   */
  static parse(text: string, resolveName?: PortNameResolver): PortSet {
    const words = new Uint32Array(wordCount);
    readPortRanges(text, resolveName, (first, last) => addRange(words, first, last));
    return new PortSet(words);
  }

  /** How many ports are in it, 0 to 65536. */
  get size(): number {
    if (this.#size === undefined) {
      let size = 0;
      for (const word of this.#words) if (word !== 0) size += countBits(word);
      this.#size = size;
    }
    return this.#size;
  }

  /** Lowest port, `undefined` when empty. */
  get first(): Port | undefined {
    return this.#next(0);
  }

  /** Highest port, `undefined` when empty. */
  get last(): Port | undefined {
    for (let index = wordCount - 1; index >= 0; index--) {
      const word = this.#words[index]!;
      if (word !== 0) return (index * 32 + 31 - Math.clz32(word)) as Port;
    }
    return undefined;
  }

  /** True when the port is in it; false for what is no port. */
  has(port: number): boolean {
    return isPort(port) && (this.#words[port >>> 5]! & (1 << (port & 31))) !== 0;
  }

  /** Ports of either. */
  union(other: PortSet): PortSet {
    return this.#combine((index) => this.#words[index]! | other.#words[index]!);
  }

  /** Ports of both. */
  intersect(other: PortSet): PortSet {
    return this.#combine((index) => this.#words[index]! & other.#words[index]!);
  }

  /** Ports of this one that the other has not. */
  difference(other: PortSet): PortSet {
    return this.#combine((index) => this.#words[index]! & ~other.#words[index]!);
  }

  /** Every port that is not in it. */
  complement(): PortSet {
    return this.#combine((index) => ~this.#words[index]!);
  }

  /** True when both have the same ports. */
  equals(other: PortSet): boolean {
    return this.#words.every((word, index) => word === other.#words[index]);
  }

  /** Runs of neighbouring ports, ascending, each as its first and last port. */
  *ranges(): Generator<[first: Port, last: Port], void> {
    let first = this.#next(0);
    while (first !== undefined) {
      const end = this.#next(first + 1, -1) ?? portCount;
      yield [first, (end - 1) as Port];
      first = this.#next(end);
    }
  }

  /** Every port, ascending. */
  *[Symbol.iterator](): Generator<Port, void> {
    let port = this.#next(0);
    while (port !== undefined) {
      yield port;
      port = this.#next(port + 1);
    }
  }

  /** Every port in a list, ascending. */
  toArray(): Port[] {
    return [...this];
  }

  /** Canonical text: `22,80,8000-8100`, ascending, neighbours joined; empty for the empty set. */
  toString(): string {
    const parts: string[] = [];
    for (const [first, last] of this.ranges()) parts.push(first === last ? String(first) : `${first}-${last}`);
    return parts.join(",");
  }

  /** The canonical text, in JSON too. */
  toJSON(): string {
    return this.toString();
  }

  /** Lowest port from `from` on that is in the set (`flip` 0) or is not (`flip` -1). */
  #next(from: number, flip = 0): Port | undefined {
    if (from >= portCount) return undefined;
    let index = from >>> 5;
    let word = (this.#words[index]! ^ flip) & (-1 << (from & 31));
    while (word === 0) {
      index++;
      if (index === wordCount) return undefined;
      word = this.#words[index]! ^ flip;
    }
    // `word & -word` leaves the lowest set bit alone.
    return (index * 32 + 31 - Math.clz32(word & -word)) as Port;
  }

  #combine(wordAt: (index: number) => number): PortSet {
    const words = new Uint32Array(wordCount);
    for (let index = 0; index < wordCount; index++) words[index] = wordAt(index);
    return new PortSet(words);
  }
}

function addRange(words: Uint32Array, first: number, last: number): void {
  const firstWord = first >>> 5;
  const lastWord = last >>> 5;
  const head = -1 << (first & 31);
  const tail = -1 >>> (31 - (last & 31));
  if (firstWord === lastWord) {
    words[firstWord]! |= head & tail;
    return;
  }
  words[firstWord]! |= head;
  words[lastWord]! |= tail;
  words.fill(0xffff_ffff, firstWord + 1, lastWord);
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}
