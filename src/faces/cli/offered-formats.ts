/**
 * @module Which commands can be printed in which formats beside text and JSON. Plain data: the grammar, help and the reference
 * are made from it.
 */

/** Formats that some commands offer. Every command offers text and `--json`. */
export type OfferedFormat = "ndjson" | "csv" | "xml";

/** A format with what help says of it. */
interface FormatOffer {
  readonly name: OfferedFormat;
  readonly description: string;
}

const ndjson: FormatOffer = {
  name: "ndjson",
  description: "Print each finding as a line of JSON as soon as it is known, the result last",
};
const csv: FormatOffer = { name: "csv", description: "Print the findings as CSV (RFC 4180), for spreadsheets" };
const xml: FormatOffer = {
  name: "xml",
  description: "Print the result in nmap's XML format, for programs that read it",
};

/** Commands that end only when they are stopped: with `--json`, too, they print a line as soon as there is something to tell. */
export const endlessCommands: ReadonlySet<string> = new Set(["follow"]);

/** Formats by command. Whoever offers `ndjson` prints one document with `--json`. */
export const offeredFormats: Readonly<Record<string, readonly FormatOffer[]>> = {
  scan: [ndjson, csv, xml],
  follow: [ndjson],
};
