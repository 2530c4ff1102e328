/**
 * @module Declares an operation.
 */
import type * as v from "valibot";
import type { Operation } from "./operation.ts";

/**
 * Checks the declaration's types and returns it unchanged. Outside, its schemas are known by what they take and give alone: the types
 * of their parts would make the compiler of whoever uses the library follow them thousands of levels deep.
 */
export function defineOperation<
  InputSchema extends v.GenericSchema,
  OutputSchema extends v.GenericSchema,
  Event = never,
>(
  operation: Operation<InputSchema, OutputSchema, Event>,
): Operation<
  v.GenericSchema<v.InferInput<InputSchema>, v.InferOutput<InputSchema>>,
  v.GenericSchema<v.InferInput<OutputSchema>, v.InferOutput<OutputSchema>>,
  Event
> {
  return operation as never;
}
