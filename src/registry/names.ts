/**
 * @module Names of ports, found in the packed table without taking it apart: `list` needs a few of twelve thousand.
 */
import type { Transport } from "../core/index.ts";
import { namesTable } from "./names.generated.ts";
import { findLines } from "./packed-lines.ts";

/** Transports in the order of the table's bits. */
export const tableTransports: readonly Transport[] = ["tcp", "udp", "sctp", "dccp"];

/** The table as one text; a bundler copies a constant to each of its uses, and a function not. */
export const nameTable = namesTable();

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
  for (const line of findLines(nameTable, port)) {
    const { mask, name } = readLine(line);
    if ((mask & bit) !== 0) return name;
  }
  return undefined;
}

let lowerCaseTable: string | undefined;

/** Ports of a registered name, letter case ignored, in ascending order; found by searching the table's text. */
export function portsOfName(name: string): readonly number[] {
  // A space or line feed would match across fields.
  if (name === "" || /\s/.test(name)) return [];
  lowerCaseTable ??= `\n${nameTable.toLowerCase()}\n`;
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
