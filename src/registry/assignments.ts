/**
 * @module IANA's assignments: names by port. Names are found in the packed table without taking it apart.
 */
import type { Port, Transport } from "../core/index.ts";
import { descriptionTable, sources } from "./descriptions.generated.ts";
import { nameTable } from "./names.generated.ts";

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

/** Transports in the order of the table's bits. */
const order: readonly Transport[] = ["tcp", "udp", "sctp", "dccp"];

/** Where the first line of a port begins in the name table, or -1. Binary search over the text: some 13 looks. */
function findFirstLine(port: number): number {
  let low = 0;
  let high = nameTable.length;
  let found = -1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const start = nameTable.lastIndexOf("\n", middle - 1) + 1;
    const here = Number.parseInt(nameTable.slice(start, start + 6), 10);
    if (here < port) {
      const end = nameTable.indexOf("\n", middle);
      low = end === -1 ? nameTable.length : end + 1;
    } else {
      if (here === port) found = start;
      high = start;
    }
  }
  return found;
}

interface NameLine {
  readonly port: number;
  readonly mask: number;
  readonly name: string;
}

function readLine(line: string): NameLine {
  const first = line.indexOf(" ");
  const second = line.indexOf(" ", first + 1);
  return {
    port: Number(line.slice(0, first)),
    mask: Number(line.slice(first + 1, second)),
    name: line.slice(second + 1),
  };
}

function linesOf(port: number): NameLine[] {
  const lines: NameLine[] = [];
  for (let start = findFirstLine(port); start !== -1 && start < nameTable.length;) {
    const end = nameTable.indexOf("\n", start);
    const line = readLine(nameTable.slice(start, end === -1 ? undefined : end));
    if (line.port !== port) break;
    lines.push(line);
    if (end === -1) break;
    start = end + 1;
  }
  return lines;
}

/** The primary name of a port, e.g. `http` for 80 and tcp; `undefined` when it is assigned to nobody. */
export function primaryNameOf(port: number, transport: Transport): string | undefined {
  const bit = 1 << order.indexOf(transport);
  return linesOf(port).find((line) => (line.mask & bit) !== 0)?.name;
}

interface DescribedLine extends NameLine {
  readonly description: string;
  readonly source: string;
}

let describedLines: readonly DescribedLine[] | undefined;
let firstLineOf: Map<number, number> | undefined;

/** Both tables taken apart; some milliseconds, once. */
function allLines(): readonly DescribedLine[] {
  if (describedLines === undefined) {
    const descriptions = descriptionTable.split("\n");
    describedLines = nameTable.split("\n").map((text, index) => {
      const description = descriptions[index] ?? "";
      const space = description.indexOf(" ");
      const source = sources[Number(description.slice(0, space))] ?? "IANA";
      return { ...readLine(text), description: description.slice(space + 1), source };
    });
  }
  return describedLines;
}

function describedLinesOf(port: number): DescribedLine[] {
  const lines = allLines();
  if (firstLineOf === undefined) {
    firstLineOf = new Map();
    for (const [index, line] of lines.entries()) if (!firstLineOf.has(line.port)) firstLineOf.set(line.port, index);
  }
  const found: DescribedLine[] = [];
  const first = firstLineOf.get(port);
  if (first === undefined) return found;
  for (let index = first; index < lines.length; index++) {
    const line = lines[index];
    if (line === undefined || line.port !== port) break;
    found.push(line);
  }
  return found;
}

function* expandLine(line: DescribedLine, transport?: Transport): Generator<Assignment> {
  for (const [bit, candidate] of order.entries()) {
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
  for (const line of allLines()) yield* expandLine(line);
}
