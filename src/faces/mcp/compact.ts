/**
 * @module A result in as few words as a model needs: facts that could not be read say why, claims say their basis, long lists are cut.
 */
import { plainField } from "./outside-data.ts";

/** Entries of a list that are told. */
const mostEntries = 40;
const mostDepth = 7;

/** The value without what only a program would want. */
export function compact(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return plainField(value);
  if (value === null || typeof value !== "object") return value;
  if (depth > mostDepth) return "…";
  if (Array.isArray(value)) {
    const told = value.slice(0, mostEntries).map((entry) => compact(entry, depth + 1));
    return value.length > mostEntries ? [...told, `… ${value.length - mostEntries} more`] : told;
  }
  const record = value as Readonly<Record<string, unknown>>;
  if (typeof record["known"] === "boolean") {
    return record["known"] ? compact(record["value"], depth) : `unknown (${plainField(String(record["why"]))})`;
  }
  if (typeof record["basis"] === "string" && "evidence" in record) {
    const inner = compact(record["value"], depth);
    return typeof inner === "string"
      ? `${inner} (${record["basis"]})`
      : { ...(inner as object), basis: record["basis"] };
  }
  const entries = Object.entries(record)
    .map(([name, entry]) => [name, compact(entry, depth + 1)] as const)
    .filter(([, entry]) => entry !== null && entry !== undefined && !(Array.isArray(entry) && entry.length === 0));
  return Object.fromEntries(entries);
}
