/**
 * @module Declares an operation; a function without side effects, so that a bundle that only runs it leaves the declaration out.
 */
import type * as v from "valibot";
import type { Operation } from "./operation.ts";

/** Checks the declaration's types and returns it unchanged. */
/* @__NO_SIDE_EFFECTS__ */
export function defineOperation<InputSchema extends v.GenericSchema, OutputSchema extends v.GenericSchema, Event = never>(
  operation: Operation<InputSchema, OutputSchema, Event>,
): Operation<InputSchema, OutputSchema, Event> {
  return operation;
}
