/**
 * @module Text of a project's file, and places in it: every port that a check speaks of can be pointed at.
 */

/** A file's text as it stands on disk, a byte order mark included. */
export interface SourceText {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
}

/** A piece of a file. */
export interface Place {
  readonly source: SourceText;
  /** UTF-16 units from the start of the file. */
  readonly offset: number;
  readonly length: number;
  /** Whether exactly these characters, and no others, say what is meant: only then may they be replaced. */
  readonly exact: boolean;
}

/** Line and column, both from 1; columns are UTF-16 units, as editors and SARIF count them. */
export interface LineAndColumn {
  readonly line: number;
  readonly column: number;
}

const lineStarts = new WeakMap<SourceText, readonly number[]>();

/** Where an offset is. A line ends with LF, CRLF or CR. */
export function lineAndColumn(source: SourceText, offset: number): LineAndColumn {
  const starts = startsOf(source);
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= offset) low = middle;
    else high = middle - 1;
  }
  const start = starts[low]!;
  const mark = low === 0 && source.text.charCodeAt(0) === byteOrderMark ? 1 : 0;
  return { line: low + 1, column: Math.max(1, offset - start + 1 - mark) };
}

/** The offset of a line and column; both as `lineAndColumn` gives them. */
export function offsetOf(source: SourceText, { line, column }: LineAndColumn): number {
  const mark = line === 1 && source.text.charCodeAt(0) === byteOrderMark ? 1 : 0;
  return Math.min(source.text.length, (startsOf(source)[line - 1] ?? source.text.length) + column - 1 + mark);
}

const byteOrderMark = 0xfeff;

function startsOf(source: SourceText): readonly number[] {
  let starts = lineStarts.get(source);
  if (starts === undefined) {
    const found = [0];
    for (const match of source.text.matchAll(/\r\n|\n|\r/g)) found.push(match.index + match[0].length);
    starts = found;
    lineStarts.set(source, starts);
  }
  return starts;
}

/** The text without its byte order mark, and how many units were left out in front. */
export function withoutMark({ text }: SourceText): { readonly text: string; readonly shift: number } {
  return text.charCodeAt(0) === byteOrderMark ? { text: text.slice(1), shift: 1 } : { text, shift: 0 };
}

/** What is wrong with a file. */
export interface ProjectProblem {
  /** `error`: the file, or a part of it, could not be judged. `warning`: it was, with something to say. */
  readonly severity: "error" | "warning";
  /** One sentence. */
  readonly message: string;
  /** Absolute path of the file. */
  readonly path: string;
  /** `null` when it is about the whole file. */
  readonly place: Place | null;
}
