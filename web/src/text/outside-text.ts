/**
 * @module Text that came from outside, made harmless to read: the page puts it in as text only, and this takes out what would deceive.
 */

/** Characters that turn the direction of what follows, or hide in it (Unicode, Bidi_Control and zero-width ones). */
const deceiving = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const whitespace = /[\t\n\v\f\r\u2028\u2029]+/g;
const controls = /[\u0000-\u001f\u007f-\u009f]/g;
const halves = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * The text on one line, without controls, turned direction or half characters, and not longer than asked.
 * @param mostCharacters length in UTF-16 units after which it is cut and marked with an ellipsis
 */
export function safeText(text: string, mostCharacters = 200): string {
  const cut = text.length > mostCharacters ? text.slice(0, mostCharacters) : text;
  const plain = cut
    .replaceAll(whitespace, " ")
    .replaceAll(controls, "\ufffd")
    .replaceAll(deceiving, "")
    .replaceAll(halves, "\ufffd");
  return cut.length < text.length ? `${plain}…` : plain;
}
