/**
 * @module IP addresses: strict parsing, the one canonical spelling, and who can use which address.
 *
 * ipaddr.js is not used here: loading it costs about 3 ms of every start, it accepts spellings that are refused here
 * (`0x7f.1`, `010.0.0.1`), and what is needed is small. The tests compare every function with it.
 */
import { PortolanError } from "./errors.ts";
import type { AddressAudience } from "./reach.ts";
import type { IpFamily } from "./socket.ts";
import { clip, quote, quoteCharacterAt } from "./text.ts";

/** An IP address, with the zone that a link-local address needs to be complete (RFC 4007 §6). */
export interface IpAddress {
  readonly family: IpFamily;
  /** Canonical text: dotted decimal, or RFC 5952 with `::ffff:1.2.3.4` for IPv4-mapped addresses. Never with a zone. */
  readonly address: string;
  /** Interface name or number after `%`, IPv6 only; `null` when none is given. */
  readonly zone: string | null;
}

/** The parts of a parsed address, or what is wrong with the text and where (0-based). */
type Reading =
  | { readonly ok: true; readonly family: IpFamily; readonly groups: readonly number[]; readonly zone: string | null }
  | { readonly ok: false; readonly index: number; readonly problem: string };

/** Longest address text: 45 characters (INET6_ADDRSTRLEN less one), `%` and a zone. */
const longestAddress = 45;
/** Longest zone; Linux interface names have at most 15 bytes (IFNAMSIZ). */
const longestZone = 64;
const zoneRefusals = /[\s\p{C}%/\\[\]:@?#]/u;

/**
 * Text as an IP address. IPv4: four decimal numbers without leading zeros. IPv6: RFC 4291 §2.2, with an optional
 * `%zone`. No spaces, no brackets, no port.
 * @throws ADDRESS_INVALID naming the first character that is not accepted and what would be
 */
export function parseIpAddress(text: string): IpAddress {
  const reading = readAddress(text);
  if (reading.ok) return toAddress(reading);
  throw new PortolanError("ADDRESS_INVALID", `${quote(text)} is not an IP address: ${reading.problem}.`, {
    details: { given: clip(text), position: reading.index + 1 },
  });
}

/** Text as an IP address, or `undefined` when it is none. */
export function tryParseIpAddress(text: string): IpAddress | undefined {
  const reading = readAddress(text);
  return reading.ok ? toAddress(reading) : undefined;
}

/** Why the text is not an IP address, or `undefined` when it is one. `index` is 0-based. */
export function describeAddressProblem(text: string): { readonly index: number; readonly problem: string } | undefined {
  const reading = readAddress(text);
  return reading.ok ? undefined : reading;
}

/** Canonical text, with `%zone` when there is one. */
export function formatIpAddress(address: IpAddress): string {
  return address.zone === null ? address.address : `${address.address}%${address.zone}`;
}

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
    throw new PortolanError("ADDRESS_INVALID", `A network of ${quote(address)} has a prefix of 0 to ${bits} bits, not ${prefixLength}.`, {
      details: { given: clip(address), prefixLength },
    });
  }
  const masked = groups.map((group, index) => group & maskOf(prefixLength - index * groupBits, groupBits));
  return `${formatGroups(masked)}/${prefixLength}`;
}

/** The IPv4 address inside an IPv4-mapped IPv6 address (`::ffff:1.2.3.4`, RFC 4291 §2.5.5.2), or `undefined`. */
export function ipv4OfMapped(address: string): string | undefined {
  const groups = groupsOf(address);
  if (groups === undefined || groups.length === 4) return undefined;
  return embeddedIpv4(groups)?.join(".");
}

/** How many addresses each family remembers; a power of two. */
const cacheSize = 1024;
let ipv4Keys: Uint32Array | undefined;
let ipv4Texts: (string | undefined)[] = [];
let ipv6Keys: Uint32Array | undefined;
let ipv6Texts: (string | undefined)[] = [];

/**
 * Canonical text of an address in network byte order, the same as `parseIpAddress` gives for any spelling of it.
 * Repeats come from a small direct-mapped cache, so that a table of 100,000 rows makes few strings.
 * @param bytes holds 4 or 16 bytes from `offset` on
 * @throws ADDRESS_INVALID when there are fewer
 */
