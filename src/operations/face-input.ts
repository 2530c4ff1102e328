/**
 * @module The input of an operation on one face: what other faces may not say is left out of it.
 */
import * as v from "valibot";
import type { Face, Operation } from "./operation.ts";
import type { ParameterMetadata } from "./parameters.ts";

/** The operation's input with the entries that this face offers and no others; unknown entries are refused. */
export function faceInput(operation: Pick<Operation, "input">, face: Face): v.GenericSchema {
  const { entries } = operation.input as unknown as v.ObjectSchema<v.ObjectEntries, undefined>;
  const offered = Object.entries(entries).filter(([, entry]) => isOffered(entry, face));
  return v.strictObject(Object.fromEntries(offered));
}

/** What is to know of one entry: its words stand on the schema inside `optional`. */
function isOffered(entry: v.ObjectEntries[string], face: Face): boolean {
  const inner = "wrapped" in entry ? (entry as v.OptionalSchema<v.GenericSchema, undefined>).wrapped : entry;
  const { faces } = v.getMetadata(inner as v.GenericSchema) as ParameterMetadata;
  return faces === undefined || faces.includes(face);
}
