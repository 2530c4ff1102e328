/**
 * @module Outside text made harmless for a terminal: no control character, escape sequence or text-direction trick gets through.
 */

/*
 * C0 and C1 controls and DEL (ECMA-48: a terminal acts on them), line and paragraph separators, the Unicode bidirectional
 * controls (UAX #9: they reorder what is seen), zero-width and tag characters that hide text, and lone surrogates.
 */
const unsafe =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}\ud800-\udfff]/gu;

const printableAscii = /^[ -~]*$/;

const shortForms = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

/** The text with everything that a terminal might act on spelled out, as `\x1b` or `\u{202e}`. */
export function escapeForTerminal(text: string): string {
  if (printableAscii.test(text)) return text;
  return text.replace(unsafe, (character) => {
    const short = shortForms.get(character);
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON text in which such characters are spelled `\uXXXX`, which means the same to every JSON parser. */
export function escapeJsonForTerminal(json: string): string {
  return json.replace(unsafe, (character) => {
    // JSON.stringify has already spelled out C0 controls inside strings; the line feeds between members stay.
    if (character === "\n") return character;
    let escaped = "";
    for (let index = 0; index < character.length; index++) {
      escaped += `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`;
    }
    return escaped;
  });
}
