/**
 * @module How far two words are apart, for "did you mean".
 */

/** Letters to insert, take away, replace or exchange with their neighbour (Damerau and Levenshtein, each place changed once). */
export function countEdits(one: string, other: string): number {
  let before: number[] = [];
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 1; index <= one.length; index++) {
    const next = [index];
    for (let column = 1; column <= other.length; column++) {
      const same = one[index - 1] === other[column - 1] ? 0 : 1;
      let edits = Math.min(row[column]! + 1, next[column - 1]! + 1, row[column - 1]! + same);
      if (index > 1 && column > 1 && one[index - 1] === other[column - 2] && one[index - 2] === other[column - 1])
        edits = Math.min(edits, before[column - 2]! + 1);
      next.push(edits);
    }
    before = row;
    row = next;
  }
  return row[other.length]!;
}

/** Longer words are not compared, characters. */
const longestWord = 64;

/** The name that a mistyped or shortened one is likely to mean; `undefined` when none is near. Case does not matter. */
export function nearestName(wanted: string, names: readonly string[]): string | undefined {
  const short = wanted.slice(0, longestWord).toLowerCase();
  let nearest: string | undefined;
  let fewest = Math.max(1, Math.floor(short.length / 2.5)) + 1;
  for (const name of names) {
    const edits = countEdits(short, name.slice(0, longestWord).toLowerCase());
    if (edits >= fewest || edits >= short.length) continue;
    fewest = edits;
    nearest = name;
  }
  return nearest ?? (short.length < 3 ? undefined : names.find((name) => name.toLowerCase().startsWith(short)));
}
