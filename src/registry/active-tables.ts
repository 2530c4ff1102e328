/**
 * @module The tables of assignments that are in use: those of the build, or newer ones that whoever runs us has at hand.
 */
import { namesTable } from "./names.generated.ts";

/** Tables that are read when they are needed, each at most once. `list` needs names alone. */
export interface TableSource {
  /** As `AssignmentTables.names`. */
  readonly names: () => string;
  /** As `AssignmentTables.descriptions`; `null` for those of the build, which only who tells descriptions loads. */
  readonly described: {
    readonly descriptions: () => string;
    readonly sources: readonly string[];
  } | null;
}

/** The tables of the build. */
const builtIn: TableSource = { names: namesTable, described: null };

let installed: (() => TableSource | undefined) | undefined;
let active: TableSource | undefined;

/**
 * Names a newer table, instead of whatever was named before. It is asked for at the first look-up and not before.
 * @param load gives the table, `undefined` when there is none after all; leave it out to go back to the table of the build
 */
export function useAssignments(load?: () => TableSource | undefined): void {
  installed = load;
  active = undefined;
}

/** What is looked things up in now. */
function activeTables(): TableSource {
  return (active ??= installed?.() ?? builtIn);
}

/** Something made of the tables in use, made once for each of them. */
export function onceForTables<T>(make: (tables: TableSource) => T): () => T {
  let madeOf: TableSource | undefined;
  let made: T | undefined;
  return () => {
    // Making it may show that the table is damaged, and bring another one into use.
    for (let tables = activeTables(); madeOf !== tables; tables = activeTables()) {
      made = make(tables);
      madeOf = tables;
    }
    return made as T;
  };
}
