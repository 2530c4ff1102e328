/**
 * @module How a call's events and result become text: for people, or in one of the formats for programs.
 */
import type { Call } from "./call.ts";
import type { LoadedCommand } from "./commands.ts";
import { formats, type Format, type FormatContext } from "./formats.ts";
import { endlessCommands, offeredFormats } from "./offered-formats.ts";
import { escapeJsonForTerminal } from "./print/escape.ts";
import { printBlocks } from "./print/printer.ts";
import type { Page } from "./print/safe-line.ts";
import type { ViewContext } from "./view.ts";

/** Text of what an operation tells. */
export interface Output {
  readonly event: (event: unknown) => string;
  readonly result: (result: unknown) => string;
}

/** The output that the call asks for. */
export async function openOutput(
  call: Call,
  { view }: LoadedCommand,
  page: Page,
  viewContext: ViewContext,
  formatContext: FormatContext,
): Promise<Output> {
  const { format } = call.settings;
  if (format === "text") {
    return {
      event: (event) => printBlocks(view.event?.(event as never, viewContext) ?? [], page),
      result: (result) => printBlocks(view.result(result as never, viewContext), page),
    };
  }
  if (format === "json") {
    const asLines =
      endlessCommands.has(call.name) || offeredFormats[call.name]?.some(({ name }) => name === "ndjson") !== true;
    const line = (value: unknown, indent?: number): string =>
      `${escapeJsonForTerminal(JSON.stringify(value, null, indent))}\n`;
    return {
      event: (event) => (asLines ? line(event) : ""),
      result: (result) => line(result, viewContext.terminal && !endlessCommands.has(call.name) ? 2 : undefined),
    };
  }
  const load = formats[call.name]?.[format];
  if (load === undefined) throw new Error(`The command ${call.name} has no code for the format ${format}.`);
  const chosen = (await load()) as Format<unknown, unknown>;
  return {
    event: (event) => chosen.event?.(event) ?? "",
    result: (result) => chosen.result(result, formatContext),
  };
}
