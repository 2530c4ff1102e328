/**
 * @module How far two words are apart, for "did you mean".
 */

/** Letters to insert, take away or replace (Levenshtein). */
export function countEdits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 1; index <= one.length; index++) {
    const next = [index];
    for (let column = 1; column <= other.length; column++) {
      const same = one[index - 1] === other[column - 1] ? 0 : 1;
      next.push(Math.min(row[column]! + 1, next[column - 1]! + 1, row[column - 1]! + same));
    }
    row = next;
  }
  return row[other.length]!;
}

/** Longer words are not compared, characters. */
const longestWord = 64;

/** The name that a mistyped one is likely to mean; `undefined` when none is near. Case does not matter. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const short = wanted.slice(0, longestWord).toLowerCase();
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(short.length / 2.5)) + 1;
  for (const name of names) {
    const other = name.slice(0, longestWord).toLowerCase();
    // A word that was cut short or drawn out is as near as one with a slip of the finger.
    const related = short.length > 2 && (other.startsWith(short) || short.startsWith(other));
    const edits = related ? Math.min(1, countEdits(short, other)) : countEdits(short, other);
    if (edits >= fewest) continue;
    fewest = edits;
    nearest = name;
  }
  return nearest;
}
