/**
 * @module What kind of address it is, who can use it, and which network it belongs to.
 */
import { PortolanError } from "./errors.ts";
import { embeddedIpv4, formatGroups, groupsOf, parseIpAddress } from "./ip-address.ts";
import type { AddressAudience } from "./reach.ts";
import { clip, quote } from "./text.ts";

/** True for `0.0.0.0` and `::`, in any spelling: a socket bound to it takes traffic for every address. */
export function isWildcardAddress(address: string): boolean {
  if (address === "0.0.0.0" || address === "::") return true;
  const groups = groupsOf(address);
  return groups !== undefined && groups.every((group) => group === 0);
}

/** True for 127.0.0.0/8, `::1` and IPv4-mapped 127.0.0.0/8. */
export function isLoopbackAddress(address: string): boolean {
  if (address === "127.0.0.1" || address === "::1") return true;
  if (address === "0.0.0.0" || address === "::") return false;
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const ipv4 = embeddedIpv4(groups);
  if (ipv4 !== undefined) return ipv4[0] === 127;
  return groups[7] === 1 && groups.slice(0, 7).every((group) => group === 0);
}

/** True for 169.254.0.0/16 (RFC 3927), fe80::/10 (RFC 4291 §2.5.6) and the former's IPv4-mapped form. */
export function isLinkLocalAddress(address: string): boolean {
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const ipv4 = embeddedIpv4(groups);
  if (ipv4 !== undefined) return ipv4[0] === 169 && ipv4[1] === 254;
  return (groups[0]! & 0xffc0) === 0xfe80;
}

/** True for 224.0.0.0/4 (RFC 5771), ff00::/8 (RFC 4291 §2.7) and the former's IPv4-mapped form. */
export function isMulticastAddress(address: string): boolean {
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const ipv4 = embeddedIpv4(groups);
  return ipv4 !== undefined ? ipv4[0]! >>> 4 === 14 : groups[0]! >= 0xff00;
}

/**
 * Blocks of the special-purpose registries (RFC 6890 and its updates) that are not the internet, narrowest meaning
 * first where blocks overlap. What is in no block is globally reachable.
 */
const ipv4Blocks: readonly (readonly [first: readonly number[], prefixLength: number, audience: AddressAudience])[] = [
  [[0, 0, 0, 0], 8, "this-machine"], // "this host", RFC 1122 §3.2.1.3
  [[127, 0, 0, 0], 8, "this-machine"], // loopback, RFC 1122 §3.2.1.3
  [[169, 254, 0, 0], 16, "link"], // link-local, RFC 3927
  [[224, 0, 0, 0], 24, "link"], // local network control multicast, RFC 5771 §4
  [[255, 255, 255, 255], 32, "link"], // limited broadcast, RFC 919 §7
  [[10, 0, 0, 0], 8, "private-network"], // RFC 1918
  [[172, 16, 0, 0], 12, "private-network"], // RFC 1918
  [[192, 168, 0, 0], 16, "private-network"], // RFC 1918
  [[100, 64, 0, 0], 10, "private-network"], // shared by a provider's customers, RFC 6598
  [[192, 0, 0, 9], 32, "internet"], // port control anycast, RFC 7723
  [[192, 0, 0, 10], 32, "internet"], // TURN anycast, RFC 8155
  [[192, 0, 0, 0], 24, "private-network"], // protocol assignments, RFC 6890 §2.1
  [[192, 0, 2, 0], 24, "private-network"], // documentation, RFC 5737
  [[198, 51, 100, 0], 24, "private-network"],
  [[203, 0, 113, 0], 24, "private-network"],
  [[198, 18, 0, 0], 15, "private-network"], // benchmarks, RFC 2544
  [[239, 0, 0, 0], 8, "private-network"], // administratively scoped multicast, RFC 2365
  [[224, 0, 0, 0], 4, "internet"], // other multicast, RFC 5771
  [[240, 0, 0, 0], 4, "private-network"], // reserved, RFC 1112 §4
];

