/**
 * @module Turns blocks into characters, fitted to the page's width.
 */
import type { Block, Paragraph } from "./document.ts";
import { makeSafe, paint, type Page, type SafeSpan } from "./safe-line.ts";
import { layOutTable } from "./table.ts";
import { widthOf } from "./width.ts";

/** All blocks as text, each line ended by a line feed. */
export function printBlocks(blocks: readonly Block[], page: Page): string {
  let text = "";
  for (const block of blocks) {
    if (block.kind === "table") text += layOutTable(block, page);
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
  const end = (): void => {
    text += `${paint(line, page).trimEnd()}\n`;
  };
  for (const { text: piece, style } of makeSafe(block.line)) {
    for (const part of piece.split(/( +)/)) {
      if (part === "") continue;
      const isSpace = part.startsWith(" ");
      const partWidth = widthOf(part);
      if (!isSpace && !empty && width + partWidth > page.columns) {
        end();
        line = [{ text: " ".repeat(block.hang), style: undefined }];
        width = block.hang;
        empty = true;
      }
      if (isSpace && empty && width > block.indent) continue;
      line.push({ text: part, style });
      width += partWidth;
      if (!isSpace) empty = false;
    }
  }
  end();
  return text;
}
