/**
 * @module Runs of neighbouring addresses: networks and ranges, merged and subtracted without listing them.
 */
import { addressToNumber, bitsOfFamily, type IpFamily } from "../core/index.ts";

/** Addresses from `first` to `last`, by number, of one zone (0: none). */
export interface Span {
  readonly family: IpFamily;
  readonly scopeId: number;
  readonly first: bigint;
  readonly last: bigint;
}

/** All addresses of a network. */
export function networkSpan(address: string, prefixLength: number, scopeId: number): Span {
  const family: IpFamily = address.includes(":") ? "ipv6" : "ipv4";
  const hostBits = BigInt(bitsOfFamily(family) - prefixLength);
  const first = (addressToNumber(address) >> hostBits) << hostBits;
  return { family, scopeId, first, last: first + (1n << hostBits) - 1n };
}

function compareSpans(left: Span, right: Span): number {
  if (left.family !== right.family) return left.family < right.family ? -1 : 1;
  if (left.scopeId !== right.scopeId) return left.scopeId - right.scopeId;
  return left.first < right.first ? -1 : left.first > right.first ? 1 : 0;
}

function sameSpace(left: Span, right: Span): boolean {
  return left.family === right.family && left.scopeId === right.scopeId;
}

/** Sorted, with what overlaps or touches made one. */
export function mergeSpans(spans: readonly Span[]): Span[] {
  const merged: Span[] = [];
  for (const span of spans.toSorted(compareSpans)) {
    const last = merged.at(-1);
    if (last !== undefined && sameSpace(last, span) && span.first <= last.last + 1n) {
      if (span.last > last.last) merged[merged.length - 1] = { ...last, last: span.last };
    } else {
      merged.push(span);
    }
  }
  return merged;
}

/** What is in the first list and not in the second; both merged. */
export function subtractSpans(spans: readonly Span[], taken: readonly Span[]): Span[] {
  const left: Span[] = [];
  for (const span of spans) {
    let first = span.first;
    for (const hole of taken) {
      // An exclusion without zone holds for every zone.
      if (hole.family !== span.family || (hole.scopeId !== 0 && hole.scopeId !== span.scopeId)) continue;
      if (hole.last < first || hole.first > span.last) continue;
      if (hole.first > first) left.push({ ...span, first, last: hole.first - 1n });
      first = hole.last + 1n;
    }
    if (first <= span.last) left.push({ ...span, first });
  }
  return left;
}

/** How many addresses they hold. */
export function countAddresses(spans: readonly Span[]): bigint {
  return spans.reduce((sum, { first, last }) => sum + (last - first + 1n), 0n);
}
