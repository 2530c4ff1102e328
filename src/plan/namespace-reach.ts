/**
 * @module The reach of a listener in another network namespace, as seen from this one: a container's wildcard is not the machine's.
 */
import { isLinkLocalAddress, isLoopbackAddress, networkOf, type Reach, type ReachableAddress } from "../core/index.ts";
import type { NetworkInterface } from "../host/host.ts";

/** How the other namespace hangs together with this one. */
export interface NamespaceSurroundings {
  /** Interfaces of the other namespace. */
  readonly inside: readonly NetworkInterface[];
  /** Interfaces of this one. */
  readonly outside: readonly NetworkInterface[];
}

/** Who can use an interface of the other namespace: `machine` where its network is one that this machine keeps to itself. */
type InterfaceAudience = "machine" | "networks" | "unknown";

/**
 * What a reach, worked out inside another namespace, means here. Loopback addresses there are for programs in it alone and get no URL;
 * addresses in a network that this machine keeps to itself (a bridge or veth pair without a device behind it) are this machine's; of other
 * addresses it is not certain who is at the other end. Routes that somebody else sets up into such a network are not considered.
 */
export function reachFromOutside(reach: Reach, { inside, outside }: NamespaceSurroundings): Reach {
  if (reach.scope === "nowhere") return reach;
  const audiences = new Map(inside.map((device) => [device.name, audienceOfInterface(device, outside)]));
  const addresses = reach.addresses.map((reachable): ReachableAddress => {
    if (isLoopbackAddress(reachable.address)) return { ...reachable, url: null };
    const audience = audiences.get(reachable.interfaceName) ?? "unknown";
    if (audience === "machine") return { ...reachable, audience: "this-machine" };
    return audience === "unknown" ? { ...reachable, certain: false } : reachable;
  });
  const beyond = addresses.filter(({ address }) => !isLoopbackAddress(address));
  if (beyond.length === 0) {
    return {
      ...reach,
      addresses,
      scope: "namespace",
      reason: `${reach.reason} That is in another network namespace: only programs in it get there.`,
    };
  }
  if (beyond.every(({ audience }) => audience === "this-machine")) {
    return {
      ...reach,
      addresses,
      scope: "machine",
      reason: `${reach.reason} That is in another network namespace, whose network this machine keeps to itself.`,
    };
  }
  return {
    ...reach,
    addresses,
    scope: "networks",
    reason: `${reach.reason} That is in another network namespace, which has a network of its own.`,
  };
}

function audienceOfInterface(device: NetworkInterface, outside: readonly NetworkInterface[]): InterfaceAudience {
  const networks = networksOf(device);
  const neighbour = outside.find((candidate) => networksOf(candidate).some((network) => networks.includes(network)));
  if (neighbour?.leadsOutside === undefined || !neighbour.leadsOutside.known) return "unknown";
  return neighbour.leadsOutside.value ? "networks" : "machine";
}

/** Networks that tell interfaces apart: every interface has fe80::/64 and many 127.0.0.0/8. */
function networksOf({ loopback, addresses }: NetworkInterface): string[] {
  if (loopback) return [];
  return addresses.flatMap(({ address, prefixLength }) =>
    isLinkLocalAddress(address) ? [] : [networkOf(address, prefixLength)],
  );
}
