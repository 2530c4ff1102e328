/**
 * @module How services prove themselves: every protocol, one line each.
 */
import type { Protocol } from "./protocol.ts";
import { ssh } from "./ssh.ts";

export type * from "./protocol.ts";
export { Talk, type Reading } from "./talk.ts";

/** Every protocol. */
export const protocols: readonly Protocol[] = [ssh];
