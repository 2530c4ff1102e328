/**
 * @module What a table of results is to a program: rows, and columns that each have one plain value.
 */
import { PortolanError, knownOr, quote, type Known } from "../../../core/index.ts";
import type { CsvCell } from "./csv.ts";

/** The rows of a command's result, and what there is to say of each. */
export interface RowSource<Result, Row = unknown> {
  readonly rows: (result: Result) => readonly Row[];
  /** By name, in the usual order. */
  readonly columns: Readonly<Record<string, (row: Row) => CsvCell>>;
}

/** Checks that a source's parts fit together, and forgets their types. */
export function rowSource<Result, Row>(source: RowSource<Result, Row>): RowSource<never> {
  return source as unknown as RowSource<never>;
}

/** A known value, or nothing: a cell has no room for why. */
export function cell<T extends CsvCell>(fact: Known<T>): CsvCell {
  return knownOr(fact, null);
}

/** Several values in one cell. */
export function joined(values: readonly (string | number)[]): string {
  return values.join(" ");
}

/**
 * The columns that a user named.
 * @param text names with commas between them; in any case, a `-` or nothing where a name has an inner capital
 * @throws ARGUMENT_INVALID naming the one that there is not, and those that there are
 */
export function chooseColumns(text: string, offered: readonly string[]): readonly string[] {
  const plain = (name: string): string => name.toLowerCase().replaceAll("-", "");
  const byPlainName = new Map(offered.map((name) => [plain(name), name]));
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const chosen = names.map((name) => {
    const found = byPlainName.get(plain(name));
    if (found !== undefined) return found;
    const near = offered.filter((other) => plain(other).startsWith(plain(name)) || plain(other).includes(plain(name)));
    const hint = near.length > 0 ? `Did you mean ${near.slice(0, 3).join(" or ")}? ` : "";
    throw new PortolanError("ARGUMENT_INVALID", `--columns: there is no column ${quote(name)}.`, {
      details: { argument: "columns", given: name, hint: `${hint}There are ${offered.join(", ")}.` },
    });
  });
  if (chosen.length > 0) return chosen;
  throw new PortolanError("ARGUMENT_INVALID", "--columns needs at least one name.", {
    details: { argument: "columns", given: text, hint: `There are ${offered.join(", ")}.` },
  });
}
