/**
 * @module IANA's assignments in full: every name of a port with its description and source.
 */
import type { Port, Transport } from "../core/index.ts";
import { descriptionTable, sources } from "./descriptions.generated.ts";
import { nameTable } from "./names.generated.ts";
import { readLine, tableTransports, type NameLine } from "./names.ts";

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

let describedLines: readonly DescribedLine[] | undefined;
let firstLineOf: Map<number, number> | undefined;

/** Both tables taken apart; some milliseconds, once. */
function allLines(): readonly DescribedLine[] {
  if (describedLines === undefined) {
    const descriptions = descriptionTable().split("\n");
    describedLines = nameTable()
      .split("\n")
      .map((text, index) => {
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
  for (const line of allLines()) yield* expandLine(line);
}
