/**
 * @module IANA's assignments in full: every name of a port with its description and source.
 */
import type { Port, Transport } from "../core/index.ts";
import { onceForTables } from "./active-tables.ts";
import { descriptionsTable } from "./descriptions.generated.ts";
import { readLine, readNameTable, type NameLine } from "./names.ts";
import { findLines } from "./packed-lines.ts";
import { sources } from "./sources.generated.ts";
import { tableTransports } from "./table-transports.ts";

/** One name of one port and transport. */
export interface Assignment {
  readonly name: string;
  readonly transport: Transport;
  readonly port: Port;
  /** IANA's description, `""` when it has none. */
  readonly description: string;
  /** `IANA`, or the document on which our own overlay rests. */
  readonly source: string;
}

interface DescribedLine extends NameLine {
  readonly description: string;
  readonly source: string;
}

const readDescriptions = onceForTables(({ described }) => ({
  text: described === null ? descriptionsTable() : described.descriptions(),
  sources: described === null ? sources : described.sources,
}));

/** Joins a line of names with the line of descriptions at the same place. */
function describeLine(nameLine: string, descriptionLine: string, documents: readonly string[]): DescribedLine {
  const first = descriptionLine.indexOf(" ");
  const second = descriptionLine.indexOf(" ", first + 1);
  const source = documents[Number(descriptionLine.slice(first + 1, second))] ?? "IANA";
  return { ...readLine(nameLine), description: descriptionLine.slice(second + 1), source };
}

function describedLinesOf(port: number): DescribedLine[] {
  const { text, sources: documents } = readDescriptions();
  const names = findLines(readNameTable(), port);
  const descriptions = findLines(text, port);
  return names.map((line, index) => describeLine(line, descriptions[index] ?? "", documents));
}

function* expandLine(line: DescribedLine, transport?: Transport): Generator<Assignment> {
  for (const [bit, candidate] of tableTransports.entries()) {
    if ((line.mask & (1 << bit)) === 0 || (transport !== undefined && transport !== candidate)) continue;
    const { name, port, description, source } = line;
    yield { name, transport: candidate, port: port as Port, description, source };
  }
}

/** Every assignment of a port, primary first; of one transport when it is given. */
export function assignmentsOf(port: number, transport?: Transport): readonly Assignment[] {
  return describedLinesOf(port).flatMap((line) => [...expandLine(line, transport)]);
}

/** Every assignment there is, by port. */
export function* allAssignments(): Generator<Assignment> {
  const { text, sources: documents } = readDescriptions();
  const descriptions = text.split("\n");
  for (const [index, line] of readNameTable().split("\n").entries()) {
    yield* expandLine(describeLine(line, descriptions[index] ?? "", documents));
  }
}
