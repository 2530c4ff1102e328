/**
 * @module Grids: tables of many rows, laid out like tables, but with strings for cells.
 */
import type { Grid, GridColumn } from "./document.ts";
import { escapeForTerminal } from "./escape.ts";
import { paint, type Page } from "./safe-line.ts";
import { fitColumns, gap, type Fit } from "./table.ts";
import { takeColumns, widthOf } from "./width.ts";

const between = " ".repeat(gap);

/** A column's texts made safe; their widths only where they differ from their lengths. */
interface SafeColumn {
  readonly texts: readonly string[];
  readonly widest: number;
  /** Width of each text; `undefined` when every one is as wide as long. */
  readonly widths: readonly number[] | undefined;
}

/** The grid as text: the same characters as a table of the same cells. */
export function layOutGrid(grid: Grid, page: Page): string {
  const cells = grid.columns.map(makeColumnSafe);
  const fits = fitColumns(
    grid.columns,
    cells.map(({ widest }) => widest),
    page.columns,
  );
  const titles = fits.map((fit) => cellText(fit.column.title, widthOf(fit.column.title), fit, "dim", page));
  const lines = [closeLine(titles)];
  // Where nothing is coloured nor clipped, padding is all there is to do.
  const isPlain =
    !page.color && fits.every((fit) => cells[fit.index]!.widths === undefined && cells[fit.index]!.widest <= fit.width);
  const shown = fits.map((fit) => ({ fit, column: grid.columns[fit.index]!, cells: cells[fit.index]! }));
  const last = shown.length - 1;
  for (let row = 0; row < grid.rowCount; row++) {
    if (isPlain) {
      let line = "";
      for (let position = 0; position <= last; position++) {
        const { fit, column, cells: texts } = shown[position]!;
        const text = texts.texts[row]!;
        if (column.align === "right") line += text.padStart(fit.width);
        else line += position === last ? text : text.padEnd(fit.width);
        if (position < last) line += between;
      }
      lines.push(line.trimEnd());
      continue;
    }
    lines.push(
      closeLine(
        shown.map(({ fit, column, cells: { texts, widths } }) => {
          const text = texts[row] ?? "";
          return cellText(text, widths?.[row] ?? text.length, fit, column.style, page);
        }),
      ),
    );
  }
  return `${lines.join("\n")}\n`;
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

function cellText(text: string, width: number, fit: Fit, style: GridColumn["style"], page: Page): string {
  let shown = paint([{ text, style }], page);
  let taken = width;
  if (width > fit.width) {
    const start = takeColumns(text, fit.width - 1);
    shown = paint(
      [
        { text: start, style },
        { text: "…", style: "dim" },
      ],
      page,
    );
    taken = widthOf(start) + 1;
  }
  const padding = " ".repeat(Math.max(0, fit.width - taken));
  return fit.column.align === "right" ? padding + shown : shown + padding;
}

function closeLine(cells: readonly string[]): string {
  return cells.join(between).trimEnd();
}
