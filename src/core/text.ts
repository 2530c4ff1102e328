/**
 * @module Text from outside, made fit for an error message.
 */

const invisible = lazyPattern(String.raw`[\p{Cc}\p{Cf}\u2028\u2029]`, "gu");

/** Longest piece of outside text that a message repeats, in UTF-16 code units. */
const longestQuote = 60;

/** Outside text in an error message: clipped to 60 characters, quoted, with control and invisible format characters spelled out. */
export function quote(text: string): string {
  // JSON spells out what is below U+0020 and lone surrogates; the rest of \p{Cc}, and \p{Cf} with the marks that turn
  // the direction of writing, would reach the terminal.
  return JSON.stringify(clip(text)).replace(invisible(), (character) => {
    const code = character.codePointAt(0)!.toString(16);
    return code.length <= 4 ? `\\u${code.padStart(4, "0")}` : `\\u{${code}}`;
  });
}

/** At most 60 characters of a text, with `...` in place of what was left out. */
export function clip(text: string): string {
  return text.length <= longestQuote ? text : `${text.slice(0, longestQuote - 3)}...`;
}

/** The whole character at an index, quoted, surrogate pairs kept together: for "character 3 is …". */
export function quoteCharacterAt(text: string, index: number): string {
  const code = text.codePointAt(index);
  return code === undefined ? "missing" : quote(String.fromCodePoint(code));
}

/** A problem of one part, its positions ("character 3") counted from the start of the whole text instead. */
export function shiftPositions(problem: string, offset: number): string {
  return problem.replace(/\bcharacter (\d+)\b/g, (_, position: string) => `character ${Number(position) + offset}`);
}

/**
 * A pattern that is compiled when it is first used. The engine compiles a pattern written as a literal when it reads the file,
 * and one with Unicode properties (`\p{…}`) takes up to two milliseconds: more than the rest of its file.
 */
export function lazyPattern(source: string, flags: string): () => RegExp {
  let pattern: RegExp | undefined;
  return () => (pattern ??= new RegExp(source, flags));
}

/** A word as a POSIX shell takes it back: for commands that a user is to copy. */
export function quoteForShell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
