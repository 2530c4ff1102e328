/**
 * @module The shapes of which every result's schema is made: lists, known facts, claims.
 */
import * as v from "valibot";

/** An array that nobody changes. */
export function listOf<Schema extends v.GenericSchema>(item: Schema) {
  return v.pipe(v.array(item), v.readonly());
}

/** `{known:true,value}` or `{known:false,why}`. */
export function knownSchema<Schema extends v.GenericSchema>(value: Schema) {
  return v.variant("known", [
    v.object({ known: v.literal(true), value }),
    v.object({ known: v.literal(false), why: v.picklist(["permission", "gone", "unsupported"]) }),
  ]);
}

/** A value with its basis and evidence. */
export function claimSchema<Schema extends v.GenericSchema>(value: Schema) {
  return v.object({
    value,
    basis: v.picklist(["assigned", "convention", "inferred", "proved"]),
    evidence: v.string(),
  });
}
