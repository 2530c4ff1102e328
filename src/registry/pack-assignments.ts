/**
 * @module Makes the packed tables from rows of assignments and our own overlay: at build time and when the registry is updated.
 */
import type { Transport } from "../core/index.ts";
import { tableTransports } from "./table-transports.ts";

/** One name of one port and transport as its source gives it. */
export interface AssignmentRow {
  readonly port: number;
  readonly transport: Transport;
  readonly name: string;
  readonly description: string;
  readonly source: string;
}

/** `data/overlay.json`: names that a source lacks or orders wrongly, each entry with the document on which it rests. */
export interface Overlay {
  readonly entries: readonly {
    /** First and last port. */
    readonly ports: readonly number[];
    readonly transports: readonly string[];
    /** Primary first. */
    readonly names: readonly string[];
    readonly description: string;
    readonly source: string;
  }[];
  /** Conforming names for old ones where hyphens alone do not make them (RFC 6335 §10.1). */
  readonly conforming: Readonly<Record<string, string>>;
}

/** The assignments as texts that are searched without being taken apart. */
export interface AssignmentTables {
  /** Lines "port transports name", by port, primary first; transports is a sum of tcp 1, udp 2, sctp 4, dccp 8. ASCII. */
  readonly names: string;
  /** Lines "port source description", in the order of `names`; source counts in `sources`. */
  readonly descriptions: string;
  /** Documents that descriptions rest on. */
  readonly sources: readonly string[];
}

interface PackedRow {
  readonly port: number;
  readonly name: string;
  readonly rank: number;
  mask: number;
  readonly description: string;
  readonly source: string;
}

/** A service name as RFC 6335 §5.1 allows it: letters, digits and single hyphens between them, a letter at least. */
const conforming = /^(?=.*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*$/i;

/** Whether a name keeps to RFC 6335 §5.1, but for its length: some from before have more than 15 characters. */
export function isConformingName(name: string): boolean {
  return conforming.test(name);
}

/**
 * Packs rows.
 * @param rows in the order of their source: of one port and transport the primary first
 * @param options.keepOthers whether names that the overlay does not have stay behind its own; default false: its entries replace
 */
export function packAssignments(
  rows: Iterable<AssignmentRow>,
  overlay: Overlay,
  options: { keepOthers?: boolean } = {},
): AssignmentTables {
  const ordered = orderRows(groupRows(rows, overlay, options.keepOthers === true));
  const sources = [...new Set(ordered.map(({ source }) => source))];
  return {
    names: ordered.map(({ port, mask, name }) => `${port} ${mask} ${cleanText(name)}`).join("\n"),
    descriptions: ordered
      .map(({ port, description, source }) => `${port} ${sources.indexOf(source)} ${cleanText(description)}`)
      .join("\n"),
    sources,
  };
}

/** Names by port and transport, primary first. */
function groupRows(
  rows: Iterable<AssignmentRow>,
  overlay: Overlay,
  keepOthers: boolean,
): Map<number, readonly AssignmentRow[]> {
  const given = new Map<number, AssignmentRow[]>();
  for (const row of rows) {
    const key = keyOf(row.port, row.transport);
    const known = given.get(key);
    if (known === undefined) given.set(key, [row]);
    else if (!known.some(({ name }) => name === row.name)) known.push(row);
  }
  const grouped = new Map<number, readonly AssignmentRow[]>();
  for (const [key, names] of given) grouped.set(key, mendNames(names, overlay));
  for (const { ports, transports, names, description, source } of overlay.entries) {
    const [first = 0, last = first] = ports;
    for (let port = first; port <= last; port++) {
      for (const transport of transports as readonly Transport[]) {
        const own = names.map((name) => ({ port, transport, name, description, source }));
        const key = keyOf(port, transport);
        const others = keepOthers ? (grouped.get(key) ?? []).filter(({ name }) => !names.includes(name)) : [];
        grouped.set(key, [...own, ...others]);
      }
    }
  }
  return grouped;
}

/**
 * Names from before RFC 6335 hold other characters. Its §10.1 gave each a conforming one, with hyphens in their place, as the
 * primary, and kept the old one as an alias.
 */
function mendNames(rows: readonly AssignmentRow[], overlay: Overlay): readonly AssignmentRow[] {
  if (rows.every(({ name }) => conforming.test(name))) return rows;
  const mended = rows.flatMap((row) => {
    if (conforming.test(row.name)) return [row];
    const replacement = Object.hasOwn(overlay.conforming, row.name) ? overlay.conforming[row.name] : undefined;
    const name = replacement ?? row.name.replaceAll(/[^a-z0-9]+/gi, "-").replaceAll(/^-+|-+$/g, "");
    const known = rows.some((other) => other.name === name);
    return conforming.test(name) && !known ? [{ ...row, name }, row] : [row];
  });
  return [
    ...mended.filter(({ name }) => conforming.test(name)),
    ...mended.filter(({ name }) => !conforming.test(name)),
  ];
}

/** One row for each name and rank of a port, by port; of one port the primary of its first transport first. */
function orderRows(grouped: ReadonlyMap<number, readonly AssignmentRow[]>): PackedRow[] {
  const rows = new Map<string, PackedRow>();
  for (const names of grouped.values()) {
    names.forEach(({ port, transport, name, description, source }, rank) => {
      const bit = 1 << tableTransports.indexOf(transport);
      const id = `${port} ${rank} ${name}`;
      const row = rows.get(id);
      if (row === undefined) rows.set(id, { port, name, rank, mask: bit, description, source });
      else row.mask |= bit;
    });
  }
  // 512/tcp is exec and 512/udp comsat: both are primaries, and the lower transport's goes first.
  return [...rows.values()].sort(
    (left, right) =>
      left.port - right.port ||
      left.rank - right.rank ||
      lowestBit(left.mask) - lowestBit(right.mask) ||
      (left.name < right.name ? -1 : 1),
  );
}

function keyOf(port: number, transport: Transport): number {
  return port * tableTransports.length + tableTransports.indexOf(transport);
}

function lowestBit(mask: number): number {
  return mask & -mask;
}

/** One line without control characters. */
export function cleanText(text: string): string {
  return text.replaceAll(/[\s\u0000-\u001f\u007f]+/g, " ").trim();
}
