/**
 * @module A line escaped and coloured: the only place where text from anywhere becomes output.
 */
import { escapeForTerminal } from "../../../core/index.ts";
import { styleText } from "node:util";
import type { Line, Span, Style } from "./document.ts";

/** What is printed on. */
export interface Page {
  /** Columns; `Infinity` for a pipe, where nothing is clipped or wrapped. */
  readonly columns: number;
  readonly color: boolean;
}

type Format = Parameters<typeof styleText>[0];

const formats: Record<Style, Format> = {
  strong: "bold",
  dim: "dim",
  good: "green",
  warning: "yellow",
  bad: "red",
  link: "cyan",
  heading: ["bold", "underline"],
  first: "cyan",
  second: "yellow",
  third: "green",
  fourth: "magenta",
  fifth: "blue",
  sixth: "red",
};

/** A span whose text is safe to print. */
export interface SafeSpan {
  readonly text: string;
  readonly style: Style | undefined;
  /** A sequence of another program for colours; `text` is empty then. */
  readonly sequence?: string;
}

/** SGR: numbers alone. */
const colorSequence = /(\u001b\[[\d;:]{0,64}m)/;
const resetSequence = "\u001b[0m";

/** Escapes a line; empty spans go. */
export function makeSafe(line: Line): SafeSpan[] {
  const spans: SafeSpan[] = [];
  for (const piece of line) {
    const source: Span = typeof piece === "string" ? { text: piece } : piece;
    if (source.text === "") continue;
    if (source.ownColors === true) spans.push(...splitColors(source.text));
    else spans.push({ text: escapeForTerminal(source.text), style: source.style });
  }
  return spans;
}

/** Text and the sequences in it by turns; what is coloured in it ends with it. */
function splitColors(text: string): SafeSpan[] {
  const spans = text
    .split(colorSequence)
    .map((part, index): SafeSpan =>
      index % 2 === 0
        ? { text: escapeForTerminal(part), style: undefined }
        : { text: "", style: undefined, sequence: part },
    );
  return spans.length === 1 ? spans : [...spans, { text: "", style: undefined, sequence: resetSequence }];
}

/** Colours safe spans. */
export function paint(spans: readonly SafeSpan[], page: Page): string {
  let text = "";
  for (let index = 0; index < spans.length;) {
    const { style, sequence } = spans[index]!;
    if (sequence !== undefined) {
      if (page.color) text += sequence;
      index += 1;
      continue;
    }
    // Neighbours of one style, such as the words of a wrapped line, are coloured together.
    let piece = "";
    for (; index < spans.length; index++) {
      const next = spans[index]!;
      if (next.style !== style || next.sequence !== undefined) break;
      piece += next.text;
    }
    text += page.color && style !== undefined ? styleText(formats[style], piece, { validateStream: false }) : piece;
  }
  return text;
}
