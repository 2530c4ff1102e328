/**
 * @module Which ports mean something: assigned by IANA, or some program's default.
 */
import { PortSet } from "../core/index.ts";
import { onceForTables } from "./active-tables.ts";
import { allConventions } from "./conventions.ts";
import { knownPortsBitmap } from "./known-ports.generated.ts";
import { readNameTable } from "./names.ts";

/** Every port that IANA has assigned, by any transport, and every one of the developer conventions. */
export const listKnownPorts: () => PortSet = onceForTables(({ described }) => {
  if (described === null) {
    return PortSet.fromBitmap(Uint8Array.from(atob(knownPortsBitmap), (character) => character.charCodeAt(0)));
  }
  const bitmap = new Uint8Array(8192);
  const mark = (port: number): void => void (bitmap[port >> 3]! |= 1 << (port & 7));
  const names = readNameTable();
  for (let start = 0; start < names.length;) {
    mark(Number.parseInt(names.slice(start, start + 6), 10));
    const end = names.indexOf("\n", start);
    start = end === -1 ? names.length : end + 1;
  }
  for (const { port } of allConventions()) mark(port);
  return PortSet.fromBitmap(bitmap);
});
