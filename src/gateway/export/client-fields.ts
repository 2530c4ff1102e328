/**
 * @module Fields in which a client could say of itself who it is: the gateway's own list, for each engine in its own way.
 */
import { originFields } from "../engine/origin-fields.ts";

/** Those that an engine does not set anyway. @param set in lower case */
export function droppedFields(set: readonly string[]): string[] {
  return originFields.filter((field) => !set.includes(field)).map(capitalise);
}

/** The same with `_`, which is `-` to CGI. */
export const underscoredFields: readonly string[] = originFields
  .filter((field) => field.includes("-"))
  .map((field) => capitalise(field).replaceAll("-", "_"));

/** All of them, written either way, as a regular expression. */
export const originPattern = `^(${originFields.map((field) => field.replaceAll("-", "[-_]")).join("|")})$`;

function capitalise(field: string): string {
  return field.replaceAll(/(?<=^|-)[a-z]/g, (letter) => letter.toUpperCase());
}
