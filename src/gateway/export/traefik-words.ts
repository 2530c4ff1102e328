/**
 * @module Words of Traefik's rules: string literals of Go, in which its matchers' values are written.
 */

/** A text as a literal. Backticks take everything as it is but a backtick. */
export function traefikText(text: string): string {
  return text.includes("`") ? JSON.stringify(text) : `\`${text}\``;
}

/** A text as a part of a regular expression of Go's. */
export function traefikPattern(text: string): string {
  return text.replaceAll(/[^\w-]/g, (character) => `\\${character}`);
}
