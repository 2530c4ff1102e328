/**
 * @module Look-up of developer conventions by port and by word.
 */
import type { Transport } from "../core/index.ts";
import { readConvention, type Convention } from "./convention.ts";
import { conventionsTable as makeConventionTable } from "./conventions.generated.ts";
import { findLines } from "./packed-lines.ts";

/** The table as one text; a bundler copies a constant to each of its uses, and a function not. */
const conventionsTable = makeConventionTable();

/** Ports that were asked for: of one listener several things are asked. */
const askedPorts = new Map<number, readonly Convention[]>();

/** What programs use a port by default, the most common first. Without a transport, of all transports. */
export function conventionsOf(port: number, transport?: Transport): readonly Convention[] {
  let all = askedPorts.get(port);
  if (all === undefined) {
    all = findLines(conventionsTable, port).map(readConvention);
    askedPorts.set(port, all);
  }
  return transport === undefined ? all : all.filter((convention) => convention.transport === transport);
}

let everyConvention: readonly Convention[] | undefined;

/** Every convention, by port. */
export function allConventions(): readonly Convention[] {
  everyConvention ??= conventionsTable.split("\n").map(readConvention);
  return everyConvention;
}

/** Conventions with this word, by port; the word in lower case. */
export function conventionsNamed(word: string): readonly Convention[] {
  return allConventions().filter((convention) => convention.name === word);
}
