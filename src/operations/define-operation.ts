/**
 * @module Declares an operation.
 */
import type * as v from "valibot";
import type { Operation } from "./operation.ts";

/** Checks the declaration's types and returns it unchanged. */
export function defineOperation<
  InputSchema extends v.GenericSchema,
  OutputSchema extends v.GenericSchema,
  Event = never,
>(operation: Operation<InputSchema, OutputSchema, Event>): Operation<InputSchema, OutputSchema, Event> {
  return operation;
}
