/**
 * @module The code behind each offered format, loaded when it is asked for.
 */
import type { OfferedFormat } from "./offered-formats.ts";
import type { RowSource } from "./formats/row-source.ts";

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

/** Formats that are a command's own, by command and format. */
export const formats: Readonly<Record<string, Partial<Record<OfferedFormat, () => Promise<Format<never, never>>>>>> = {
  scan: {
    ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat,
    xml: async () => (await import("./formats/scan-xml.ts")).scanXmlFormat,
  },
  follow: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  watch: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  trace: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  forward: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  up: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
  check: { sarif: async () => (await import("./formats/check-sarif.ts")).checkSarifFormat },
  wait: { ndjson: async () => (await import("./formats/ndjson.ts")).ndjsonFormat },
};

/** Rows of the commands whose result is a table: their CSV, their columns, and their lines of JSON where none are their own. */
export const rowSources: Readonly<Record<string, () => Promise<RowSource<never>>>> = {
  list: async () => (await import("./formats/rows/services-rows.ts")).listRows,
  who: async () => (await import("./formats/rows/services-rows.ts")).whoRows,
  connections: async () => (await import("./formats/rows/connections-rows.ts")).connectionsRows,
  scan: async () => (await import("./formats/rows/scan-rows.ts")).scanRows,
  interfaces: async () => (await import("./formats/rows/other-rows.ts")).interfacesRows,
  services: async () => (await import("./formats/rows/other-rows.ts")).servicesRows,
  ranges: async () => (await import("./formats/rows/other-rows.ts")).rangesRows,
  reservations: async () => (await import("./formats/rows/other-rows.ts")).reservationsRows,
  wait: async () => (await import("./formats/rows/other-rows.ts")).waitRows,
  routes: async () => (await import("./formats/rows/routes-rows.ts")).routesRows,
  history: async () => (await import("./formats/rows/history-rows.ts")).historyRows,
};
