/**
 * @module Grids: tables of many rows, laid out like tables, but with strings for cells.
 */
import { escapeForTerminal, widthOf } from "../../../core/index.ts";
import type { Grid, GridColumn } from "./document.ts";
import type { Page } from "./safe-line.ts";
import { fitColumns, gap, layOutRow, type Cell, type Fit } from "./table.ts";

/** A column's texts made safe. */
interface SafeColumn {
  readonly texts: readonly string[];
  readonly widest: number;
  /** Width of each text; `undefined` when every one is as wide as long. */
  readonly widths: readonly number[] | undefined;
}

const between = " ".repeat(gap);

/** The grid as text: the same characters as a table of the same cells. */
export function layOutGrid(grid: Grid, page: Page): string {
  const safe = grid.columns.map(makeColumnSafe);
  const fits = fitColumns(
    grid.columns,
    safe.map(({ widest }) => widest),
    page.columns,
  );
  const titles = grid.columns.map(({ title }) => cellOf(title, widthOf(title), "dim"));
  // Where nothing is coloured, clipped or wider than long, padding is all there is to do.
  const isPlain =
    !page.color && fits.every(({ index, width }) => safe[index]!.widths === undefined && safe[index]!.widest <= width);
  const head = layOutRow(fits, titles, page);
  return head + (isPlain ? padRows(grid.rowCount, fits, safe) : layOutRows(grid, fits, safe, page));
}

function padRows(rowCount: number, fits: readonly Fit[], safe: readonly SafeColumn[]): string {
  const columns = fits.map(({ index, width, column }, position) => ({
    texts: safe[index]!.texts,
    width,
    right: column.align === "right",
    end: position === fits.length - 1 ? "" : between,
  }));
  const lines: string[] = [];
  for (let row = 0; row < rowCount; row++) {
    let line = "";
    for (const { texts, width, right, end } of columns) {
      const text = texts[row] ?? "";
      line += (right ? text.padStart(width) : text.padEnd(width)) + end;
    }
    lines.push(`${line.trimEnd()}\n`);
  }
  return lines.join("");
}

function layOutRows(grid: Grid, fits: readonly Fit[], safe: readonly SafeColumn[], page: Page): string {
  let text = "";
  for (let row = 0; row < grid.rowCount; row++) {
    const cells = grid.columns.map(({ style }, index) => {
      const { texts, widths } = safe[index]!;
      const cell = texts[row] ?? "";
      return cellOf(cell, widths?.[row] ?? cell.length, style);
    });
    text += layOutRow(fits, cells, page);
  }
  return text;
}

function cellOf(text: string, width: number, style: GridColumn["style"]): Cell {
  return { spans: text === "" ? [] : [{ text, style }], width };
}

/** Neighbours are often the same text, which is looked at once. */
function makeColumnSafe({ texts }: GridColumn): SafeColumn {
  const safe: string[] = [];
  let widths: number[] | undefined;
  let widest = 0;
  let before: string | undefined;
  let text = "";
  let width = 0;
  for (const raw of texts) {
    if (raw !== before) {
      before = raw;
      text = escapeForTerminal(raw);
      width = widthOf(text);
      if (width > widest) widest = width;
      if (width !== text.length) widths ??= safe.map(({ length }) => length);
    }
    safe.push(text);
    widths?.push(width);
  }
  return { texts: safe, widest, widths };
}
