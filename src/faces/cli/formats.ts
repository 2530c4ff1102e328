/**
 * @module The code behind each offered format, loaded when it is asked for.
 */
import type { OfferedFormat } from "./offered-formats.ts";

/** What a format may know beside the result. */
export interface FormatContext {
  /** Portolan's version. */
  readonly version: string;
  /** The command line, for formats that record it. */
  readonly words: readonly string[];
}

/** How a result is written for other programs. */
export interface Format<Result, Event = never> {
  /** An event as it comes. Formats without it tell everything at the end. */
  readonly event?: (event: Event) => string;
  readonly result: (result: Result, context: FormatContext) => string;
}

/** Loaders by command and format. */
export const formats: Readonly<Record<string, Partial<Record<OfferedFormat, () => Promise<Format<never, never>>>>>> = {
  follow: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  scan: {
    ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat,
    csv: async () => (await import("./formats/scan-csv.ts")).scanCsvFormat,
    xml: async () => (await import("./formats/scan-xml.ts")).scanXmlFormat,
  },
};
