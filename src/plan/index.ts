/**
 * @module Opinion over facts, and pure: from where a listener can be reached, what the kernel's limits mean, and what it would say to a bind.
 */
export { planBind, planListen } from "./bind.ts";
export type {
  AddressMeeting,
  BindError,
  BindVerdict,
  BindWarning,
  BindWarningKind,
  BindWish,
  BindWorld,
  HiddenOption,
  Obstacle,
  SocketOptions,
} from "./bind-types.ts";
export type { Certainty } from "./certainty.ts";
export { isEphemeral, mayBind } from "./port-limits.ts";
export { listensAt, loopbackAddress, ownAddresses } from "./listens-at.ts";
export { reachFromOutside, type NamespaceSurroundings } from "./namespace-reach.ts";
export { reachOf, type ReachOptions, type ReachWorld } from "./reach.ts";
export { localUrlOf, longestSummary, summarizeReach, type SummarizableReach } from "./reach-words.ts";
