/**
 * @module Building blocks for inputs: each entry carries the words that flags, schemas and reference are derived from.
 */
import * as v from "valibot";
import type { Face } from "./operation.ts";

/** What a face may want to know about an input entry beyond its type. */
export interface ParameterMetadata {
  /** Word for the value in help, e.g. `SET`. */
  readonly placeholder?: string;
  /** One-letter flag. */
  readonly short?: string;
  /** Makes it a switch that is on unless `--no-…` turns it off: what help says of that flag. */
  readonly offDescription?: string;
  /** A list that takes every word from its first one on as it is, flags of another program included. */
  readonly passThrough?: boolean;
  /** A list that is a switch on the command line and takes the words after `--`. */
  readonly afterDashes?: boolean;
  /** Actions of its operation that take it: with any other it is refused. Default: all. */
  readonly actions?: readonly string[];
  /** Faces that offer it. Default: every face of its operation. */
  readonly faces?: readonly Face[];
}

/** For entries that are the command line's alone: what asks on a terminal, reads the caller's files or shows secrets. */
export const onCommandLine = { faces: ["cli"] } as const satisfies ParameterMetadata;

function described<Schema extends v.GenericSchema>(schema: Schema, description: string, metadata: ParameterMetadata) {
  return v.pipe(schema, v.description(description), v.metadata({ ...metadata }));
}

/** Optional text. */
export function optionalText(description: string, metadata: ParameterMetadata = {}) {
  return v.optional(described(v.string(), description, metadata));
}

/** Optional list of texts: several words on the command line. */
export function optionalTexts(description: string, metadata: ParameterMetadata = {}) {
  return v.optional(described(v.array(v.string()), description, metadata));
}

/** At least one text. */
export function requiredTexts(description: string, metadata: ParameterMetadata = {}) {
  return v.pipe(v.array(v.string()), v.minLength(1), v.description(description), v.metadata({ ...metadata }));
}

/** Required text. */
export function requiredText(description: string, metadata: ParameterMetadata = {}) {
  return described(v.string(), description, metadata);
}

/** Optional switch, off by default. */
export function optionalSwitch(description: string, metadata: ParameterMetadata = {}) {
  return v.optional(described(v.boolean(), description, metadata));
}

/** Optional whole number in a range. */
export function optionalInteger(
  description: string,
  lowest: number,
  highest: number,
  metadata: ParameterMetadata = {},
) {
  return v.optional(
    v.pipe(
      v.number(),
      v.integer(),
      v.minValue(lowest),
      v.maxValue(highest),
      v.description(description),
      v.metadata({ ...metadata }),
    ),
  );
}

/** Optional choice of words. */
export function optionalChoice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  description: string,
  metadata: ParameterMetadata = {},
) {
  return v.optional(described(v.picklist(words), description, metadata));
}

/** Required choice of words. */
export function requiredChoice<const Words extends readonly [string, ...string[]]>(
  words: Words,
  description: string,
  metadata: ParameterMetadata = {},
) {
  return described(v.picklist(words), description, metadata);
}
