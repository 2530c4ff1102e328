/**
 * @module Text put together from pieces of files, each of which knows where it stands: what interpolation makes of
 * `"${WEB_PORT:-8080}:80"` still leads to the 8080, or to the line of `.env` that says otherwise.
 */
import type { Place, SourceText } from "./source-text.ts";

interface Piece {
  /** Where in the text it begins. */
  readonly start: number;
  readonly length: number;
  /** `null` for text that no file has, as an environment variable of the caller. */
  readonly source: SourceText | null;
  readonly offset: number;
  /** Whether each unit of the text is one unit of the file. */
  readonly exact: boolean;
  /** Length in the file. */
  readonly sourceLength: number;
}

/** Text with its places. */
export class LocatedText {
  readonly text: string;
  readonly #pieces: readonly Piece[];
  /** The place of the whole, for pieces that have none. */
  readonly whole: Place;

  private constructor(text: string, pieces: readonly Piece[], whole: Place) {
    this.text = text;
    this.#pieces = pieces;
    this.whole = whole;
  }

  /** Text as it stands in a file. */
  static of(source: SourceText, offset: number, text: string): LocatedText {
    const { length } = text;
    const whole: Place = { source, offset, length, exact: true };
    return new LocatedText(text, [{ start: 0, length, source, offset, exact: true, sourceLength: length }], whole);
  }

  /** Text that a piece of a file means in other characters. */
  static meaning(source: SourceText, offset: number, sourceLength: number, text: string): LocatedText {
    const whole: Place = { source, offset, length: sourceLength, exact: false };
    return new LocatedText(
      text,
      [{ start: 0, length: text.length, source, offset, exact: false, sourceLength }],
      whole,
    );
  }

  /** Text of no file. */
  static outside(text: string, whole: Place): LocatedText {
    const piece = { start: 0, length: text.length, source: null, offset: 0, exact: false, sourceLength: 0 };
    return new LocatedText(text, [piece], { ...whole, exact: false });
  }

  /** Texts one after the other. */
  static join(parts: readonly LocatedText[], whole: Place): LocatedText {
    const pieces: Piece[] = [];
    let text = "";
    for (const part of parts) {
      for (const piece of part.#pieces) pieces.push({ ...piece, start: piece.start + text.length });
      text += part.text;
    }
    return new LocatedText(text, pieces, whole);
  }

  slice(start: number, end: number = this.text.length): LocatedText {
    const pieces: Piece[] = [];
    for (const piece of this.#pieces) {
      const from = Math.max(start, piece.start);
      const to = Math.min(end, piece.start + piece.length);
      if (from >= to) continue;
      const length = to - from;
      pieces.push(
        piece.exact
          ? { ...piece, start: from - start, length, offset: piece.offset + from - piece.start, sourceLength: length }
          : { ...piece, start: from - start, length },
      );
    }
    return new LocatedText(this.text.slice(start, end), pieces, this.whole);
  }

  /** Where a part of the text stands: exact when one piece of one file says it. */
  placeOf(start: number, end: number): Place {
    for (const piece of this.#pieces) {
      if (start < piece.start || start >= piece.start + piece.length) continue;
      const { source, offset, exact, sourceLength } = piece;
      if (source === null) return { ...this.whole, exact: false };
      if (!exact) return { source, offset, length: sourceLength, exact: false };
      const from = offset + start - piece.start;
      const within = end <= piece.start + piece.length;
      return { source, offset: from, length: within ? end - start : piece.length, exact: within };
    }
    return { ...this.whole, exact: false };
  }
}
