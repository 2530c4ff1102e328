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
};

/** A span whose text is safe to print. */
export interface SafeSpan {
  readonly text: string;
  readonly style: Style | undefined;
}

/** Escapes a line; empty spans go. */
export function makeSafe(line: Line): SafeSpan[] {
  const spans: SafeSpan[] = [];
  for (const piece of line) {
    const source: Span = typeof piece === "string" ? { text: piece } : piece;
    if (source.text !== "") spans.push({ text: escapeForTerminal(source.text), style: source.style });
  }
  return spans;
}

/** Colours safe spans. */
export function paint(spans: readonly SafeSpan[], page: Page): string {
  let text = "";
  for (let index = 0; index < spans.length;) {
    const style = spans[index]?.style;
    // Neighbours of one style, such as the words of a wrapped line, are coloured together.
    let piece = "";
    for (; index < spans.length && spans[index]?.style === style; index++) piece += spans[index]?.text ?? "";
    text += page.color && style !== undefined ? styleText(formats[style], piece, { validateStream: false }) : piece;
  }
  return text;
}
