/**
 * @module What a page shows of the gateway that runs.
 */
import * as v from "valibot";
import type { GatewayStatus } from "../gateway/index.ts";
import { listOf, portSchema, timeSchema } from "./schemas.ts";

/** A gateway that runs. */
export const runningGatewaySchema = v.object({
  pid: v.number(),
  version: v.string(),
  startedAt: timeSchema,
  listeners: listOf(
    v.object({ scheme: v.picklist(["http", "https"]), addresses: listOf(v.string()), port: portSchema }),
  ),
  notes: v.pipe(listOf(v.string()), v.description("Why a usual port is not among them, and what to do about it")),
  requests: v.pipe(v.number(), v.description("Since it was started")),
  openConnections: v.number(),
  residentBytes: v.number(),
});

export type RunningGateway = v.InferOutput<typeof runningGatewaySchema>;

/** Tells a gateway. */
export function describeGateway(status: GatewayStatus): RunningGateway {
  const { pid, version, startedAtMs, listeners, notes, requests, openConnections, residentBytes } = status;
  return {
    pid,
    version,
    startedAt: new Date(startedAtMs).toISOString(),
    listeners: listeners.map(({ scheme, addresses, port }) => ({
      scheme,
      addresses: [...addresses],
      port: port as RunningGateway["listeners"][number]["port"],
    })),
    notes: [...notes],
    requests,
    openConnections,
    residentBytes,
  };
}
