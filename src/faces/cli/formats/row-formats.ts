/**
 * @module Tables of results for programs, and in the columns that a user chose: CSV, a row a line, a table.
 */
import { escapeJsonForTerminal } from "../../../core/index.ts";
import type { Format } from "../formats.ts";
import { table, verbatim, type Block } from "../print/document.ts";
import { writeCsv } from "./csv.ts";
import type { RowSource } from "./row-source.ts";

/** The rows as CSV. */
export function csvOf(source: RowSource<unknown>, names: readonly string[]): Format<unknown> {
  return {
    result: (result) =>
      writeCsv(
        names,
        source.rows(result).map((row) => names.map((name) => source.columns[name]!(row))),
      ),
  };
}

/** Each row as a line of JSON, whole, as it stands in `--json`. */
export function linesOf(source: RowSource<unknown>): Format<unknown> {
  return {
    result: (result) =>
      source
        .rows(result)
        .map((row) => `${escapeJsonForTerminal(JSON.stringify(row))}\n`)
        .join(""),
  };
}

/** A table of chosen columns, none of which is left out however narrow the page. */
export function tableOf(source: RowSource<unknown>, names: readonly string[], result: unknown): Block[] {
  const rows = source.rows(result);
  if (rows.length === 0) return [verbatim("Nothing.")];
  return [
    table(
      names.map((name) => ({ title: name.toUpperCase(), priority: 0, leastWidth: 4 })),
      rows.map((row) => names.map((name) => [textOf(source.columns[name]!(row))])),
    ),
  ];
}

function textOf(value: string | number | boolean | null): string {
  return value === null ? "" : typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}
