/**
 * @module One JSON value a line: each event as it comes, the result last.
 */
import type { Format } from "../formats.ts";
import { escapeJsonForTerminal } from "../print/escape.ts";

function line(value: unknown): string {
  return `${escapeJsonForTerminal(JSON.stringify(value))}\n`;
}

/** The same for every command. */
export const ndjsonFormat: Format<unknown, unknown> = { event: line, result: line };
