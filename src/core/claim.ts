/**
 * @module A statement with its ground: every name of a service that a user sees is a `Claim`.
 */

/**
 * What a claim rests on, weakest first.
 * - `assigned`: IANA gave this port number that name.
 * - `convention`: programs commonly use this port number that way.
 * - `inferred`: drawn from the process, its arguments or its project files.
 * - `proved`: a protocol handshake answered.
 */
export type ClaimBasis = "assigned" | "convention" | "inferred" | "proved";

/** Bases from weakest to strongest. */
export const claimBases: readonly ClaimBasis[] = ["assigned", "convention", "inferred", "proved"];

/** A value together with what it rests on and the evidence in words. */
export interface Claim<T> {
  readonly value: T;
  readonly basis: ClaimBasis;
  /** What was seen that supports the value, in one phrase, e.g. `arguments name node_modules/vite/bin/vite.js`. */
  readonly evidence: string;
}

/** Makes a claim. */
export function claim<T>(value: T, basis: ClaimBasis, evidence: string): Claim<T> {
  return { value, basis, evidence };
}

/** Orders claims strongest first; equal bases keep their order (for `Array.prototype.sort`). */
export function compareClaims(left: Claim<unknown>, right: Claim<unknown>): number {
  return claimBases.indexOf(right.basis) - claimBases.indexOf(left.basis);
}

/** The strongest of several claims, the first among equals, or `undefined` of none. */
export function strongestClaim<T>(claims: readonly Claim<T>[]): Claim<T> | undefined {
  let strongest: Claim<T> | undefined;
  for (const candidate of claims) {
    if (strongest === undefined || compareClaims(candidate, strongest) < 0) strongest = candidate;
  }
  return strongest;
}
