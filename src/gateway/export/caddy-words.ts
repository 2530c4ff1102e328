/**
 * @module Words of a Caddyfile, written so that they are one word and mean themselves.
 */

/** A text in quotes: a quote takes a backslash, and so does a brace, which would begin a placeholder. A backslash before anything else stays. */
export function caddyText(text: string): string {
  if (/^[\w./:@+-]+$/.test(text)) return text;
  return `"${text.replaceAll(/["{}]/g, String.raw`\$&`)}"`;
}

/** A text as a part of a regular expression of Go's; no backslash, and no brace. */
export function caddyPattern(text: string): string {
  return text.replaceAll(/[^\w/-]/g, (character) => {
    if (character === ".") return String.raw`\.`;
    const code = character.codePointAt(0)!.toString(16);
    return code.length <= 2 ? `[${String.raw`\x${code.padStart(2, "0")}`}]` : ".";
  });
}
