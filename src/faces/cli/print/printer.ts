/**
 * @module Turns blocks into characters, fitted to the page's width.
 */
import { widthOf } from "../../../core/index.ts";
import type { Block, Paragraph } from "./document.ts";
import { makeSafe, paint, type Page, type SafeSpan } from "./safe-line.ts";
import { layOutGrid } from "./grid.ts";
import { layOutTable } from "./table.ts";

/** All blocks as text, each line ended by a line feed. */
export function printBlocks(blocks: readonly Block[], page: Page): string {
  let text = "";
  for (const block of blocks) {
    if (block.kind === "table") text += layOutTable(block, page);
    else if (block.kind === "grid") text += layOutGrid(block, page);
    else if (block.kind === "verbatim") text += `${paint(makeSafe(block.line), page)}\n`;
    else text += wrapParagraph(block, page);
  }
  return text;
}

/** Breaks at spaces; a word longer than the page is left whole, so that addresses can be copied. */
function wrapParagraph(block: Paragraph, page: Page): string {
  let text = "";
  let line: SafeSpan[] = [{ text: " ".repeat(block.indent), style: undefined }];
  let width = block.indent;
  let empty = true;
  for (const word of splitWords(makeSafe(block.line))) {
    // A line does not begin with the space at which it was broken.
    if (word.isSpace && empty && text !== "") continue;
    if (!word.isSpace && !empty && width + word.width > page.columns) {
      text += `${paint(line, page).trimEnd()}\n`;
      line = [{ text: " ".repeat(block.hang), style: undefined }];
      width = block.hang;
      empty = true;
    }
    line.push(...word.spans);
    width += word.width;
    empty &&= word.isSpace;
  }
  return `${text}${paint(line, page).trimEnd()}\n`;
}

interface Word {
  readonly isSpace: boolean;
  readonly spans: SafeSpan[];
  width: number;
}

/** Words and the spaces between them; a word may run through several spans, as a full stop after a coloured one does. */
function splitWords(spans: readonly SafeSpan[]): Word[] {
  const words: Word[] = [];
  for (const { text, style } of spans) {
    for (const part of text.split(/( +)/)) {
      if (part === "") continue;
      const isSpace = part.startsWith(" ");
      const last = words.at(-1);
      const width = widthOf(part);
      if (last !== undefined && last.isSpace === isSpace) {
        last.spans.push({ text: part, style });
        last.width += width;
      } else words.push({ isSpace, spans: [{ text: part, style }], width });
    }
  }
  return words;
}
