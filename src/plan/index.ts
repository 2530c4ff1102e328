/**
 * @module Opinion over facts, and pure: from where a listener can be reached, and what the kernel's limits mean.
 */
export { isEphemeral, mayBind } from "./port-limits.ts";
export { reachOf, type ReachOptions, type ReachWorld } from "./reach.ts";
export { localUrlOf, longestSummary, summarizeReach, type SummarizableReach } from "./reach-words.ts";
