/**
 * @module IP addresses: strict parsing, the one canonical spelling, and who can use which address.
 *
 * ipaddr.js is not used here: loading it costs about 3 ms of every start, it accepts spellings that are refused here
 * (`0x7f.1`, `010.0.0.1`), and what is needed is small. The tests compare every function with it.
 */
import { PortolanError } from "./errors.ts";
import type { IpFamily } from "./socket.ts";
import { clip, lazyPattern, quote, quoteCharacterAt } from "./text.ts";

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
const zoneRefusals = lazyPattern(String.raw`[\s\p{C}%/\\[\]:@?#]`, "u");

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

function toAddress(reading: Reading & { ok: true }): IpAddress {
  return { family: reading.family, address: formatGroups(reading.groups), zone: reading.zone };
}

/** Four bytes or eight 16-bit groups of an address text without its zone, `undefined` when it is no address. */
export function groupsOf(address: string): readonly number[] | undefined {
  const reading = readAddress(address);
  return reading.ok ? reading.groups : undefined;
}

/** The four bytes of an IPv4 address, or of the one in an IPv4-mapped address. */
export function embeddedIpv4(groups: readonly number[]): readonly number[] | undefined {
  if (groups.length === 4) return groups;
  if (groups[5] !== 0xffff || groups.slice(0, 5).some((group) => group !== 0)) return undefined;
  return [groups[6]! >>> 8, groups[6]! & 255, groups[7]! >>> 8, groups[7]! & 255];
}

/** Canonical text of four bytes or eight groups. */
export function formatGroups(groups: readonly number[]): string {
  return groups.length === 4 ? groups.join(".") : formatIpv6(groups);
}

/** RFC 5952 §4: lower case, no leading zeros, the first of the longest runs of at least two zero groups is `::`. */
export function formatIpv6(groups: readonly number[]): string {
  const ipv4 = embeddedIpv4(groups);
  if (ipv4 !== undefined) return `::ffff:${ipv4.join(".")}`; // RFC 5952 §5
  let bestStart = -1;
  let bestLength = 1;
  for (let index = 0; index < 8;) {
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
  if (zone.length > longestZone)
    return refuse(percent + 1, `the zone after % is longer than ${longestZone} characters`);
  const refused = zoneRefusals().exec(zone);
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
    if (index >= text.length)
      return refuse(offset + index, `it has ${groups.length} of four numbers, such as 192.168.1.8`);
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
    groups.splice(gap, 0, ...Array.from({ length: 8 - groups.length }, () => 0));
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
