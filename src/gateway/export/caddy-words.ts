/**
 * @module Words of a Caddyfile, written so that they are one word and mean themselves.
 */

/** A text as one token: between backticks everything is what it is. Braces, which begin placeholders, have no way to be written. */
export function caddyText(text: string): string {
  if (/^[\w./:@+-]+$/.test(text)) return text;
  return /["\\]/.test(text) ? `\`${text}\`` : `"${text}"`;
}

/** Whether a text can be one token: no placeholder, and nothing that ends both kinds of quotes. */
export function isCaddyText(text: string): boolean {
  return !/[{}]/.test(text) && !(text.includes("`") && /["\\]/.test(text));
}

/** A text as a part of a regular expression of Go's; no brace, and no quote of either kind. */
export function caddyPattern(text: string): string {
  return text.replaceAll(/[^\w/-]/g, (character) => {
    if (character === ".") return String.raw`\.`;
    return String.raw`\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
}
