/**
 * @module From a name to its ports: exact names, the names people say, search, and what might have been meant.
 */
import type { Port, Transport } from "../core/index.ts";
import { onceForTables } from "./active-tables.ts";
import { aliases, meaningOfAlias } from "./aliases.ts";
import { allAssignments, type Assignment } from "./assignments.ts";
import type { Convention } from "./convention.ts";
import { allConventions, conventionsNamed, conventionsOf } from "./conventions.ts";
import { longestName } from "./resolve.ts";

/** A service with every port of its name. */
export interface ServicePorts {
  /** Its registered or conventional name. */
  readonly name: string;
  /** The word that was asked, when it is not the name itself. */
  readonly alias: string | null;
  readonly ports: readonly { readonly port: Port; readonly transports: readonly Transport[] }[];
  readonly description: string;
}

/** One line of a search's answer. */
export interface ServiceMatch {
  readonly name: string;
  /** A person's name for it, of conventions; `null` of assignments. */
  readonly title: string | null;
  readonly port: Port;
  readonly transports: readonly Transport[];
  readonly description: string;
  readonly basis: "assigned" | "convention";
  readonly source: string;
}

/** Assignments by lower-case name. */
const assignmentsByName = onceForTables(() => {
  const byName = new Map<string, Assignment[]>();
  for (const assignment of allAssignments()) {
    const key = assignment.name.toLowerCase();
    const known = byName.get(key);
    if (known === undefined) byName.set(key, [assignment]);
    else known.push(assignment);
  }
  return byName;
});

/** A service by its exact name, by a name that people say, or by a convention's word; letter case does not matter. */
export function findService(name: string): ServicePorts | undefined {
  if (name.length > longestName) return undefined;
  const asked = name.toLowerCase();
  const assignments: Assignment[] = [];
  const conventions: Convention[] = [];
  for (const target of meaningOfAlias(asked) ?? [asked]) {
    if (typeof target === "number") {
      const known = conventionsOf(target);
      const meant = known.find((convention) => convention.name === asked) ?? known[0];
      if (meant !== undefined) conventions.push(meant);
      continue;
    }
    const registered = assignmentsByName().get(target) ?? [];
    assignments.push(...registered);
    if (registered.length === 0) conventions.push(...conventionsNamed(target));
  }
  return describeAssignments(assignments, asked) ?? describeConventions(conventions, asked);
}

function describeConventions(conventions: readonly Convention[], asked: string): ServicePorts | undefined {
  const first = conventions[0];
  if (first === undefined) return undefined;
  return {
    name: first.name,
    alias: asked === first.name ? null : asked,
    ports: conventions.map(({ port, transport }) => ({ port, transports: [transport] })),
    description: `${first.title}: ${first.description}`,
  };
}

function describeAssignments(assignments: readonly Assignment[], asked: string): ServicePorts | undefined {
  const first = assignments[0];
  if (first === undefined) return undefined;
  const ports = new Map<Port, Transport[]>();
  for (const { port, transport } of assignments) {
    const transports = ports.get(port);
    if (transports === undefined) ports.set(port, [transport]);
    else if (!transports.includes(transport)) transports.push(transport);
  }
  return {
    name: first.name,
    alias: asked === first.name.toLowerCase() ? null : asked,
    ports: [...ports].map(([port, transports]) => ({ port, transports })),
    description: first.description,
  };
}

/**
 * Searches names, aliases, titles, descriptions and numbers. Best first: the exact name, names that begin so, names that hold the
 * text, descriptions; conventions before assignments of the same rank, then by port.
 * @param options.limit most matches returned, default 50; `total` counts all
 */
export function searchServices(
  text: string,
  options: { limit?: number } = {},
): { total: number; matches: readonly ServiceMatch[] } {
  const wanted = text.trim().toLowerCase();
  const meant = new Set(meaningOfAlias(wanted) ?? []);
  const ranked: { rank: number; match: ServiceMatch }[] = [];
  for (const convention of allConventions()) {
    const { name, title, port, transport, description, source } = convention;
    const rank = meant.has(port) || meant.has(name) ? 0 : rankOf(wanted, [name, title], description, port);
    if (rank === undefined) continue;
    ranked.push({
      rank,
      match: { name, title, port, transports: [transport], description, basis: "convention", source },
    });
  }
  for (const match of assignedMatches()) {
    const rank = meant.has(match.name) ? 0 : rankOf(wanted, [match.name], match.description, match.port);
    if (rank !== undefined) ranked.push({ rank, match });
  }
  ranked.sort((left, right) => left.rank - right.rank || left.match.port - right.match.port);
  return { total: ranked.length, matches: ranked.slice(0, options.limit ?? 50).map((entry) => entry.match) };
}

/** 0 exact, 1 a name begins so, 2 a name holds it, 3 the number begins so, 4 the description holds it. */
function rankOf(wanted: string, names: readonly string[], description: string, port: number): number | undefined {
  const lower = names.map((name) => name.toLowerCase());
  if (lower.includes(wanted) || String(port) === wanted) return 0;
  if (lower.some((name) => name.startsWith(wanted))) return 1;
  if (lower.some((name) => name.includes(wanted))) return 2;
  if (/^\d+$/.test(wanted) && String(port).startsWith(wanted)) return 3;
  return description.toLowerCase().includes(wanted) ? 4 : undefined;
}

/** Assignments with the transports of one name and port joined. */
function assignedMatches(): Iterable<ServiceMatch> {
  const joined = new Map<string, ServiceMatch & { transports: Transport[] }>();
  for (const { name, port, transport, description, source } of allAssignments()) {
    const key = `${port} ${name}`;
    const known = joined.get(key);
    if (known !== undefined) known.transports.push(transport);
    else joined.set(key, { name, title: null, port, transports: [transport], description, basis: "assigned", source });
  }
  return joined.values();
}

const mostSuggestions = 3;

/** Up to three names near a mistyped one, nearest first; names that more people say go first among equals. */
export function suggestServices(name: string): readonly string[] {
  const asked = name.toLowerCase();
  if (asked.length < 2 || asked.length > 40) return [];
  const cap = asked.length <= 4 ? 1 : 2;
  const found = new Map<string, number>();
  const consider = (candidate: string, weight: number): void => {
    if (found.has(candidate) || Math.abs(candidate.length - asked.length) > cap) return;
    const distance = editDistance(asked, candidate, cap);
    if (distance <= cap) found.set(candidate, distance * 10 + weight);
  };
  for (const word of Object.keys(aliases)) consider(word, 0);
  for (const convention of allConventions()) consider(convention.name, 1);
  for (const [key, assignments] of assignmentsByName()) consider(key, (assignments[0]?.port ?? 65_535) < 1024 ? 2 : 5);
  return [...found]
    .sort((left, right) => left[1] - right[1])
    .slice(0, mostSuggestions)
    .map(([candidate]) => candidate);
}

/** Edits (insert, delete, replace, swap neighbours) between two short words, or more than `cap`. */
function editDistance(left: string, right: string, cap: number): number {
  let before: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, (before[column - 2] ?? 0) + 1);
      }
      current.push(cost);
    }
    if (Math.min(...current) > cap) return cap + 1;
    before = previous;
    previous = current;
  }
  return previous[right.length] ?? cap + 1;
}
