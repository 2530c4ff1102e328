/**
 * @module How a person writes a set of ports.
 *
 * The grammar: parts with commas between them, spaces and tabs around the commas tolerated. A part is
 * - `80`: one port;
 * - `8000-8100` or `8000..8100`: a range, both ends included, the lower first;
 * - `..1023` or `-1023`: from 0; `49152..` or `49152-`: to 65535;
 * - `ssh`, `http-alt`: a name, resolved by the resolver that is passed in.
 *
 * A part made only of digits, dots and hyphens is numbers; any other part is one name, hyphens included. That is never
 * ambiguous, because a service name has at least one letter (RFC 6335 §5.1). Ranges between names do not exist.
 */
import { PortolanError } from "./errors.ts";
import { describePortProblem, highestPort, lowestPort, toPort, type Port } from "./port.ts";
import { clip, quote, quoteCharacterAt, shiftPositions } from "./text.ts";

/** Ports of a service name, `undefined` or none when the name is not known. */
export type PortNameResolver = (name: string) => readonly number[] | undefined;

/** Longest text that `PortSet.parse` reads, in characters: a list of all 65,536 ports, one by one, has 382,105. */
export const longestPortSetText = 400_000;

/** Longest part, in characters. IANA names have at most 15 (RFC 6335 §5.1), older ones some more. */
const longestName = 64;

/** Takes a range of ports, both ends included. */
type RangeSink = (first: number, last: number) => void;

/**
 * Reads a text part by part and gives each range to `add`. The work is bounded by the text's length, which is.
 * @throws PORT_SET_INVALID at the first part that is wrong; the ranges before it were given
 */
export function readPortRanges(text: string, resolveName: PortNameResolver | undefined, add: RangeSink): void {
  if (text.length > longestPortSetText) {
    throw invalid(text, 0, `it has ${text.length} characters, and at most ${longestPortSetText} are accepted`);
  }
  const names = new Map<string, readonly Port[]>();
  let start = 0;
  for (;;) {
    const comma = text.indexOf(",", start);
    const end = comma === -1 ? text.length : comma;
    let first = start;
    let last = end;
    while (first < last && isBlank(text.charCodeAt(first))) first++;
    while (last > first && isBlank(text.charCodeAt(last - 1))) last--;
    if (first === last) {
      const problem =
        text.trim() === "" ? "it is empty" : `at character ${start + 1} a port, a range or a name is missing`;
      throw invalid(text, start, problem);
    }
    readPart(text, first, last, add, names, resolveName);
    if (comma === -1) return;
    start = comma + 1;
  }
}

function readPart(
  text: string,
  start: number,
  end: number,
  add: RangeSink,
  names: Map<string, readonly Port[]>,
  resolveName: PortNameResolver | undefined,
): void {
  // No part that is accepted is longer than a name; a longer one is refused before anything scans it.
  if (end - start > longestName) {
    throw invalid(text, start, `the part at character ${start + 1} has more than ${longestName} characters`);
  }
  const part = text.slice(start, end);
  if (!/^[\d.-]+$/.test(part)) {
    for (const port of resolvePart(text, part, start, names, resolveName)) add(port, port);
    return;
  }
  const separator = /\.\.|-/.exec(part);
  if (separator === null) {
    const port = parseNumber(text, part, start);
    add(port, port);
    return;
  }
  const before = part.slice(0, separator.index);
  const after = part.slice(separator.index + separator[0].length);
  if (before === "" && after === "") {
    throw invalid(text, start, `${quote(part)} at character ${start + 1} has no end; write 0-65535 for every port`);
  }
  const first = before === "" ? lowestPort : parseNumber(text, before, start);
  const last = after === "" ? highestPort : parseNumber(text, after, start + part.length - after.length);
  if (first > last) {
    throw invalid(text, start, `the range ${part} at character ${start + 1} runs backwards; write ${last}-${first}`);
  }
  add(first, last);
}

function parseNumber(text: string, digits: string, start: number): number {
  const problem = describePortProblem(digits);
  if (problem === undefined) return Number(digits);
  throw invalid(
    text,
    start,
    `${quote(digits)} at character ${start + 1} is not a port: ${shiftPositions(problem, start)}`,
  );
}

function resolvePart(
  text: string,
  part: string,
  start: number,
  names: Map<string, readonly Port[]>,
  resolveName: PortNameResolver | undefined,
): readonly Port[] {
  const found = names.get(part);
  if (found !== undefined) return found;
  const refused = /[^\x21-\x7e]/u.exec(part);
  if (refused !== null) {
    const at = start + refused.index;
    const advice = /\s/.test(refused[0]) ? "write a comma between parts" : "write plain digits or a service name";
    throw invalid(text, at, `character ${at + 1} is ${quoteCharacterAt(text, at)}; ${advice}`);
  }
  // Some names start with a digit (`3com-tsmux`), so the resolver is asked before the part is called a bad number.
  const ports = resolveName?.(part)?.map(toPort);
  if (ports === undefined || ports.length === 0) {
    let advice = "not a service name that is known";
    if (part.includes("..")) advice = "not accepted: the ends of a range are port numbers";
    else if (/^[+-]?\d/.test(part))
      advice = "not a port: it is written in plain decimal digits, and no service has this name";
    else if (resolveName === undefined) advice = "a name, and only numbers are accepted here";
    throw invalid(text, start, `${quote(part)} at character ${start + 1} is ${advice}`);
  }
  names.set(part, ports);
  return ports;
}

function invalid(text: string, index: number, problem: string): PortolanError {
  return new PortolanError("PORT_SET_INVALID", `${quote(text)} is not a set of ports: ${problem}.`, {
    details: { given: clip(text), position: index + 1 },
  });
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}
