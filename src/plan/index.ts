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
export { diagnoseReach } from "./doctor/diagnose.ts";
export type {
  Asked,
  Attempt,
  DoctorFacts,
  Exchange,
  GatewayFacts,
  NameFacts,
  PromisedPort,
  ProxyFacts,
  SeenService,
  ShownCertificate,
} from "./doctor/facts.ts";
export { isServiceStopped } from "./doctor/process.ts";
export { nameOf, placeAt } from "./doctor/words.ts";
export { findNearby, type NearbyFacts } from "./doctor/not-listening.ts";
export { findProxy } from "./doctor/proxy-variables.ts";
export { findingKinds, type Finding, type FindingKind, type Remedy, type Sureness } from "./doctor/finding.ts";
export { isEphemeral, mayBind } from "./port-limits.ts";
export { listensAt, loopbackAddress, ownAddresses } from "./listens-at.ts";
export { reachFromOutside, type NamespaceSurroundings } from "./namespace-reach.ts";
export { reachOf, type ReachOptions, type ReachWorld } from "./reach.ts";
export { localUrlOf, longestSummary, summarizeReach, type SummarizableReach } from "./reach-words.ts";
