/**
 * @module What results tell of relays: where they listen, where they lead, and what they have done.
 */
import * as v from "valibot";
import { audienceOf, formatSocketAddress, isLoopbackAddress, isWildcardAddress } from "../core/index.ts";
import type { RelayCounts, RelayPlace } from "../gateway/index.ts";
import type { OperationContext } from "./operation.ts";
import { listOf, portSchema } from "./schemas.ts";

const countSchema = v.pipe(v.number(), v.minValue(0));

/** Where a relay listens. */
export const relayPlaceSchema = v.object({
  transport: v.picklist(["tcp", "udp"]),
  address: v.string(),
  port: portSchema,
});

/** What a relay has done until now. Over UDP a connection is one client's exchange. */
export const relayCountsSchema = v.object({
  open: v.pipe(countSchema, v.description("Connections that are open now")),
  total: v.pipe(countSchema, v.description("Connections that came")),
  refused: v.pipe(
    countSchema,
    v.description("Of them: not let in, for a limit, a wrong PROXY header, a loop, or no rule"),
  ),
  failed: v.pipe(countSchema, v.description("Of them: the server was not reached, or the connection broke off")),
  receivedBytes: v.pipe(countSchema, v.description("Bytes from servers to clients")),
  sentBytes: v.pipe(countSchema, v.description("Bytes from clients to servers")),
  targets: listOf(
    v.object({
      target: v.string(),
      open: countSchema,
      total: countSchema,
      receivedBytes: countSchema,
      sentBytes: countSchema,
    }),
  ),
});

export type ListedPlace = v.InferOutput<typeof relayPlaceSchema>;
export type ListedCounts = v.InferOutput<typeof relayCountsSchema>;

/** A place for a result. */
export function describePlace({ transport, address, port }: RelayPlace): ListedPlace {
  return { transport, address, port };
}

/** Counts for a result. */
export function describeCounts(counts: RelayCounts): ListedCounts {
  return { ...counts, targets: counts.targets.map((target) => ({ ...target })) };
}

/** `127.0.0.1:8080`, `[::]:8080/udp`. */
export function formatPlace({ transport, address, port }: RelayPlace | ListedPlace): string {
  return `${formatSocketAddress(address, port)}${transport === "udp" ? "/udp" : ""}`;
}

/** Who beside this machine gets in at a place; `null` for nobody. */
export function noteForPlace(place: RelayPlace, { host }: Pick<OperationContext, "host">): string | null {
  if (isLoopbackAddress(place.address)) return null;
  const addresses = isWildcardAddress(place.address) ? outsideAddresses(host, place.address) : [place.address];
  if (addresses.length === 0)
    return `${formatPlace(place)} lets other devices in as soon as this machine has an address in a network.`;
  const where = addresses.map((address) => formatSocketAddress(address, place.port)).join(", ");
  const who = addresses.some((address) => audienceOf(address.replace(/%.*/, "")) === "internet")
    ? "whoever reaches this machine, the internet included"
    : "every device in the same network";
  return `${formatPlace(place)} lets other devices in, at ${where}: ${who}, unless a firewall stops them. Nobody is asked who they are.`;
}

/** Link-local ones are left out: each interface has one, and they take a zone. */
function outsideAddresses(host: OperationContext["host"], wildcard: string): string[] {
  try {
    return host
      .readInterfaces()
      .flatMap(({ addresses }) => addresses.map(({ address }) => address))
      .filter((address) => !isLoopbackAddress(address) && audienceOf(address) !== "link")
      .filter((address) => wildcard === "::" || !address.includes(":"));
  } catch {
    return [];
  }
}
