/**
 * @module One frame of the screen as lines: heading, building, table or what lies over it, and a line of keys.
 */
import { buildingLines, paintBuilding } from "./building.ts";
import type { Model, Row } from "./model.ts";
import { paintLine, type Piece } from "./paint.ts";
import { fitColumns, headingPieces, rowPieces } from "./table.ts";

/** What lies over or under the table. */
export type Mode =
  | { readonly kind: "table" }
  | { readonly kind: "filter" }
  | { readonly kind: "help" }
  | {
      readonly kind: "text";
      readonly title: string;
      readonly lines: readonly (readonly Piece[])[];
      readonly keys: string;
    };

/** Everything that decides a frame. */
export interface FrameParts {
  readonly columns: number;
  readonly rows: number;
  readonly color: boolean;
  readonly model: Model;
  readonly mode: Mode;
  readonly host: string;
  readonly clock: string;
  readonly paused: boolean;
  readonly building: boolean;
  /** A word for the reader at the bottom, in place of the keys. */
  readonly note: string | null;
  /** First row of the table that is shown. */
  readonly top: number;
  readonly nowMs: number;
}

/** A frame, and where the table was scrolled to so that the selected row is seen. */
export interface Frame {
  readonly lines: readonly string[];
  readonly top: number;
  /** Rows of the table that fit. */
  readonly tableRows: number;
}

const keyLine = "↑↓ move  / filter  s sort  enter door  o open  x free  f follow  b building  ? help  q quit";

const helpTexts: readonly (readonly [string, string])[] = [
  ["↑ ↓ j k, PgUp PgDn, Home End", "move"],
  ["/", "filter as you type; Enter keeps it, Esc clears it"],
  ["s  S", "sort by the next column; turn the order round"],
  ["1 … 9", "sort by that column"],
  ["Enter, d", "the door: everything about the port"],
  ["f", "follow: the port's connections, live"],
  ["o  c", "open its URL in the browser; copy it"],
  ["x", "free the port: shows who would be ended, and asks"],
  ["b  space", "the building on or off; pause"],
  ["q, Ctrl-C", "leave"],
];

/** Paints a frame; never more lines or columns than there are. */
export function paintFrame(parts: FrameParts): Frame {
  const { columns, rows, color, model, mode } = parts;
  const options = { color };
  const lines: string[] = [headerLine(parts)];
  const showsBuilding = parts.building && mode.kind !== "text" && rows >= 20 && columns >= 40;
  if (showsBuilding) {
    const ports = [...model.rows.values()].filter(({ wentMs }) => wentMs === null).map(({ service }) => service.port);
    for (const pieces of paintBuilding(ports, Math.min(columns, 128))) lines.push(paintLine(pieces, columns, options));
  }
  const room = Math.max(1, rows - lines.length - 1);
  let { top } = parts;
  let tableRows = 0;
  if (mode.kind === "help") {
    for (const [keys, what] of helpTexts.slice(0, room)) {
      lines.push(
        paintLine(
          [{ text: ` ${keys.padEnd(Math.min(30, Math.floor(columns / 2)))} `, look: "strong" }, { text: what }],
          columns,
          options,
        ),
      );
    }
  } else if (mode.kind === "text") {
    lines.push(paintLine([{ text: mode.title, look: "strong" }], columns, options));
    for (const line of mode.lines.slice(0, room - 1)) lines.push(paintLine(line, columns, options));
  } else {
    const fitted = fitColumns(columns);
    const shown = model.shown();
    tableRows = Math.max(1, room - 1);
    top = scrollTo(top, tableRows, shown, model.selected);
    lines.push(paintLine(headingPieces(fitted, model), columns, options));
    if (shown.length === 0) {
      const text =
        model.filter === ""
          ? "  Nothing listens on this machine."
          : "  Nothing that listens matches; Esc clears the filter.";
      lines.push(paintLine([{ text, look: "dim" }], columns, options));
    }
    for (const row of shown.slice(top, top + tableRows)) {
      const here = row.key === model.selected;
      lines.push(
        paintLine(rowPieces(row, fitted, model, parts.nowMs), columns, here ? { color, fill: "reverse" } : options),
      );
    }
  }
  while (lines.length < rows - 1) lines.push("");
  lines.length = Math.max(0, rows - 1);
  lines.push(bottomLine(parts));
  return { lines, top, tableRows };
}

/** The lines that a building needs beside a table that is worth having. */
export const leastRowsForBuilding = buildingLines + 12;

function scrollTo(top: number, tableRows: number, shown: readonly Row[], selected: string | null): number {
  const index = shown.findIndex(({ key }) => key === selected);
  const highest = Math.max(0, shown.length - tableRows);
  if (index < 0) return Math.min(top, highest);
  if (index < top) return index;
  return Math.min(index >= top + tableRows ? index - tableRows + 1 : top, highest);
}

function headerLine({ columns, color, model, host, clock, paused }: FrameParts): string {
  const counts = `${model.present} open doors  +${model.appeared} −${model.disappeared}`;
  const missed = model.missed > 0 ? `  ${model.missed} changes merged` : "";
  const left = `Portolan ${host}  ${counts}${missed}${paused ? "  PAUSED" : ""}`;
  const gap = columns - left.length - clock.length;
  return paintLine([{ text: gap >= 2 ? `${left}${" ".repeat(gap)}${clock}` : left }], columns, {
    color,
    fill: "reverse",
  });
}

function bottomLine({ columns, color, mode, model, note }: FrameParts): string {
  const options = { color };
  if (mode.kind === "filter") {
    return paintLine(
      [{ text: "/", look: "strong" }, { text: model.filter }, { text: "▏", look: "accent" }],
      columns,
      options,
    );
  }
  if (note !== null) return paintLine([{ text: note, look: "warning" }], columns, options);
  if (mode.kind === "text") return paintLine([{ text: mode.keys, look: "dim" }], columns, options);
  if (mode.kind === "help") return paintLine([{ text: "any key goes back", look: "dim" }], columns, options);
  const filter: Piece[] = model.filter === "" ? [] : [{ text: `filter: ${model.filter}  `, look: "accent" }];
  return paintLine([...filter, { text: keyLine, look: "dim" }], columns, options);
}
