/**
 * @module Tables that fit: columns are clipped to their least width, then left out by priority, until the page holds them.
 */
import type { Column, Table } from "./document.ts";
import { makeSafe, paint, type Page, type SafeSpan } from "./safe-line.ts";
import { takeColumns, widthOf } from "./width.ts";

const gap = 2;

interface Fit {
  readonly index: number;
  readonly column: Column;
  width: number;
}

/** The table as text. The last column is not padded; a clipped cell ends in `…`. */
export function layOutTable(table: Table, page: Page): string {
  const cells = table.rows.map((row) => row.map((cell) => makeSafe(cell)));
  const fits = fitColumns(table, cells, page.columns);
  let text = "";
  if (fits.some((fit) => fit.column.title !== "")) {
    text += layOutRow(
      fits,
      table.columns.map((column) => [{ text: column.title, style: "dim" as const }]),
      page,
    );
  }
  for (const row of cells) text += layOutRow(fits, row, page);
  return text;
}

function fitColumns(table: Table, cells: readonly SafeSpan[][][], columns: number): Fit[] {
  let fits: Fit[] = table.columns.map((column, index) => ({
    index,
    column,
    width: cells.reduce((widest, row) => Math.max(widest, spansWidth(row[index] ?? [])), widthOf(column.title)),
  }));
  // A column in which nothing stands says nothing.
  fits = fits.filter((fit) => fit.column.priority === 0 || cells.some((row) => spansWidth(row[fit.index] ?? []) > 0));
  const leastWidthOf = (fit: Fit): number =>
    Math.min(fit.width, Math.max(fit.column.leastWidth ?? 0, widthOf(fit.column.title)));
  const total = (widthOf: (fit: Fit) => number): number =>
    fits.reduce((sum, fit) => sum + widthOf(fit), 0) + gap * Math.max(fits.length - 1, 0);
  while (total(leastWidthOf) > columns) {
    const droppable = fits.filter((fit) => fit.column.priority > 0);
    if (droppable.length === 0) break;
    const lowest = droppable.reduce((left, right) => (right.column.priority >= left.column.priority ? right : left));
    fits = fits.filter((fit) => fit !== lowest);
  }
  // Take what is too much from the widest column that still has room, one column at a time.
  let excess = total((fit) => fit.width) - columns;
  while (excess > 0) {
    const shrinkable = fits.filter((fit) => fit.width > leastWidthOf(fit));
    if (shrinkable.length === 0) break;
    const widest = shrinkable.reduce((left, right) => (right.width > left.width ? right : left));
    widest.width -= 1;
    excess -= 1;
  }
  return fits;
}

function layOutRow(fits: readonly Fit[], cells: readonly SafeSpan[][], page: Page): string {
  const pieces = fits.map((fit, position) => {
    const cell = cells[fit.index] ?? [];
    const width = spansWidth(cell);
    if (width > fit.width) return paint(clipSpans(cell, fit.width), page);
    const padding = " ".repeat(fit.width - width);
    if (fit.column.align === "right") return padding + paint(cell, page);
    return position === fits.length - 1 ? paint(cell, page) : paint(cell, page) + padding;
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

function spansWidth(spans: readonly SafeSpan[]): number {
  let width = 0;
  for (const { text } of spans) width += widthOf(text);
  return width;
}