export function canonicalAddressFromBytes(bytes: Uint8Array, offset: number, family: IpFamily): string {
  const length = family === "ipv4" ? 4 : 16;
  if (offset < 0 || offset + length > bytes.length) {
    throw new PortolanError("ADDRESS_INVALID", `An ${family} address has ${length} bytes, and they are not there.`, {
      details: { offset, sizeBytes: bytes.length },
    });
  }
  const last = wordAt(bytes, offset + length - 4);
  if (family === "ipv4") {
    const keys = (ipv4Keys ??= new Uint32Array(cacheSize));
    const slot = slotOf(last);
    const cached = ipv4Texts[slot];
    if (cached !== undefined && keys[slot] === last) return cached;
    const text = `${last >>> 24}.${(last >>> 16) & 255}.${(last >>> 8) & 255}.${last & 255}`;
    keys[slot] = last;
    ipv4Texts[slot] = text;
    return text;
  }
  const first = wordAt(bytes, offset);
  const second = wordAt(bytes, offset + 4);
  const third = wordAt(bytes, offset + 8);
  const keys = (ipv6Keys ??= new Uint32Array(cacheSize * 4));
  const slot = slotOf(first ^ Math.imul(second, 5) ^ Math.imul(third, 17) ^ Math.imul(last, 257));
  const key = slot * 4;
  const cached = ipv6Texts[slot];
  if (
    cached !== undefined &&
    keys[key] === first &&
    keys[key + 1] === second &&
    keys[key + 2] === third &&
    keys[key + 3] === last
  ) {
    return cached;
  }
  const text = formatIpv6([
    first >>> 16, first & 0xffff, second >>> 16, second & 0xffff,
    third >>> 16, third & 0xffff, last >>> 16, last & 0xffff,
  ]);
  keys[key] = first;
  keys[key + 1] = second;
  keys[key + 2] = third;
  keys[key + 3] = last;
  ipv6Texts[slot] = text;
  return text;
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>> 0;
}

/** Spreads neighbouring addresses over the cache (Fibonacci hashing). */
function slotOf(word: number): number {
  return Math.imul(word, 0x9e3779b1) >>> 22;
}

function toAddress(reading: Reading & { ok: true }): IpAddress {
  return { family: reading.family, address: formatGroups(reading.groups), zone: reading.zone };
}

/** Four bytes or eight 16-bit groups of an address text without its zone, `undefined` when it is no address. */
function groupsOf(address: string): readonly number[] | undefined {
  const reading = readAddress(address);
  return reading.ok ? reading.groups : undefined;
}

