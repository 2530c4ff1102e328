/**
 * @module Every engine, the best first: the first one that can do a batch gets it.
 */
import type { ScanEngine } from "../engine.ts";
import { blockingReuseEngine } from "./blocking-reuse.ts";
import { epollEngine } from "./epoll.ts";
import { nodeEngine } from "./node.ts";

/** Engines in the order in which they are tried. */
export const scanEngines: readonly ScanEngine[] = [blockingReuseEngine, epollEngine, nodeEngine];
