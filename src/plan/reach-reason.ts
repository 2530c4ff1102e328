/**
 * @module Why a listener is reached as it is: one sentence for a person.
 */
import {
  isMulticastAddress,
  isLoopbackAddress,
  type FamilyReach,
  type ReachScope,
  type ReachableAddress,
  type TakenAddress,
} from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import type { Binding } from "./delivery.ts";
import { isDown } from "./places.ts";

/** What is already known of a reach. */
export interface ReachFacts {
  readonly own: readonly Binding[];
  readonly scope: ReachScope;
  readonly ipv4: FamilyReach;
  readonly ipv6: FamilyReach;
  readonly addresses: readonly ReachableAddress[];
  readonly taken: readonly TakenAddress[];
  /** True when at some address a socket bound to an interface competes with one that is not. */
  readonly contested: boolean;
}

/** Most addresses that one sentence names. */
const mostNames = 3;

/** One sentence, with a full stop. Interface names in it are raw. */
export function explainReach(
  facts: ReachFacts,
  world: { readonly interfaces: readonly NetworkInterface[]; readonly limits: PortLimits },
): string {
  const { own, scope, taken } = facts;
  const wildcards = own.filter((binding) => binding.wildcard);
  const parts = [
    wildcards.length > 0
      ? `${explainWildcards(wildcards, facts, world)}${explainDevice(wildcards, world.interfaces)}`
      : explainAddresses(facts, world.interfaces),
  ];
  if (scope === "nowhere" && (taken.length > 0 || wildcards.some(({ device }) => device === null))) {
    parts.push("but other, more specific sockets answer this port at every address");
  } else if (taken.length > 0) {
    const names = listNames(taken.map((entry) => entry.address));
    parts.push(`but at ${names} another, more specific socket answers this port`);
  }
  if (facts.contested) {
    parts.push(
      "and where a socket bound to an interface shares the port, options that the kernel does not show decide which one answers",
    );
  }
  return `${parts.join(", ")}.`;
}

function explainWildcards(
  wildcards: readonly Binding[],
  { ipv4, ipv6 }: ReachFacts,
  world: { readonly limits: PortLimits },
): string {
  const bound = {
    ipv4: wildcards.some(({ takes }) => takes.ipv4 === "yes"),
    ipv6: wildcards.some(({ takes }) => takes.ipv6 === "yes"),
  };
  if (bound.ipv4 && bound.ipv6) return "Bound to every address, IPv4 and IPv6";
  if (bound.ipv4)
    return ipv6 === "no" ? "Bound to every IPv4 address and to no IPv6 address" : "Bound to every IPv4 address";
  if (ipv4 === "no") return "Bound to every IPv6 address and to no IPv4 address";
  if (ipv4 === "yes") return "Bound to every IPv6 address";
  const { v6onlyDefault } = world.limits;
  const usual = v6onlyDefault.known
    ? `; by default this machine's sockets ${v6onlyDefault.value ? "do not take it" : "take it"}`
    : "";
  return `Bound to every IPv6 address, and whether it takes IPv4 too depends on its v6only option, which could not be read${usual}`;
}

function explainDevice(wildcards: readonly Binding[], interfaces: readonly NetworkInterface[]): string {
  if (wildcards.some(({ device }) => device === null)) return "";
  const devices = [...new Set(wildcards.map(({ device }) => device ?? ""))];
  const only = `, for traffic through ${listNames(devices)} only`;
  const found = interfaces.filter(({ name }) => devices.includes(name));
  if (interfaces.length > 0 && found.length === 0) return `${only}, which this machine does not have now`;
  return found.length > 0 && found.every(isDown) ? `${only}, which is down` : only;
}

function explainAddresses({ own, scope, addresses }: ReachFacts, interfaces: readonly NetworkInterface[]): string {
  const bound = [...new Set(own.map(({ address }) => address))];
  const names = listNames(bound);
  const one = bound.length === 1;
  if (bound.every(isMulticastAddress))
    return `Bound to ${names}, and receives what is sent to ${one ? "that group" : "those groups"}`;
  if (scope === "machine" && bound.every(isLoopbackAddress)) {
    return `Bound to ${names}, ${one ? "an address" : "addresses"} that only this machine can use`;
  }
  if (addresses.length === 0) {
    const held = interfaces.some((networkInterface) =>
      networkInterface.addresses.some(({ address }) => bound.includes(address)),
    );
    return held
      ? `Bound to ${names}`
      : `Bound to ${names}, ${one ? "an address" : "addresses"} that no interface has now`;
  }
  const devices = [...new Set(addresses.map(({ interfaceName }) => interfaceName))].filter((name) => name !== "");
  if (devices.length === 0) return `Bound to ${names}; the interfaces of this machine could not be read`;
  const holder = `Bound to ${names}, ${one ? "an address" : "addresses"} of ${listNames(devices)}`;
  if (scope === "machine") return `${holder}, which is down, so that only this machine can use ${one ? "it" : "them"}`;
  const networks = [...new Set(addresses.flatMap(({ network }) => (network === null ? [] : [network])))];
  return networks.length === 1 ? `${holder}, whose network is ${networks[0]}` : holder;
}

/** `a`, `a and b`, `a, b and c`, `a, b and 7 more`. */
function listNames(names: readonly string[]): string {
  const distinct = [...new Set(names)];
  const shown = distinct.length > mostNames ? distinct.slice(0, mostNames - 1) : distinct;
  const last = distinct.length > mostNames ? `${distinct.length - shown.length} more` : shown.at(-1);
  const head = distinct.length > mostNames ? shown : shown.slice(0, -1);
  return head.length === 0 ? (last ?? "") : `${head.join(", ")} and ${last}`;
}