/** The four bytes of an IPv4 address, or of the one in an IPv4-mapped address. */
function embeddedIpv4(groups: readonly number[]): readonly number[] | undefined {
  if (groups.length === 4) return groups;
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  return [groups[6]! >>> 8, groups[6]! & 255, groups[7]! >>> 8, groups[7]! & 255];
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

function formatGroups(groups: readonly number[]): string {
  return groups.length === 4 ? groups.join(".") : formatIpv6(groups);
}

/** RFC 5952 §4: lower case, no leading zeros, the first of the longest runs of at least two zero groups is `::`. */
function formatIpv6(groups: readonly number[]): string {
  const ipv4 = embeddedIpv4(groups);
  if (ipv4 !== undefined) return `::ffff:${ipv4.join(".")}`; // RFC 5952 §5
  let bestStart = -1;
  let bestLength = 1;
  for (let index = 0; index < 8; ) {
    const start = index;
    while (index < 8 && groups[index] === 0) index++;
    if (index - start > bestLength) {
      bestStart = start;
      bestLength = index - start;
    }
    if (index === start) index++;
  }
  let text = "";
  for (let index = 0; index < 8; index++) {
    if (index === bestStart) {
      text += "::";
      index += bestLength - 1;
    } else {
      if (text !== "" && !text.endsWith(":")) text += ":";
      text += groups[index]!.toString(16);
    }
  }
  return text;
}

function readAddress(text: string): Reading {
  if (text.length === 0) return refuse(0, "it is empty");
  // The size check comes before every scan, so that the work is bounded whatever the text is.
  if (text.length > longestAddress + 1 + longestZone) {
    return refuse(longestAddress, `it has ${text.length} characters, and an address has at most ${longestAddress}`);
  }
  if (!text.includes(":")) return readIpv4(text, 0);
  const percent = text.indexOf("%");
  const end = percent === -1 ? text.length : percent;
  const reading = readIpv6(text.slice(0, end));
  if (!reading.ok || percent === -1) return reading;
  const zone = text.slice(percent + 1);
  if (zone === "") return refuse(percent + 1, "the zone after % is empty; write an interface, such as fe80::1%eth0");
  if (zone.length > longestZone) return refuse(percent + 1, `the zone after % is longer than ${longestZone} characters`);
  const refused = zoneRefusals.exec(zone);
  if (refused !== null) {
    const index = percent + 1 + refused.index;
    return refuse(index, `character ${index + 1}, ${quoteCharacterAt(text, index)}, cannot stand in a zone`);
  }
  return { ok: true, family: "ipv6", groups: reading.groups, zone };
}

function readIpv4(text: string, offset: number): Reading {
  const groups: number[] = [];
  let index = 0;
  for (;;) {
    const start = index;
    while (index < text.length && index - start < 4 && isDigit(text.charCodeAt(index))) index++;
    const at = offset + start;
    const digits = text.slice(start, index);
    if (digits === "") {
      if (start >= text.length) return refuse(at, `it ends where number ${groups.length + 1} of four should follow`);
      return refuse(
        at,
        `character ${at + 1} is ${quoteCharacterAt(text, start)}, where a decimal number from 0 to 255 is accepted`,
      );
    }
    if (digits.length > 1 && digits.startsWith("0")) {
      return refuse(at, `the number at character ${at + 1} has a leading zero, which some programs read as octal`);
    }
    if (Number(digits) > 255) return refuse(at, `the number at character ${at + 1} is over 255`);
    groups.push(Number(digits));
    if (groups.length === 4) break;
    if (index >= text.length) return refuse(offset + index, `it has ${groups.length} of four numbers, such as 192.168.1.8`);
    if (text[index] !== ".") {
      return refuse(
        offset + index,
        `character ${offset + index + 1} is ${quoteCharacterAt(text, index)}, where a dot is accepted`,
      );
    }
    index++;
  }
  if (index < text.length) {
    return refuse(
      offset + index,
      `character ${offset + index + 1}, ${quoteCharacterAt(text, index)}, follows the fourth number, where it should end`,
    );
  }
  return { ok: true, family: "ipv4", groups, zone: null };
}

function readIpv6(text: string): Reading {
  const groups: number[] = [];
  let gap = -1;
  let index = 0;
  if (text.startsWith("::")) {
    gap = 0;
    index = 2;
  } else if (text.startsWith(":")) {
    return refuse(0, "it starts with one colon, where a group or :: is accepted");
  }
  while (index < text.length) {
    const start = index;
    while (index < text.length && isHexDigit(text.charCodeAt(index))) index++;
    if (text[index] === "." && groups.length <= 6) {
      const tail = readIpv4(text.slice(start), start);
      if (!tail.ok) return tail;
      groups.push((tail.groups[0]! << 8) | tail.groups[1]!, (tail.groups[2]! << 8) | tail.groups[3]!);
      index = text.length;
      break;
    }
    if (index === start) {
      return refuse(
        start,
        `character ${start + 1} is ${quoteCharacterAt(text, start)}, where a group of hexadecimal digits is accepted`,
      );
    }
    if (index - start > 4) return refuse(start, `the group at character ${start + 1} has more than four digits`);
    groups.push(Number.parseInt(text.slice(start, index), 16));
    if (groups.length > 8) return refuse(start, `the group at character ${start + 1} is the ninth of eight`);
    if (index === text.length) break;
    if (text[index] !== ":") {
      return refuse(index, `character ${index + 1} is ${quoteCharacterAt(text, index)}, where a colon is accepted`);
    }
    index++;
    if (text[index] === ":") {
      if (gap !== -1) return refuse(index - 1, `the :: at character ${index} is the second, and only one is accepted`);
      gap = groups.length;
      index++;
    } else if (index === text.length) {
      return refuse(index, "it ends with one colon, where a group or :: is accepted");
    }
  }
  if (gap === -1 && groups.length !== 8) {
    return refuse(text.length, `it has ${groups.length} of eight groups and no :: for the rest`);
  }
  if (gap !== -1) {
    if (groups.length > 7) return refuse(text.length, "it has :: and yet eight groups or more");
    groups.splice(gap, 0, ...new Array<number>(8 - groups.length).fill(0));
  }
  return { ok: true, family: "ipv6", groups, zone: null };
}

function refuse(index: number, problem: string): Reading & { ok: false } {
  return { ok: false, index, problem };
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

function isHexDigit(code: number): boolean {
  return isDigit(code) || (code >= 97 && code <= 102) || (code >= 65 && code <= 70);
}
