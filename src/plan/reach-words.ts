/**
 * @module A reach in the few words that fit a table's cell, and the URL to open on this very machine.
 */
import type { FamilyReach, Reach, ReachScope, ReachableAddress } from "../core/index.ts";
import { urlOf } from "./reach.ts";

/** The part of a reach that its summary needs. */
export interface SummarizableReach {
  readonly scope: ReachScope;
  readonly ipv4: FamilyReach;
  readonly ipv6: FamilyReach;
  readonly addresses: readonly (Pick<ReachableAddress, "address" | "interfaceName" | "audience"> & {
    readonly network?: string | null | undefined;
  })[];
}

/** Most characters of a summary. */
export const longestSummary = 24;

/**
 * A reach in at most 24 characters: `this machine`, `everywhere`, `everywhere (IPv4)`, `everywhere (IPv4?)` where a
 * family depends on an unread option, `192.168.1.0/24`, `eth0 only`, `3 interfaces`, `multicast`, `nowhere`.
 * Interface names in it are raw.
 */
export function summarizeReach(reach: SummarizableReach): string {
  if (reach.scope === "nowhere") return "nowhere";
  if (reach.scope === "namespace") return "its own namespace";
  if (reach.scope === "machine") return "this machine";
  if (reach.scope === "everywhere") {
    if (reach.ipv4 === "depends") return "everywhere (IPv4?)";
    if (reach.ipv4 === "no") return "everywhere (IPv6)";
    return reach.ipv6 === "no" ? "everywhere (IPv4)" : "everywhere";
  }
  const outside = reach.addresses.filter(({ audience }) => audience !== "this-machine");
  const devices = [...new Set(outside.map(({ interfaceName }) => interfaceName))].filter((name) => name !== "");
  const networks = [...new Set(outside.map(({ network }) => network ?? null))];
  const network = networks.length === 1 ? (networks[0] ?? null) : null;
  // Every interface has fe80::/64, so that network names none.
  if (network !== null && network.length <= longestSummary && !network.startsWith("fe80:")) return network;
  if (devices.length === 1) return clip(`${devices[0]} only`);
  const named = devices.join(", ");
  if (devices.length > 1) return named.length <= longestSummary ? named : `${devices.length} interfaces`;
  if (outside[0] !== undefined) return clip(outside[0].address);
  return "multicast";
}

function clip(text: string): string {
  return text.length <= longestSummary ? text : `${text.slice(0, longestSummary - 1)}…`;
}

/**
 * The URL under which this machine itself opens the service: `http://localhost:5173/` when both addresses that
 * `localhost` stands for, 127.0.0.1 and ::1 (RFC 6761 §6.3), end at this service; otherwise one literal address, a
 * loopback one first; `null` when a browser here cannot open it anywhere.
 */
export function localUrlOf(reach: Pick<Reach, "addresses">, port: number, scheme: "http" | "https"): string | null {
  const usable = reach.addresses.filter(({ family, audience }) => family === "ipv4" || audience !== "link");
  const ipv4 = usable.find(({ address }) => address === "127.0.0.1");
  const ipv6 = usable.find(({ address }) => address === "::1");
  // Both are listed only where no other socket gets the traffic, so a program that tries one after the other arrives here.
  if (ipv4 !== undefined && ipv6 !== undefined && (ipv4.certain || ipv6.certain))
    return urlOf(scheme, "localhost", port);
  const best =
    usable.find(({ certain, audience }) => certain && audience === "this-machine") ??
    usable.find(({ certain }) => certain) ??
    usable[0];
  return best === undefined ? null : urlOf(scheme, best.address, port);
}
