/**
 * @module Names of ports, found in the packed table without taking it apart: `list` needs a few of twelve thousand.
 */
import type { Transport } from "../core/index.ts";
import { onceForTables } from "./active-tables.ts";
import { findLines } from "./packed-lines.ts";
import { tableTransports } from "./table-transports.ts";

/** The table as one text. */
export const readNameTable = onceForTables((tables) => tables.names());

/** One line of the table. */
export interface NameLine {
  readonly port: number;
  readonly mask: number;
  readonly name: string;
}

/** Takes a line of the table apart. */
export function readLine(line: string): NameLine {
  const first = line.indexOf(" ");
  const second = line.indexOf(" ", first + 1);
  return {
    port: Number(line.slice(0, first)),
    mask: Number(line.slice(first + 1, second)),
    name: line.slice(second + 1),
  };
}

/** The primary name of a port, e.g. `http` for 80 and tcp; `undefined` when it is assigned to nobody. */
export function primaryNameOf(port: number, transport: Transport): string | undefined {
  const bit = 1 << tableTransports.indexOf(transport);
  for (const line of findLines(readNameTable(), port)) {
    const { mask, name } = readLine(line);
    if ((mask & bit) !== 0) return name;
  }
  return undefined;
}

const readLowerCaseTable = onceForTables(() => `\n${readNameTable().toLowerCase()}\n`);

/** Ports of a registered name, letter case ignored, in ascending order; found by searching the table's text. */
export function portsOfName(name: string): readonly number[] {
  // A space or line feed would match across fields.
  if (name === "" || /\s/.test(name)) return [];
  const lowerCaseTable = readLowerCaseTable();
  const wanted = ` ${name.toLowerCase()}\n`;
  const ports: number[] = [];
  for (let end = lowerCaseTable.indexOf(wanted); end !== -1; end = lowerCaseTable.indexOf(wanted, end + 1)) {
    const start = lowerCaseTable.lastIndexOf("\n", end) + 1;
    // The field before the name is the transports, and before it stands the port.
    const { port } = readLine(lowerCaseTable.slice(start, end + wanted.length - 1));
    if (ports.at(-1) !== port) ports.push(port);
  }
  return ports;
}
