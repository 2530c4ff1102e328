/**
 * @module The addresses of a machine as places where traffic arrives: whose they are, and who can use them.
 */
import {
  audienceOf,
  isLinkLocalAddress,
  isLoopbackAddress,
  networkOf,
  type AddressAudience,
  type IpFamily,
} from "../core/index.ts";
import type { NetworkInterface } from "../host/host.ts";
import type { Arrival } from "./delivery.ts";

/** One address of one interface. */
export interface Place extends Arrival {
  readonly network: string | null;
  readonly audience: AddressAudience;
  /** True for link-local IPv6, which is complete only with its interface as zone (RFC 4007 §6). */
  readonly needsZone: boolean;
}

/** The places of a machine, all of them and by address (several interfaces can have the same link-local address). */
export interface Places {
  readonly all: readonly Place[];
  readonly at: ReadonlyMap<string, readonly Place[]>;
}

const remembered = new WeakMap<readonly NetworkInterface[], Places>();

/** Every address of a list of interfaces, in their order, IPv4 before IPv6. The list must not change afterwards. */
export function placesOf(interfaces: readonly NetworkInterface[]): Places {
  let places = remembered.get(interfaces);
  if (places === undefined) {
    const all = interfaces.flatMap(listPlaces);
    const at = new Map<string, Place[]>();
    for (const place of all) {
      const there = at.get(place.address);
      if (there === undefined) at.set(place.address, [place]);
      else there.push(place);
    }
    places = { all, at };
    remembered.set(interfaces, places);
  }
  return places;
}

function listPlaces(networkInterface: NetworkInterface): Place[] {
  const down = isDown(networkInterface);
  const places = networkInterface.addresses.map(({ address, family, prefixLength }): Place => ({
    address,
    family,
    interfaceName: networkInterface.name,
    network: networkOf(address, prefixLength),
    // Linux keeps the local routes of an interface that is down: this machine still reaches the address, nobody else does.
    audience: down ? "this-machine" : audienceOf(address),
    needsZone: family === "ipv6" && isLinkLocalAddress(address),
  }));
  return places.sort((left, right) => Number(left.family === "ipv6") - Number(right.family === "ipv6"));
}

/**
 * The place of an address that no interface lists, when it is this machine's all the same: Linux routes the whole
 * network of a loopback address to itself (`fib_add_ifaddr` in net/ipv4/fib_frontend.c), so that 127.0.0.2 answers
 * where `lo` has 127.0.0.1/8.
 */
export function loopbackPlaceOf(
  address: string,
  family: IpFamily,
  interfaces: readonly NetworkInterface[],
): Place | undefined {
  if (!isLoopbackAddress(address)) return undefined;
  const loopbacks = interfaces.filter((networkInterface) => networkInterface.loopback);
  const carrier = loopbacks.find(({ addresses }) =>
    addresses.some((one) => one.family === family && isLoopbackAddress(one.address)),
  );
  // Without any loopback interface in the list, the list is a part of the truth, and the address speaks for itself.
  if (carrier === undefined && loopbacks.length > 0) return undefined;
  return {
    address,
    family,
    interfaceName: carrier?.name ?? "",
    network: family === "ipv4" ? "127.0.0.0/8" : "::1/128",
    audience: "this-machine",
    needsZone: false,
  };
}

/** True when it is known that no traffic of other devices passes the interface. */
export function isDown(networkInterface: NetworkInterface): boolean {
  return networkInterface.up.known && !networkInterface.up.value;
}
