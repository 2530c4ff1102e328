/**
 * @module Whether a directory is a member of a workspace: the patterns of package.json and pnpm-workspace.yaml.
 */

/**
 * True when a relative path matches one of the patterns and none of the `!` patterns. `*` stands for any part of one
 * element, `**` for any number of elements; `./` in front and `/` at the end are ignored. Braces are not understood.
 */
export function matchesGlob(patterns: readonly string[], path: string): boolean {
  const elements = path.split("/");
  let matched = false;
  for (const pattern of patterns) {
    const excluding = pattern.startsWith("!");
    const positive = pattern
      .slice(excluding ? 1 : 0)
      .replace(/^\.\//, "")
      .replace(/\/$/, "");
    if (positive.length > 1024) continue;
    if (matchSequence(positive.split("/"), elements, "**", matchElement)) {
      if (excluding) return false;
      matched = true;
    }
  }
  return matched;
}

function matchElement(pattern: string, element: string): boolean {
  if (!pattern.includes("*")) return pattern === element;
  return matchSequence(pattern.split(""), element.slice(0, 256).split(""), "*", (left, right) => left === right);
}

/** Greedy match with one point of return: at most |pattern| × |items| steps. */
function matchSequence(
  pattern: readonly string[],
  items: readonly string[],
  any: string,
  equal: (pattern: string, item: string) => boolean,
): boolean {
  let at = 0;
  let item = 0;
  let starAt = -1;
  let starItem = 0;
  while (item < items.length) {
    if (at < pattern.length && pattern[at] === any) {
      starAt = at++;
      starItem = item;
    } else if (at < pattern.length && equal(pattern[at]!, items[item]!)) {
      at++;
      item++;
    } else if (starAt >= 0) {
      at = starAt + 1;
      item = ++starItem;
    } else return false;
  }
  while (at < pattern.length && pattern[at] === any) at++;
  return at === pattern.length;
}
