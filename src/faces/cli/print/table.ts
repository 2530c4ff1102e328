/**
 * @module Tables that fit: columns are clipped to their least width, then left out by priority, until the page holds them.
 */
import { takeColumns, widthOf } from "../../../core/index.ts";
import type { Column, Line, Table } from "./document.ts";
import { makeSafe, paint, type Page, type SafeSpan } from "./safe-line.ts";

/** Columns between two columns of a table. */
export const gap = 2;

/** A column that is shown, and how wide. */
export interface Fit {
  readonly index: number;
  readonly column: Column;
  width: number;
}

/** The table as text. The last column is not padded; a clipped cell ends in `…`. */
export function layOutTable(table: Table, page: Page): string {
  const cells = table.rows.map((row) => row.map(measure));
  const contentWidths = table.columns.map((_, index) =>
    cells.reduce((widest, row) => Math.max(widest, row[index]?.width ?? 0), 0),
  );
  const fits = fitColumns(table.columns, contentWidths, page.columns);
  let text = "";
  if (fits.some((fit) => fit.column.title !== "")) {
    text += layOutRow(
      fits,
      table.columns.map((column) => measure([{ text: column.title, style: "dim" }])),
      page,
    );
  }
  for (const row of cells) text += layOutRow(fits, row, page);
  return text;
}

/**
 * Which columns are shown, and how wide.
 * @param contentWidths what the widest cell of each column takes
 */
export function fitColumns(
  columns: readonly Column[],
  contentWidths: readonly number[],
  pageColumns: number,
): readonly Fit[] {
  let fits: Fit[] = columns.map((column, index) => ({
    index,
    column,
    width: Math.max(contentWidths[index] ?? 0, widthOf(column.title)),
  }));
  // A column in which nothing stands says nothing.
  fits = fits.filter((fit) => fit.column.priority === 0 || (contentWidths[fit.index] ?? 0) > 0);
  const leastWidthOf = (fit: Fit): number =>
    Math.min(fit.width, Math.max(fit.column.leastWidth ?? 0, widthOf(fit.column.title)));
  const total = (widthOf: (fit: Fit) => number): number =>
    fits.reduce((sum, fit) => sum + widthOf(fit), 0) + gap * Math.max(fits.length - 1, 0);
  while (total(leastWidthOf) > pageColumns) {
    const droppable = fits.filter((fit) => fit.column.priority > 0);
    if (droppable.length === 0) break;
    const lowest = droppable.reduce((left, right) => (right.column.priority >= left.column.priority ? right : left));
    fits = fits.filter((fit) => fit !== lowest);
  }
  // Take what is too much from the widest column that still has room, one column at a time.
  let excess = total((fit) => fit.width) - pageColumns;
  while (excess > 0) {
    const shrinkable = fits.filter((fit) => fit.width > leastWidthOf(fit));
    if (shrinkable.length === 0) break;
    const widest = shrinkable.reduce((left, right) => (right.width > left.width ? right : left));
    widest.width -= 1;
    excess -= 1;
  }
  return fits;
}

const noCell: Cell = { spans: [], width: 0 };

/** One line of a table, ended by a line feed. */
export function layOutRow(fits: readonly Fit[], cells: readonly Cell[], page: Page): string {
  const pieces = fits.map((fit, position) => {
    const { spans, width } = cells[fit.index] ?? noCell;
    if (width > fit.width) return paint(clipSpans(spans, fit.width), page);
    const padding = " ".repeat(fit.width - width);
    if (fit.column.align === "right") return padding + paint(spans, page);
    return position === fits.length - 1 ? paint(spans, page) : paint(spans, page) + padding;
  });
  return `${pieces.join(" ".repeat(gap)).trimEnd()}\n`;
}

function clipSpans(spans: readonly SafeSpan[], width: number): SafeSpan[] {
  const clipped: SafeSpan[] = [];
  let left = width - 1;
  for (const { text, style } of spans) {
    const taken = takeColumns(text, left);
    clipped.push({ text: taken, style });
    left -= widthOf(taken);
    if (taken.length < text.length) break;
  }
  const missing = left;
  clipped.push({ text: `…${" ".repeat(Math.max(missing, 0))}`, style: "dim" });
  return clipped;
}

/** A cell's text made safe, and the columns that it takes. */
export interface Cell {
  readonly spans: readonly SafeSpan[];
  readonly width: number;
}

function measure(line: Line): Cell {
  const spans = makeSafe(line);
  let width = 0;
  for (const { text } of spans) width += widthOf(text);
  return { spans, width };
}
