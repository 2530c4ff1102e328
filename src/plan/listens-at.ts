/**
 * @module Whether a listening socket takes what is sent to an address of this machine.
 */
import { ipv4OfMapped, isListening, isLoopbackAddress, type Socket } from "../core/index.ts";
import type { NetworkInterface } from "../host/host.ts";
import { bindingOf } from "./delivery.ts";
import type { Certainty } from "./certainty.ts";

/**
 * Whether the socket listens at the address: bound to it, or to a wildcard that takes its family. `depends` where IPV6_V6ONLY decides and
 * cannot be read.
 * @param address canonical; an IPv4-mapped one means the IPv4 address
 */
export function listensAt(socket: Socket, address: string): Certainty {
  if (!isListening(socket)) return "no";
  const plain = ipv4OfMapped(address) ?? address;
  const family = plain.includes(":") ? "ipv6" : "ipv4";
  const binding = bindingOf(socket);
  if (!binding.wildcard) return binding.address === plain ? "yes" : "no";
  return binding.takes[family];
}

/** Whether an address is this machine's by its nature. */
export function loopbackAddress(address: string): boolean {
  return isLoopbackAddress(ipv4OfMapped(address) ?? address);
}

/** Every address of some interfaces. */
export function ownAddresses(interfaces: readonly NetworkInterface[]): ReadonlySet<string> {
  return new Set(interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
}
