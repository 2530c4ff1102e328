/**
 * @module Comma-separated values as RFC 4180 has them, safe to print and to open in a spreadsheet.
 */
import { escapeForTerminal } from "../../../core/index.ts";

/** A cell; `null` is an empty one. */
export type CsvCell = string | number | boolean | null;

/** Lines ended by CR LF (RFC 4180 §2.1), the header first. */
export function writeCsv(header: readonly string[], rows: Iterable<readonly CsvCell[]>): string {
  let text = writeRow(header);
  for (const row of rows) text += writeRow(row);
  return text;
}

function writeRow(cells: readonly CsvCell[]): string {
  return `${cells.map(writeCell).join(",")}\r\n`;
}

function writeCell(cell: CsvCell): string {
  if (typeof cell !== "string") return cell === null ? "" : String(cell);
  // Spreadsheets run text that begins like a formula; with an apostrophe before it they show it.
  const harmless = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  const text = escapeForTerminal(harmless);
  return /[",]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
