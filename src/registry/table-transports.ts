/**
 * @module Transports as the packed tables number them.
 */
import type { Transport } from "../core/index.ts";

/** In the order of the tables' bits. */
export const tableTransports: readonly Transport[] = ["tcp", "udp", "sctp", "dccp"];
