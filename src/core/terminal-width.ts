/**
 * @module How many terminal columns a text takes, and clipping by columns.
 */
import { lazyPattern } from "./text.ts";

/**
 * One column a character, nothing that combines: ASCII, Latin letters, general punctuation such as dashes and the ellipsis, block elements. Tried
 * first, because making a segmenter costs 18 ms.
 */
const simple = /^[\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u2500-\u259f]*$/;

/*
 * Wide characters by Unicode's East Asian Width (UAX #11: W and F) as ranges that hold for all of their assigned characters,
 * and symbols shown as emoji by default. Marks and joiners take no column.
 */
const wide = lazyPattern(
  String.raw`[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f`,
  "u",
);
const markOnly = lazyPattern(String.raw`^[\p{M}\p{Cf}]+$`, "u");

let segmenter: Intl.Segmenter | undefined;

function* graphemesOf(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function graphemeWidth(grapheme: string): number {
  if (markOnly().test(grapheme)) return 0;
  return wide().test(grapheme) ? 2 : 1;
}

/** Columns that escaped text takes. */
export function widthOf(text: string): number {
  if (simple.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text)) width += graphemeWidth(grapheme);
  return width;
}

/** The longest beginning of the text that takes at most `columns`. */
export function takeColumns(text: string, columns: number): string {
  if (simple.test(text)) return text.slice(0, Math.max(columns, 0));
  let taken = "";
  let width = 0;
  for (const grapheme of graphemesOf(text)) {
    width += graphemeWidth(grapheme);
    if (width > columns) break;
    taken += grapheme;
  }
  return taken;
}
