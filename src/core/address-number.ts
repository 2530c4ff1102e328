/**
 * @module Addresses as numbers, to count in networks and ranges.
 */
import { PortolanError } from "./errors.ts";
import { formatIpv6, groupsOf } from "./ip-address.ts";
import type { IpFamily } from "./socket.ts";

/** Bits of an address. */
export function bitsOfFamily(family: IpFamily): 32 | 128 {
  return family === "ipv4" ? 32 : 128;
}

/**
 * An address as a whole number: its bytes in network order.
 * @throws ADDRESS_INVALID for text that is no address
 */
export function addressToNumber(address: string): bigint {
  const groups = groupsOf(address);
  if (groups === undefined) throw new PortolanError("ADDRESS_INVALID", "That is not an IP address.");
  const bits = groups.length === 4 ? 8n : 16n;
  let number = 0n;
  for (const group of groups) number = (number << bits) | BigInt(group);
  return number;
}

/** The canonical text of the address with that number. The number must fit the family. */
export function addressFromNumber(number: bigint, family: IpFamily): string {
  if (family === "ipv4") {
    const value = Number(number);
    return `${(value >>> 24) & 255}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
  }
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((number >> shift) & 0xffffn));
  return formatIpv6(groups);
}
