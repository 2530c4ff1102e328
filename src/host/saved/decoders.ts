/**
 * @module Checks of values that came from a file: each makes a new value of what it knows and drops the rest, or says where it failed.
 */
import { PortolanError, quote } from "../../core/index.ts";

/** Makes a value of something unknown. */
export type Decoder<T> = (value: unknown) => T;

/** What was wrong, and where: gathered from the inside out. */
class Mismatch extends Error {
  readonly expected: string;
  path: string;

  constructor(expected: string) {
    super(expected);
    this.expected = expected;
    this.path = "";
  }
}

/** Says what should have been there. */
export function mismatch(expected: string): never {
  throw new Mismatch(expected);
}

function within<T>(step: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Mismatch) error.path = step + error.path;
    throw error;
  }
}

/**
 * Runs a decoder.
 * @throws SNAPSHOT_INVALID naming the place and what was expected there
 */
export function decodeDocument<T>(value: unknown, decoder: Decoder<T>): T {
  try {
    return decoder(value);
  } catch (error) {
    if (!(error instanceof Mismatch)) throw error;
    const place = error.path === "" ? "the document" : error.path.replace(/^\./, "");
    throw new PortolanError("SNAPSHOT_INVALID", `It is no snapshot: ${place} should be ${error.expected}.`, {
      details: { path: place, expected: error.expected },
    });
  }
}

/** Text of at most so many characters. */
export function text(longest = 4096): Decoder<string> {
  return (value) =>
    typeof value === "string" && value.length <= longest ? value : mismatch(`text of at most ${longest} characters`);
}

/** A whole number. */
export function integer(lowest: number, highest: number): Decoder<number> {
  return (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= lowest && value <= highest
      ? value
      : mismatch(`a whole number from ${lowest} to ${highest}`);
}

/** True or false. */
export const boolean: Decoder<boolean> = (value) => (typeof value === "boolean" ? value : mismatch("true or false"));

/** One of some words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Decoder<Word> {
  const known = new Set<unknown>(words);
  return (value) =>
    known.has(value) ? (value as Word) : mismatch(`one of ${words.map((word) => quote(word)).join(", ")}`);
}

/** A list of at most so many. */
export function listOf<T>(item: Decoder<T>, most = 4_000_000): Decoder<T[]> {
  return (value) => {
    if (!Array.isArray(value) || value.length > most) mismatch(`a list of at most ${most}`);
    return (value as unknown[]).map((entry, index) => within(`[${index}]`, () => item(entry)));
  };
}

/** An object with these entries. */
export function object<Entries extends Readonly<Record<string, Decoder<unknown>>>>(
  entries: Entries,
): Decoder<{ [Key in keyof Entries]: ReturnType<Entries[Key]> }> {
  const names = Object.keys(entries);
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) mismatch("an object");
    const result: Record<string, unknown> = {};
    for (const name of names) {
      const given: unknown = Object.hasOwn(value as object, name)
        ? (value as Record<string, unknown>)[name]
        : undefined;
      const decoded = within(`.${name}`, () => entries[name]!(given));
      if (decoded !== undefined) result[name] = decoded;
    }
    return result as { [Key in keyof Entries]: ReturnType<Entries[Key]> };
  };
}

/** Or nothing. */
export function nullable<T>(decoder: Decoder<T>): Decoder<T | null> {
  return (value) => (value === null ? null : decoder(value));
}

/** Or not there. */
export function optional<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return (value) => (value === undefined ? undefined : decoder(value));
}
