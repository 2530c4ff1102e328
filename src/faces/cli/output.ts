/**
 * @module How a call's events and result become text: for people, or in one of the formats for programs.
 */
import type { Call } from "./call.ts";
import type { LoadedCommand } from "./commands.ts";
import { escapeJsonForTerminal, PortolanError } from "../../core/index.ts";
import { formats, rowSources, type Format, type FormatContext } from "./formats.ts";
import type { RowSource } from "./formats/row-source.ts";
import { endlessCommands, offeredColumns, offeredFormats, type OfferedFormat } from "./offered-formats.ts";
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
  const chosen = await openRows(call, page);
  if (chosen !== undefined) return chosen;
  if (format === "text") {
    return {
      event: (event) => printBlocks(view.event?.(event as never, viewContext) ?? [], page),
      result: (result) => {
        const raw = view.raw?.(result as never);
        return raw === undefined
          ? printBlocks(view.result(result as never, viewContext), page)
          : escapeJsonForTerminal(raw);
      },
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
  const own = (await load()) as Format<unknown, unknown>;
  return {
    event: (event) => own.event?.(event) ?? "",
    result: (result) => own.result(result, formatContext),
  };
}

/**
 * The output of a command whose result is a table, when CSV, lines or columns were asked for.
 * @throws ARGUMENT_INVALID for columns that there are not, or in a format that has none
 */
async function openRows(call: Call, page: Page): Promise<Output | undefined> {
  const { format, columns } = call.settings;
  const isOwn = formats[call.name]?.[format as OfferedFormat] !== undefined;
  if (columns === undefined && (isOwn || (format !== "csv" && format !== "ndjson"))) return undefined;
  if (columns !== undefined && format !== "text" && format !== "csv") {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `--columns goes with the table and with --csv; --${format} has every field.`,
      {
        details: { argument: "columns", hint: `Leave --columns or --${format} out.` },
      },
    );
  }
  if (call.input["group"] !== undefined && format !== "ndjson") {
    throw new PortolanError("ARGUMENT_INVALID", "--group makes rows of its own, which have none of these columns.", {
      details: { argument: "group", hint: "Take --json or --ndjson, or leave --group out." },
    });
  }
  const offered = offeredColumns[call.name] ?? [];
  const { chooseColumns } = await import("./formats/row-source.ts");
  const names = columns === undefined ? offered : chooseColumns(columns, offered);
  const source = (await rowSources[call.name]!()) as unknown as RowSource<unknown>;
  const { csvOf, linesOf, tableOf } = await import("./formats/row-formats.ts");
  const noContext = { version: "", words: [] };
  const write: (result: unknown) => string =
    format === "csv"
      ? (result) => csvOf(source, names).result(result, noContext)
      : format === "ndjson"
        ? (result) => linesOf(source).result(result, noContext)
        : (result) => printBlocks(tableOf(source, names, result), page);
  return { event: () => "", result: write };
}
