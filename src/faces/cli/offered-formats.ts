/**
 * @module Which commands can be printed in which formats beside text and JSON, and in which columns. Plain data: the grammar, help,
 * completions and the reference are made from it.
 */

/** Formats that some commands offer. Every command offers text and `--json`. */
export type OfferedFormat = "ndjson" | "csv" | "xml" | "sarif";

/** A format with what help says of it. */
interface FormatOffer {
  readonly name: OfferedFormat;
  readonly description: string;
}

const findings: FormatOffer = {
  name: "ndjson",
  description: "Print each finding as a line of JSON as soon as it is known, the result last",
};
const lines: FormatOffer = { name: "ndjson", description: "Print each row as a line of JSON" };
const csv: FormatOffer = { name: "csv", description: "Print the rows as CSV (RFC 4180), for spreadsheets" };
const xml: FormatOffer = {
  name: "xml",
  description: "Print the result in nmap's XML format, for programs that read it",
};
const sarif: FormatOffer = {
  name: "sarif",
  description: "Print the findings as SARIF 2.1.0, for code hosts and editors",
};

/** Commands that end only when they are stopped: with `--json`, too, they print a line as soon as there is something to tell. */
export const endlessCommands: ReadonlySet<string> = new Set([
  "follow",
  "watch",
  "ui",
  "record",
  "gateway",
  "trace",
  "forward",
  "share",
  "up",
]);

/** Formats by command. Whoever offers `ndjson` prints one document with `--json`. */
export const offeredFormats: Readonly<Record<string, readonly FormatOffer[]>> = {
  list: [lines, csv],
  who: [lines, csv],
  connections: [lines, csv],
  scan: [findings, csv, xml],
  follow: [findings],
  watch: [findings],
  interfaces: [lines, csv],
  services: [lines, csv],
  ranges: [lines, csv],
  reservations: [lines, csv],
  wait: [findings, csv],
  history: [lines, csv],
  routes: [lines, csv],
  trace: [findings],
  forward: [findings],
  up: [findings],
  check: [sarif],
};

const serviceColumns =
  "port transport range service basis process pid processes user uid project root branch framework supervisor container image namespace " +
  "reach scope addresses url urls started memory executable folder arguments inode";

/** Columns by command, in their usual order: what `--columns` takes, and what CSV has without it. */
export const offeredColumns: Readonly<Record<string, readonly string[]>> = {
  list: serviceColumns.split(" "),
  who: serviceColumns.split(" "),
  connections: (
    "transport direction state localAddress localPort remoteAddress remotePort process pid peerProcess peerPid servicePort service sent " +
    "received roundTripMicroseconds idleMs uid inode namespace"
  ).split(" "),
  scan: "address host transport port state reason service basis product version tls certificate protocols evidence roundTripMs".split(
    " ",
  ),
  interfaces:
    "interface address family prefix network audience up loopback index mtu hardware defaultIpv4 defaultIpv6".split(
      " ",
    ),
  services: "port transports name title description basis alive source".split(" "),
  ranges: "id title first last count listening explanation source".split(" "),
  reservations: "port kind name project created uid remainingMs pids".split(" "),
  history: (
    "port transport from startKnown to endKnown service basis process pid user uid project root branch framework container reach addresses " +
    "command"
  ).split(" "),
  routes: "name target state pid command workingDirectory url createdAt".split(" "),
  wait: "endpoint ready how afterMs status reason".split(" "),
};
