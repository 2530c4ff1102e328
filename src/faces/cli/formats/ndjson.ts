/**
 * @module One JSON value a line: each event as it comes, the result last.
 */
import { escapeJsonForTerminal } from "../../../core/index.ts";
import type { Format } from "../formats.ts";

function line(value: unknown): string {
  return `${escapeJsonForTerminal(JSON.stringify(value))}\n`;
}

/** The same for every command. */
export const ndjsonFormat: Format<unknown, unknown> = { event: line, result: line };
