/**
 * @module What a program says, line by line: lines that are bounded, partial lines after a while, and at the pace of whoever reads them.
 */
import type { Readable } from "node:stream";

/** A line, or a part of one. */
export interface SaidLine {
  readonly text: string;
  /** It goes on with the line before, which was too long, or within which the program had paused. */
  readonly continued: boolean;
}

/** Longest part of a line, UTF-16 code units. */
const longestPart = 16_384;
/** A line that was begun is told after so long without its end, milliseconds: it may be a question, or a dot for each test. */
const partialMs = 250;

/**
 * Tells each line. LF, CR LF and CR end one, because a program that goes back to a line's beginning writes a new one; bytes that are no
 * UTF-8 become U+FFFD.
 * @param tell returns false when no more should come for now; `resume` of what is returned goes on
 */
export function readLines(
  stream: Readable,
  tell: (line: SaidLine) => boolean,
): { readonly ended: Promise<void>; readonly resume: () => void } {
  const decoder = new TextDecoder("utf-8");
  let rest = "";
  /** A part of the present line has been told. */
  let begun = false;
  /** A CR was the last character: a LF behind it ends no second line. */
  let afterReturn = false;
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    if (rest === "") return;
    tell({ text: rest, continued: begun });
    rest = "";
    begun = true;
  };
  const take = (text: string): void => {
    let more = true;
    let at = afterReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") afterReturn = text.endsWith("\r");
    for (;;) {
      const end = nextEnd(text, at);
      let part = rest + text.slice(at, end < 0 ? undefined : end);
      rest = "";
      while (part.length > longestPart) {
        const cut = isHighSurrogate(part, longestPart - 1) ? longestPart - 1 : longestPart;
        more = tell({ text: part.slice(0, cut), continued: begun }) && more;
        begun = true;
        part = part.slice(cut);
      }
      if (end < 0) {
        rest = part;
        break;
      }
      // The end of a line that has been told whole is nothing new.
      if (part !== "" || !begun) more = tell({ text: part, continued: begun }) && more;
      begun = false;
      at = end + (text.startsWith("\r\n", end) ? 2 : 1);
    }
    clearTimeout(timer);
    if (rest !== "") timer = setTimeout(flush, partialMs);
    if (!more) stream.pause();
  };
  stream.on("data", (bytes: Buffer) => take(decoder.decode(bytes, { stream: true })));
  const ended = new Promise<void>((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      take(decoder.decode());
      clearTimeout(timer);
      flush();
      resolve();
    };
    stream.once("end", finish);
    stream.once("error", finish);
  });
  return { ended, resume: () => void stream.resume() };
}

function nextEnd(text: string, from: number): number {
  const feed = text.indexOf("\n", from);
  const back = text.indexOf("\r", from);
  if (feed < 0 || back < 0) return Math.max(feed, back);
  return Math.min(feed, back);
}

function isHighSurrogate(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0xd800 && code < 0xdc00;
}
