/**
 * @module Identifies one door without a scan around it.
 */
import { randomBytes } from "node:crypto";
import type { Identification } from "./identification.ts";
import type { PortReason, PortState } from "./engine.ts";
import { openSocket } from "./identify/channel.ts";
import { identifyTcp } from "./identify/identify-tcp.ts";
import type { IdentifyOptions } from "./identify/inquiry.ts";
import { identifyUdp } from "./identify/identify-udp.ts";
import type { ScanTarget } from "./scan-types.ts";

/** Longest time for the first connection, milliseconds: three tries of the kernel's (0, 1 and 3 seconds). */
const connectDeadlineMs = 5000;

/** What one door answered. */
export interface EndpointAnswer {
  readonly state: PortState;
  readonly reason: PortReason;
  /** `null` when the door is not open. */
  readonly identification: Identification | null;
}

/** How to ask one door. */
export type EndpointOptions = Pick<IdentifyOptions, "signal" | "nowMs"> & Partial<IdentifyOptions>;

/** Asks one door what it is. Never rejects for what the other side does. */
export async function identifyEndpoint(
  target: ScanTarget,
  transport: "tcp" | "udp",
  port: number,
  options: EndpointOptions,
): Promise<EndpointAnswer> {
  const full: IdentifyOptions = { random: (count) => new Uint8Array(randomBytes(count)), ...options };
  const place = { address: target.address, scopeId: target.scopeId, port, host: target.name ?? target.address };
  if (transport === "udp") {
    const { identification, result } = await identifyUdp(place, full);
    if (result === "answered") return { state: "open", reason: "udp-answer", identification };
    if (result === "refused") return { state: "closed", reason: "port-unreachable", identification: null };
    return { state: "open|filtered", reason: "no-answer", identification };
  }
  const door = { ...place, serverName: target.name };
  const startedMs = full.nowMs();
  const opened = await openSocket(door, connectDeadlineMs, full.signal);
  if (!opened.ok && opened.state !== "open") {
    return { state: opened.state, reason: opened.reason, identification: null };
  }
  const roundTripMs = full.nowMs() - startedMs;
  const connection = opened.ok ? opened.socket : null;
  const identification = await identifyTcp({ ...door, connection, roundTripMs }, full);
  return { state: "open", reason: "syn-ack", identification };
}
