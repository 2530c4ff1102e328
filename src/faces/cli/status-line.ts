/**
 * @module One line on standard error that says how far long work is, written over in place.
 */
import { escapeForTerminal, takeColumns, widthOf } from "../../core/index.ts";
import type { ProgressMeasure } from "../../operations/operation.ts";

/** The line changes at most ten times a second. */
const leastPauseMs = 100;

/** Back to the first column, and the rest of the line erased (ECMA-48: CR, EL). */
const eraseLine = "\r\u001b[K";

/** What the line is written on. */
export interface StatusLineOptions {
  readonly write: (text: string) => void;
  /** Width of the terminal now. */
  readonly columns: () => number;
  /** Clock, milliseconds. */
  readonly nowMs: () => number;
}

/** A status line. */
export interface StatusLine {
  /** Shows it, unless it was shown just now. */
  show(message: string, measure?: ProgressMeasure): void;
  /** Takes it away before something else is printed. */
  clear(): void;
}

/** Makes a status line; nothing is written before the first `show`. */
export function createStatusLine(options: StatusLineOptions): StatusLine {
  let shownAtMs = -Infinity;
  let shown = "";
  return {
    show(message, measure) {
      const nowMs = options.nowMs();
      if (nowMs - shownAtMs < leastPauseMs) return;
      const text = statusText(message, measure, options.columns() - 1);
      shownAtMs = nowMs;
      if (text === shown) return;
      shown = text;
      options.write(`${eraseLine}${text}`);
    },
    clear() {
      if (shown === "") return;
      shown = "";
      options.write(eraseLine);
    },
  };
}

/** `42 %, 12 s left: 3 open …`, safe and no wider than the terminal, so that it stays one line. */
export function statusText(message: string, measure: ProgressMeasure | undefined, columns: number): string {
  const text = escapeForTerminal(`${measure === undefined ? "" : `${measureText(measure)}: `}${message}`);
  return widthOf(text) <= columns ? text : takeColumns(text, Math.max(columns, 0));
}

function measureText({ done, total, remainingMs }: ProgressMeasure): string {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  return remainingMs === null ? `${percent} %` : `${percent} %, ${durationText(remainingMs)} left`;
}

/** `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function durationText(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return minutes % 60 === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
