/**
 * @module What the door is told of its port.
 */
import type { CanBindResult } from "../../../src/operations/can-bind.ts";
import type { ExplainResult } from "../../../src/operations/explain.ts";
import type { WhoResult } from "../../../src/operations/who.ts";

/** What the server told of a port. */
export interface DoorFacts {
  readonly who: WhoResult["ports"][number];
  readonly explained: ExplainResult;
  readonly bind: CanBindResult;
}
