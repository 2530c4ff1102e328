/**
 * @module Styled text for one line of the screen: escaped, clipped to columns, coloured only where colour is wanted.
 */
import { escapeForTerminal, takeColumns, widthOf } from "../../core/index.ts";

/** Looks; each has a meaning that the text itself carries, too. */
export type Look =
  | "plain"
  | "strong"
  | "dim"
  | "good"
  | "bad"
  | "warning"
  | "accent"
  | "reverse"
  | "well-known"
  | "registered"
  | "dynamic";

const codes: Readonly<Record<Look, string>> = {
  plain: "",
  strong: "1",
  dim: "2",
  good: "32",
  bad: "31",
  warning: "33",
  accent: "36",
  reverse: "7",
  "well-known": "31",
  registered: "34",
  dynamic: "32",
};

/** A piece of raw text with its look. */
export interface Piece {
  readonly text: string;
  readonly look?: Look;
}

/** Without colour bold, dim and reverse stay: they are no colours, and every terminal has them. */
const colourless: ReadonlySet<Look> = new Set(["strong", "dim", "reverse"]);

/**
 * The pieces as one line of exactly so many columns or fewer; never more.
 * @param fill pads with spaces to the full width, for a reversed line
 */
export function paintLine(pieces: readonly Piece[], columns: number, options: { color: boolean; fill?: Look }): string {
  let left = columns;
  let line = "";
  for (const { text, look = "plain" } of pieces) {
    if (left <= 0) break;
    const safe = escapeForTerminal(text);
    const width = widthOf(safe);
    const shown = width <= left ? safe : left === 1 ? "…" : `${takeColumns(safe, left - 1)}…`;
    left -= Math.min(width, left);
    line += styled(shown, options.fill ?? look, options.color);
  }
  return options.fill !== undefined && left > 0 ? line + styled(" ".repeat(left), options.fill, options.color) : line;
}

function styled(text: string, look: Look, color: boolean): string {
  const code = codes[look];
  if (code === "" || (!color && !colourless.has(look))) return text;
  return `\u001b[${code}m${text}\u001b[0m`;
}

/** Text in a cell of so many columns: clipped with an ellipsis or padded. Escaped already. */
export function cellText(text: string, columns: number, align: "left" | "right" = "left"): string {
  const safe = escapeForTerminal(text);
  const width = widthOf(safe);
  if (width > columns) return columns < 1 ? "" : `${takeColumns(safe, columns - 1)}…`;
  const space = " ".repeat(columns - width);
  return align === "right" ? space + safe : safe + space;
}
