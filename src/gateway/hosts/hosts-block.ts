/**
 * @module Portolan's lines in a hosts file (hosts(5)): one block between two marks, everything else as it was, byte for byte. Pure; a byte
 * is a character here (Latin-1), so that no file is recoded.
 */
import { PortolanError, tryParseIpAddress } from "../../core/index.ts";

const beginMark = "# portolan begin";
const beginLine = `${beginMark}: written by portolan hosts, taken out by portolan hosts --remove`;
const endMark = "# portolan end";

/** A name and an address that it leads to. */
export interface HostLine {
  readonly address: string;
  readonly name: string;
}

/** What a hosts file says of names outside the block. */
export interface ForeignLine extends HostLine {
  /** Counted from 1. */
  readonly line: number;
}

/** A hosts file taken apart. */
export interface HostsText {
  readonly before: string;
  /** The block with the line ends around it; `""` without one. */
  readonly block: string;
  readonly after: string;
  readonly names: readonly HostLine[];
  readonly foreign: readonly ForeignLine[];
}

/**
 * Takes the text of a hosts file apart.
 * @throws HOSTS_DAMAGED when the block has no end or no beginning, is there twice, or holds what was not written there
 */
export function readHostsText(text: string): HostsText {
  if (text.includes("\u0000")) throw damaged("The hosts file holds bytes that no text has: it is left alone.", 0);
  const names: HostLine[] = [];
  const foreign: ForeignLine[] = [];
  let begin = -1;
  let end = -1;
  let inside = false;
  let at = 0;
  let number = 0;
  for (const whole of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    number += 1;
    const line = whole.replace(/\r?\n?$/, "");
    if (line.startsWith(beginMark)) {
      if (begin >= 0) throw damaged(`Line ${number} begins Portolan's block once more.`, number);
      begin = at;
      inside = true;
    } else if (line.startsWith(endMark)) {
      if (!inside) throw damaged(`Line ${number} ends a block of Portolan's that has not begun.`, number);
      inside = false;
      end = at + whole.length;
    } else if (inside) {
      const [address = "", name = "", ...more] = line.split(" ");
      if (name === "" || more.length > 0 || tryParseIpAddress(address) === undefined)
        throw damaged(`Line ${number}, within Portolan's block, was not written by it.`, number);
      names.push({ address, name });
    } else foreign.push(...readLine(line, number));
    at += whole.length;
  }
  if (inside) throw damaged("Portolan's block in the hosts file has no end.", number);
  if (begin < 0) return { before: text, block: "", after: "", names, foreign };
  // A file whose last line had no end got one before the block: it belongs to the block, which has none itself.
  const open = end === text.length && !text.endsWith("\n") && begin > 0;
  const start = open ? begin - (/^[^\n]*\r\n/.test(text.slice(begin)) ? 2 : 1) : begin;
  return { before: text.slice(0, start), block: text.slice(start, end), after: text.slice(end), names, foreign };
}

function* readLine(line: string, number: number): Generator<ForeignLine, void> {
  const [address = "", ...names] = line
    .replace(/#.*$/, "")
    .split(/[ \t]+/)
    .filter((word) => word !== "");
  for (const name of names) yield { line: number, address, name: name.toLowerCase() };
}

function damaged(message: string, line: number): PortolanError {
  return new PortolanError("HOSTS_DAMAGED", message, { details: { line } });
}

/**
 * The whole text with this block in the place of the old one, or at the end.
 * @param lines none takes the block out, and leaves what was there before it was put in
 */
export function writeHostsText({ before, after }: HostsText, lines: readonly HostLine[]): string {
  const others = before + after;
  if (lines.length === 0) return others;
  const lineEnd = /^[^\n]*\r\n/.test(others) ? "\r\n" : "\n";
  const body = [beginLine, ...lines.map(({ address, name }) => `${address} ${name}`), endMark].join(lineEnd);
  const open = before !== "" && !before.endsWith("\n");
  return open ? `${before}${lineEnd}${body}${after}` : `${before}${body}${lineEnd}${after}`;
}
