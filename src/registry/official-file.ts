/**
 * @module IANA's CSV file of the Service Name and Transport Protocol Port Number Registry: read, checked, and not believed.
 *
 * Whatever stands in the way of a file is an error page, a half of a download or somebody's joke: REGISTRY_INVALID names the first
 * thing that is not as it must be.
 */
import { PortolanError, highestPort, quote, type Transport } from "../core/index.ts";
import { CsvProblem, readCsvRecords, type CsvRecord } from "./csv-records.ts";
import { isConformingName, type AssignmentRow } from "./pack-assignments.ts";
import { tableTransports } from "./table-transports.ts";

/** Where IANA publishes it. */
export const officialUrl = "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.csv";

/** What a file holds. */
export interface OfficialFile {
  /** Records without the header. */
  readonly recordCount: number;
  /** Named ports of the four transports, in the order of the file; ranges are taken apart. */
  readonly rows: readonly AssignmentRow[];
}

const header = [
  "Service Name",
  "Port Number",
  "Transport Protocol",
  "Description",
  "Assignee",
  "Contact",
  "Registration Date",
  "Modification Date",
  "Reference",
  "Service Code",
  "Unauthorized Use Reported",
  "Assignment Notes",
];

/** The file of 2026 has 14,499 records and 11,838 names of ports; IANA adds some hundred a year and removes few. */
const fewestRecords = 10_000;
const mostRecords = 200_000;
const fewestNames = 9000;
const mostNames = 200_000;
/** The longest of the file of 2026 has 1,532 characters. */
const longestField = 16_384;
/** RFC 6335 §5.1 allows 15; names from before have some more. */
const longestName = 64;
/** Names from before RFC 6335 hold these beside letters, digits and hyphens. */
const oldName = /^[a-z0-9][a-z0-9 ._+*/&-]*$/i;
/** 185 of 12,779 in the file of 2026 do not conform. */
const largestShareOfOldNames = 0.05;
/** Controls but line ends, invisible and private characters, lone surrogates, and the mark of bytes that are no UTF-8. */
const strangeCharacter = /[^\P{C}\r\n]|[\u2028\u2029\ufffd]/u;
/** What a spreadsheet would take for a formula; no name or description of the file begins so. */
const formula = /^(?:[=+@]|-\S)/;
const portText = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** What everybody knows. A file in which one of these is missing is another file. */
const knownFacts: readonly (readonly [string, number, Transport])[] = [
  ["ftp", 21, "tcp"],
  ["ssh", 22, "tcp"],
  ["telnet", 23, "tcp"],
  ["smtp", 25, "tcp"],
  ["domain", 53, "tcp"],
  ["domain", 53, "udp"],
  ["http", 80, "tcp"],
  ["ntp", 123, "udp"],
  ["https", 443, "tcp"],
  ["mysql", 3306, "tcp"],
  ["postgresql", 5432, "tcp"],
  ["bacnet", 47_808, "udp"],
];

/** Reserved (RFC 6335 §6), and the last port of the file: where it is missing the file was cut. */
const lastPort = 49_151;

/**
 * Reads and checks the file's text.
 * @throws REGISTRY_INVALID
 */
