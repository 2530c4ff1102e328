/**
 * @module ConvertTo-Json's ways: a list of one may stand as the thing itself, dates have three forms, enumerations two.
 */
import { PortolanError } from "../../core/index.ts";

/** An object of unknown fields. */
export type JsonRecord = Readonly<Record<string, unknown>>;

/**
 * The text as an object. A byte order mark in front is skipped.
 * @throws HOST_READ_FAILED when it is none
 */
export function readJsonObject(text: string): JsonRecord {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    throw new PortolanError("HOST_READ_FAILED", "PowerShell did not answer with JSON.", {
      cause,
      details: { hint: "Check that powershell.exe runs for this user." },
    });
  }
  if (!isRecord(value))
    throw new PortolanError("HOST_READ_FAILED", "PowerShell answered with something else than asked.");
  return value;
}

/** Objects of a list; one that stands alone is a list of one, `null` and a missing field are an empty one. */
export function recordsOf(value: unknown): readonly JsonRecord[] {
  if (Array.isArray(value)) return value.filter(isRecord);
  if (!isRecord(value)) return [];
  // Windows PowerShell writes some lists as `{"value": […], "Count": 2}`.
  if (Array.isArray(value["value"]) && typeof value["Count"] === "number") return value["value"].filter(isRecord);
  return [value];
}

/** A whole number from 0 to `highest`, also one written as text. */
export function numberOf(value: unknown, highest = Number.MAX_SAFE_INTEGER): number | undefined {
  const number = typeof value === "string" && /^\d{1,16}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isInteger(number) && number >= 0 && number <= highest
    ? number
    : undefined;
}

/** A text that is not empty. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/**
 * Milliseconds since the Unix epoch, from `/Date(1700000000000)/` (Windows PowerShell), an ISO date (PowerShell 7), or either inside
 * `{"value": …, "DateTime": …}` (Windows PowerShell with extended dates).
 */
export function dateOf(value: unknown): number | undefined {
  if (isRecord(value)) return dateOf(value["value"]);
  if (typeof value !== "string") return undefined;
  const match = /^\/Date\((-?\d{1,16})(?:[+-]\d{4})?\)\/$/.exec(value);
  const milliseconds = match !== null ? Number(match[1]) : /^\d{4}-\d\d-\d\dT/.test(value) ? Date.parse(value) : NaN;
  return Number.isFinite(milliseconds) ? milliseconds : undefined;
}

/** A member of an enumeration, written as its number or as its name. */
export function memberOf<T>(
  value: unknown,
  byNumber: ReadonlyMap<number, T>,
  byName: ReadonlyMap<string, T>,
): T | undefined {
  if (typeof value === "number") return byNumber.get(value);
  if (typeof value !== "string") return undefined;
  return byName.get(value.toLowerCase()) ?? (/^\d{1,5}$/.test(value) ? byNumber.get(Number(value)) : undefined);
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
