/**
 * @module A set of ports: immutable, one bit per port, with the grammar that every command accepts.
 *
 * The grammar: parts with commas between them, spaces and tabs around the commas tolerated. A part is
 * - `80`: one port;
 * - `8000-8100` or `8000..8100`: a range, both ends included, the lower first;
 * - `..1023` or `-1023`: from 0; `49152..` or `49152-`: to 65535;
 * - `ssh`, `http-alt`: a name, resolved by the resolver that is passed in.
 *
 * A part made only of digits, dots and hyphens is numbers; any other part is one name, hyphens included. That is never
 * ambiguous, because a service name has at least one letter (RFC 6335 §5.1). Ranges between names do not exist.
 */
import { PortolanError } from "./errors.ts";
import { describePortProblem, highestPort, isPort, lowestPort, portCount, toPort, type Port } from "./port.ts";
import { clip, quote, quoteCharacterAt, shiftPositions } from "./text.ts";

/** Ports of a service name, `undefined` or none when the name is not known. */
export type PortNameResolver = (name: string) => readonly number[] | undefined;

/** Longest text that `PortSet.parse` reads, in characters: a list of all 65,536 ports, one by one, has 382,105. */
export const longestPortSetText = 400_000;

const longestName = 64;
const wordCount = portCount / 32;

/** An immutable set of ports. */
export class PortSet implements Iterable<Port> {
  /** No port. */
  static readonly empty: PortSet = new PortSet(new Uint32Array(wordCount));
  static #all: PortSet | undefined;

  readonly #words: Uint32Array;
  #size: number | undefined;

  private constructor(words: Uint32Array) {
    this.#words = words;
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
   * The ports from `first` to `last`, both included.
   * @throws PORT_INVALID when one is no port; PORT_SET_INVALID when `first` is higher than `last`
   */
  static range(first: number, last: number): PortSet {
    const words = new Uint32Array(wordCount);
    if (toPort(first) > toPort(last)) {
      throw new PortolanError("PORT_SET_INVALID", `The range ${first}-${last} runs backwards: write ${last}-${first}.`, {
        details: { first, last },
      });
    }
    addRange(words, first, last);
    return new PortSet(words);
  }

  /**
   * Text of the module's grammar as a set. The empty text is refused: it is more often a mistake than a wish.
   * @param resolveName ports of a service name; without it no name is accepted
   * @throws PORT_SET_INVALID naming the part that is wrong, its position (characters counted from 1) and what is accepted
   */
  static parse(text: string, resolveName?: PortNameResolver): PortSet {
    if (text.length > longestPortSetText) {
      throw invalid(text, 0, `it has ${text.length} characters, and at most ${longestPortSetText} are accepted`);
    }
    const words = new Uint32Array(wordCount);
    const names = new Map<string, readonly Port[]>();
    let start = 0;
    for (;;) {
      const comma = text.indexOf(",", start);
      const end = comma === -1 ? text.length : comma;
      let first = start;
      let last = end;
      while (first < last && isBlank(text.charCodeAt(first))) first++;
      while (last > first && isBlank(text.charCodeAt(last - 1))) last--;
      parsePart(text, first, last, words, names, resolveName);
      if (comma === -1) return new PortSet(words);
      start = comma + 1;
    }
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

function parsePart(
  text: string,
  start: number,
  end: number,
  words: Uint32Array,
  names: Map<string, readonly Port[]>,
  resolveName: PortNameResolver | undefined,
): void {
  if (start === end) {
    const problem = text.trim() === "" ? "it is empty" : `at character ${start + 1} a port, a range or a name is missing`;
    throw invalid(text, start, problem);
  }
  // No part that is accepted is longer than a name; a longer one is refused before anything scans it.
  if (end - start > longestName) {
    throw invalid(text, start, `the part at character ${start + 1} has more than ${longestName} characters`);
  }
  const part = text.slice(start, end);
  if (!/^[\d.-]+$/.test(part)) {
    for (const port of resolvePart(text, part, start, names, resolveName)) addRange(words, port, port);
    return;
  }
  const separator = /\.\.|-/.exec(part);
  if (separator === null) {
    const port = parseNumber(text, part, start);
    addRange(words, port, port);
    return;
  }
  const before = part.slice(0, separator.index);
  const after = part.slice(separator.index + separator[0].length);
  if (before === "" && after === "") {
    throw invalid(text, start, `${quote(part)} at character ${start + 1} has no end; write 0-65535 for every port`);
  }
  const first = before === "" ? lowestPort : parseNumber(text, before, start);
  const last = after === "" ? highestPort : parseNumber(text, after, start + part.length - after.length);
  if (first > last) {
    throw invalid(text, start, `the range ${part} at character ${start + 1} runs backwards; write ${last}-${first}`);
  }
  addRange(words, first, last);
}

function parseNumber(text: string, digits: string, start: number): number {
  const problem = describePortProblem(digits);
  if (problem === undefined) return Number(digits);
  throw invalid(text, start, `${quote(digits)} at character ${start + 1} is not a port: ${shiftPositions(problem, start)}`);
}

function resolvePart(
  text: string,
  part: string,
  start: number,
  names: Map<string, readonly Port[]>,
  resolveName: PortNameResolver | undefined,
): readonly Port[] {
  const found = names.get(part);
  if (found !== undefined) return found;
  const refused = /[^\x21-\x7e]/u.exec(part);
  if (refused !== null) {
    const at = start + refused.index;
    const advice = /\s/.test(refused[0]) ? "write a comma between parts" : "write plain digits or a service name";
    throw invalid(text, at, `character ${at + 1} is ${quoteCharacterAt(text, at)}; ${advice}`);
  }
  if (/^[+-]?\d/.test(part) || part.includes("..")) {
    // Some names start with a digit (`3com-tsmux`), so the resolver is asked before the part is called a bad number.
    const known = resolveName?.(part);
    if (known === undefined || known.length === 0) {
      const advice = part.includes("..")
        ? "the ends of a range are port numbers"
        : "a port is written in plain decimal digits, and no service has this name";
      throw invalid(text, start, `${quote(part)} at character ${start + 1} is not accepted; ${advice}`);
    }
  }
  if (resolveName === undefined) {
    throw invalid(text, start, `${quote(part)} at character ${start + 1} is a name, and only numbers are accepted here`);
  }
  const ports = resolveName(part)?.map(toPort);
  if (ports === undefined || ports.length === 0) {
    throw invalid(text, start, `${quote(part)} at character ${start + 1} is not a service name that is known`);
  }
  names.set(part, ports);
  return ports;
}

function invalid(text: string, index: number, problem: string): PortolanError {
  return new PortolanError("PORT_SET_INVALID", `${quote(text)} is not a set of ports: ${problem}.`, {
    details: { given: clip(text), position: index + 1 },
  });
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

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
