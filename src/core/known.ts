/**
 * @module A fact that may be out of sight: `Known<T>` says the value or why it could not be read.
 */

/**
 * Why a fact could not be read.
 * - `permission`: it exists, but this user may not see it.
 * - `gone`: what it belonged to ended while it was being read.
 * - `unsupported`: this platform or reader has no way to tell.
 */
export type UnknownReason = "permission" | "gone" | "unsupported";

/** A value that was read, or the reason why it was not. Never an empty string or list in its place. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: UnknownReason };

/** Wraps a value that was read. */
export function known<T>(value: T): Known<T> {
  return { known: true, value };
}

/** Says why a value could not be read. */
export function unknown(why: UnknownReason): Known<never> {
  return { known: false, why };
}

/** The value when it is known, otherwise `fallback`. */
export function knownOr<T, F>(fact: Known<T>, fallback: F): T | F {
  return fact.known ? fact.value : fallback;
}