export function readOfficialFile(text: string): OfficialFile {
  const records = readRecords(text);
  const rows: AssignmentRow[] = [];
  let recordCount = 0;
  let nameCount = 0;
  let oldNameCount = 0;
  let reachesEnd = false;
  for (const { fields, line } of records) {
    recordCount += 1;
    if (recordCount > mostRecords) throw invalid(`it has more than ${mostRecords} records`);
    const [name = "", ports = "", transport = "", description = ""] = fields;
    const range = readPorts(ports, line);
    reachesEnd ||= range !== undefined && range.first <= lastPort && range.last >= lastPort;
    if (transport !== "" && !/^[a-z]{2,10}$/.test(transport)) {
      throw invalid(`line ${line}: ${quoteShort(transport)} is no transport protocol`);
    }
    if (name !== "") {
      nameCount += 1;
      if (!isConformingName(name) || name.length > 15) {
        oldNameCount += 1;
        if (name.length > longestName || !oldName.test(name)) {
          throw invalid(`line ${line}: ${quoteShort(name)} is no service name`);
        }
      }
    }
    if (formula.test(description))
      throw invalid(`line ${line}: the description ${quoteShort(description)} is a formula`);
    const known = tableTransports.find((candidate) => candidate === transport);
    if (name === "" || range === undefined || known === undefined) continue;
    if (rows.length + range.last - range.first > mostNames) throw invalid(`it has more than ${mostNames} named ports`);
    for (let port = range.first; port <= range.last; port++) {
      rows.push({ port, transport: known, name, description: shorten(description), source: "IANA" });
    }
  }
  if (recordCount < fewestRecords) {
    throw invalid(`it has ${recordCount} records, and the registry has more than ${fewestRecords}`);
  }
  if (rows.length < fewestNames) {
    throw invalid(`it names ${rows.length} ports, and the registry more than ${fewestNames}`);
  }
  if (oldNameCount > nameCount * largestShareOfOldNames) {
    throw invalid(`${oldNameCount} of its ${nameCount} names are not as RFC 6335 §5.1 has them`);
  }
  if (!reachesEnd) throw invalid(`it ends before port ${lastPort}`);
  for (const [name, port, transport] of knownFacts) {
    if (!rows.some((row) => row.port === port && row.transport === transport && row.name === name)) {
      throw invalid(`it does not say that ${port}/${transport} is ${name}`);
    }
  }
  return { recordCount, rows };
}

/** Records behind the header, each with as many fields as that. */
function* readRecords(text: string): Generator<CsvRecord> {
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const body = start === 0 ? text : text.slice(start);
  if (/^\s*</.test(body)) throw invalid("it is a web page and no CSV file");
  const strange = strangeCharacter.exec(body);
  if (strange !== null) {
    const code = strange[0].codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0") ?? "";
    const line = body.slice(0, strange.index).split("\n").length;
    throw invalid(`line ${line}: it holds the character U+${code}, which is none of a table's`);
  }
  let first = true;
  try {
    for (const record of readCsvRecords(body, longestField)) {
      if (first) {
        if (record.fields.length !== header.length || record.fields.some((field, index) => field !== header[index])) {
          throw invalid(`line 1: its header is not ${quote(header.slice(0, 4).join(","))} and so on`);
        }
        first = false;
        continue;
      }
      if (record.fields.length !== header.length) {
        throw invalid(`line ${record.line}: it has ${record.fields.length} fields in place of ${header.length}`);
      }
      yield record;
    }
  } catch (error) {
    if (error instanceof CsvProblem) throw invalid(`line ${error.line}: ${error.message}`);
    throw error;
  }
  if (first) throw invalid("it is empty");
}

/** First and last port; `undefined` of services without one. */
function readPorts(text: string, line: number): { first: number; last: number } | undefined {
  if (text === "") return undefined;
  const match = portText.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first > last || last > highestPort) {
    throw invalid(`line ${line}: ${quoteShort(text)} is no range of ports`);
  }
  return { first, last };
}

/** Without IANA's own remarks on pairs of names (RFC 6335 §10.1): that one replaces the other is told by their order. */
function shorten(description: string): string {
  return description
    .replace(/\s*IANA assigned this well-formed service name as a replacement for "[^"]*"\.?\s*$/, "")
    .replace(/\s*This entry is an alias to "[^"]*"\.[^]*$/, "");
}

function quoteShort(text: string): string {
  return quote(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

/** The failure of a file that is not the registry. */
function invalid(what: string): PortolanError {
  return new PortolanError("REGISTRY_INVALID", `That is not IANA's registry: ${what}.`, { details: { problem: what } });
}
