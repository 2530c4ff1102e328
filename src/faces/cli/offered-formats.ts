/**
 * @module Which commands can be printed in which formats beside text and JSON. Plain data: the grammar, help and the reference
 * are made from it.
 */

/** Formats that some commands offer. Every command offers text and `--json`. */
export type OfferedFormat = "ndjson" | "csv" | "xml";

/** Formats by command. Whoever offers `ndjson` prints one document with `--json`. */
export const offeredFormats: Readonly<Record<string, readonly OfferedFormat[]>> = {
  scan: ["ndjson", "csv", "xml"],
};

/** What help says of each. */
export const formatDescriptions: Readonly<Record<OfferedFormat, string>> = {
  ndjson: "Print each finding as a line of JSON as soon as it is known, the result last",
  csv: "Print the findings as CSV (RFC 4180), for spreadsheets",
  xml: "Print the result in nmap's XML format, for programs that read it",
};