const ipv6Blocks: readonly (readonly [first: readonly number[], prefixLength: number, audience: AddressAudience])[] = [
  [[0, 0, 0, 0, 0, 0, 0, 0], 127, "this-machine"], // `::` and `::1`, RFC 4291 §2.5
  [[0xfe80], 10, "link"], // RFC 4291 §2.5.6
  [[0xfc00], 7, "private-network"], // unique local, RFC 4193
  [[0xfec0], 10, "private-network"], // site-local, deprecated by RFC 3879
  [[0x64, 0xff9b, 1], 48, "private-network"], // local translation, RFC 8215
  [[0x100], 64, "private-network"], // discard only, RFC 6666
  [[0x2001, 2], 48, "private-network"], // benchmarks, RFC 5180
  [[0x2001, 0xdb8], 32, "private-network"], // documentation, RFC 3849
  [[0x3fff], 20, "private-network"], // documentation, RFC 9637
  [[0x5f00], 16, "private-network"], // segment routing, RFC 9602
];

/**
 * Who can use an address: by its block in the special-purpose registries (RFC 6890, RFC 4193, RFC 6598). An
 * IPv4-mapped address counts as the IPv4 address in it. Firewalls and routers are not considered.
 * @param address canonical or not, with or without zone
 * @throws ADDRESS_INVALID when it is no IP address
 */
export function audienceOf(address: string): AddressAudience {
  const groups = groupsOf(address) ?? groupsOf(parseIpAddress(address).address)!;
  const ipv4 = embeddedIpv4(groups);
  if (ipv4 !== undefined) {
    return ipv4Blocks.find(([first, length]) => isInBlock(ipv4, first, length, 8))?.[2] ?? "internet";
  }
  if (groups[0]! >= 0xff00) return multicastAudiences[groups[0]! & 0xf] ?? "internet";
  return ipv6Blocks.find(([first, length]) => isInBlock(groups, first, length, 16))?.[2] ?? "internet";
}

/** By the scope field of an IPv6 multicast address (RFC 4291 §2.7, RFC 7346 §2). */
const multicastAudiences: Readonly<Record<number, AddressAudience>> = {
  0: "this-machine",
  1: "this-machine",
  2: "link",
  3: "private-network",
  4: "private-network",
  5: "private-network",
  8: "private-network",
};

/**
 * The network that an address belongs to: `networkOf("192.168.1.8", 24)` is `192.168.1.0/24`.
 * @param prefixLength bits, 0–32 or 0–128
 * @throws ADDRESS_INVALID when the address or the length is not valid
 */
export function networkOf(address: string, prefixLength: number): string {
  const groups = groupsOf(address) ?? groupsOf(parseIpAddress(address).address)!;
  const groupBits = groups.length === 4 ? 8 : 16;
  const bits = groups.length * groupBits;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > bits) {
    throw new PortolanError(
      "ADDRESS_INVALID",
      `A network of ${quote(address)} has a prefix of 0 to ${bits} bits, not ${prefixLength}.`,
      {
        details: { given: clip(address), prefixLength },
      },
    );
  }
  const masked = groups.map((group, index) => group & maskOf(prefixLength - index * groupBits, groupBits));
  return `${formatGroups(masked)}/${prefixLength}`;
}

/** The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:1.2.3.4`, RFC 4291 §2.5.5.2), or `undefined`. */
export function ipv4OfMapped(address: string): string | undefined {
  if (address === "::" || !address.includes(":")) return undefined;
  const groups = groupsOf(address);
  if (groups === undefined || groups.length === 4) return undefined;
  return embeddedIpv4(groups)?.join(".");
}

/** Mask of one group of which the first `bits` bits count; less than none is none, more than all is all. */
function maskOf(bits: number, groupBits: number): number {
  const all = 2 ** groupBits - 1;
  if (bits <= 0) return 0;
  return bits >= groupBits ? all : all & ~(all >>> bits);
}

function isInBlock(groups: readonly number[], first: readonly number[], length: number, groupBits: number): boolean {
  for (let index = 0; index * groupBits < length; index++) {
    const mask = maskOf(length - index * groupBits, groupBits);
    if (((groups[index]! ^ (first[index] ?? 0)) & mask) !== 0) return false;
  }
  return true;
}
