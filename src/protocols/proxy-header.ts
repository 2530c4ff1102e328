/**
 * @module Headers of the PROXY protocol, read and written (HAProxy, "The PROXY protocol, versions 1 & 2", sections 2.1 and 2.2).
 *
 * Version 1 is a line: `PROXY TCP4 source destination sourcePort destinationPort CRLF`, 107 bytes at most.
 * Version 2 is: signature (12 bytes), version and command (1), family and transport (1), length (2), and so many bytes of addresses and
 * extensions (TLV), of which the addresses are read.
 */
import { addressToNumber, canonicalAddressFromBytes, ipv4OfMapped, tryParseIpAddress } from "../core/index.ts";
import { matchPrefix } from "./talk.ts";

/** One end of a connection. */
export interface ProxyPlace {
  /** Canonical IP address, without zone. */
  readonly address: string;
  readonly port: number;
}

/** Who is connected with whom, as a proxy tells it. Both addresses are of one family. */
export interface ProxyEndpoints {
  readonly source: ProxyPlace;
  readonly destination: ProxyPlace;
}

/** What bytes are to {@link readProxyHeader}. */
export type ProxyReading =
  | { readonly verdict: "more" }
  | { readonly verdict: "no"; readonly problem: string }
  | {
      readonly verdict: "header";
      readonly version: 1 | 2;
      /** Bytes of the header; what follows is the connection's own. */
      readonly length: number;
      /** `null` where it tells none (`UNKNOWN`, `LOCAL`, sockets of a file system): the real connection counts. */
      readonly endpoints: ProxyEndpoints | null;
    };

/** Longest header that is read, bytes: version 1's worst case, and for version 2 what nginx takes too. Its length could say 65,551. */
export const longestProxyHeader = { 1: 107, 2: 4096 } as const;

/** First twelve bytes of version 2, which no other protocol begins with. */
export const proxySignature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);

const lineStart = "PROXY ";
const carriageReturn = 0x0d;
const lineFeed = 0x0a;
const fixedLength = 16;
/** Bytes of both addresses and ports by family: none, IPv4, IPv6, paths. */
const addressLengths = [0, 12, 36, 216] as const;

/** Reads a header from a connection's first bytes: all that came so far. Once the verdict is not `more`, further bytes change nothing. */
export function readProxyHeader(bytes: Uint8Array): ProxyReading {
  const binary = matchPrefix(bytes, proxySignature);
  if (binary === "match") return readBinary(bytes);
  const line = matchPrefix(bytes, lineStart);
  if (line === "match") return readLine(bytes);
  return binary === "more" || line === "more" ? more : refuse("no PROXY header");
}

const more = { verdict: "more" } as const;

function refuse(problem: string): ProxyReading {
  return { verdict: "no", problem };
}

function readLine(bytes: Uint8Array): ProxyReading {
  const searched = bytes.subarray(0, longestProxyHeader[1]);
  const end = searched.findIndex((byte) => byte === carriageReturn || byte === lineFeed);
  if (end === -1 || end === searched.length - 1) {
    if (searched[end] === lineFeed) return refuse("a PROXY line that ends without CR");
    return searched.length === longestProxyHeader[1] ? refuse("a PROXY line without end") : more;
  }
  if (searched[end] !== carriageReturn || searched[end + 1] !== lineFeed)
    return refuse("a PROXY line that does not end with CR LF");
  const text = String.fromCharCode(...searched.subarray(lineStart.length, end));
  const length = end + 2;
  if (text === "UNKNOWN" || text.startsWith("UNKNOWN ")) {
    return { verdict: "header", version: 1, length, endpoints: null };
  }
  const endpoints = readWords(text);
  return endpoints === null
    ? refuse("a PROXY line that cannot be read")
    : { verdict: "header", version: 1, length, endpoints };
}

/** Exactly one space between two words, no leading zeros (section 2.1). */
function readWords(text: string): ProxyEndpoints | null {
  const words = text.split(" ");
  const [keyword = "", from = "", to = "", fromPort = "", toPort = ""] = words;
  const family = keyword === "TCP4" ? "ipv4" : keyword === "TCP6" ? "ipv6" : null;
  if (words.length !== 5 || family === null) return null;
  const source = readPlace(from, fromPort, family);
  const destination = readPlace(to, toPort, family);
  return source === null || destination === null ? null : { source, destination };
}

function readPlace(text: string, digits: string, family: "ipv4" | "ipv6"): ProxyPlace | null {
  const address = tryParseIpAddress(text);
  if (address?.family !== family || address.zone !== null) return null;
  if (!/^(?:0|[1-9]\d{0,4})$/.test(digits) || Number(digits) > 65_535) return null;
  return { address: address.address, port: Number(digits) };
}

function readBinary(bytes: Uint8Array): ProxyReading {
  const [versionAndCommand, familyAndTransport] = bytes.subarray(proxySignature.length);
  if (versionAndCommand === undefined) return more;
  if (versionAndCommand >>> 4 !== 2) return refuse("a PROXY header of an unknown version");
  const command = versionAndCommand & 15;
  if (command > 1) return refuse("a PROXY header with an unknown command");
  if (familyAndTransport === undefined) return more;
  const family = familyAndTransport >>> 4;
  const transport = familyAndTransport & 15;
  const isLocal = command === 0;
  if (!isLocal && (family > 3 || transport > 2)) return refuse("a PROXY header of an unknown family or transport");
  if (bytes.length < fixedLength) return more;
  const size = (bytes[14]! << 8) | bytes[15]!;
  const length = fixedLength + size;
  if (length > longestProxyHeader[2]) return refuse("a PROXY header that is too long");
  const isTold = !isLocal && transport !== 0;
  if (isTold && size < addressLengths[family]!) return refuse("a PROXY header too short for its addresses");
  if (bytes.length < length) return more;
  const isTcp = isTold && transport === 1 && (family === 1 || family === 2);
  return { verdict: "header", version: 2, length, endpoints: isTcp ? readAddresses(bytes, family) : null };
}

function readAddresses(bytes: Uint8Array, family: 1 | 2): ProxyEndpoints {
  const [name, size] = family === 1 ? (["ipv4", 4] as const) : (["ipv6", 16] as const);
  const place = (index: 0 | 1): ProxyPlace => {
    const at = fixedLength + 2 * size + 2 * index;
    const address = canonicalAddressFromBytes(bytes, fixedLength + index * size, name);
    return { address, port: (bytes[at]! << 8) | bytes[at + 1]! };
  };
  return { source: place(0), destination: place(1) };
}

/**
 * Writes a header. Addresses that are IPv4 in both places, IPv4-mapped ones among them, are told as IPv4; when one alone is, both are told
 * as IPv6, the other one mapped (RFC 4291, section 2.5.5.2): a header has one family.
 * @param endpoints `null` where they are not known: `UNKNOWN` in version 1, `LOCAL` in version 2
 * @throws ADDRESS_INVALID for text that is no address
 */
export function writeProxyHeader(version: 1 | 2, endpoints: ProxyEndpoints | null): Uint8Array {
  if (endpoints === null) {
    return version === 1 ? bytesOf("PROXY UNKNOWN\r\n") : Uint8Array.of(...proxySignature, 0x20, 0, 0, 0);
  }
  const { source, destination } = endpoints;
  const plain = [source, destination].map(({ address }) => ipv4Of(address));
  const isIpv4 = plain.every((address) => address !== undefined);
  const [from = "", to = ""] = isIpv4 ? plain : [source, destination].map(({ address }) => address.replace(/%.*/, ""));
  if (version === 1) {
    const words = isIpv4 ? ["TCP4", from, to] : ["TCP6", hexadecimal(from), hexadecimal(to)];
    return bytesOf(`PROXY ${words.join(" ")} ${source.port} ${destination.port}\r\n`);
  }
  const block = [...addressBytes(from, isIpv4), ...addressBytes(to, isIpv4)];
  for (const { port } of [source, destination]) block.push(port >>> 8, port & 255);
  return Uint8Array.of(...proxySignature, 0x21, isIpv4 ? 0x11 : 0x21, 0, block.length, ...block);
}

function ipv4Of(address: string): string | undefined {
  return address.includes(":") ? ipv4OfMapped(address) : address;
}

/** As IPv6; mapped where it is not. */
function numberOf(address: string): bigint {
  const number = addressToNumber(address);
  return address.includes(":") ? number : (0xffffn << 32n) | number;
}

/** Version 1 knows groups of hexadecimal digits alone, no IPv4 at the end. */
function hexadecimal(address: string): string {
  if (address.includes(":") && !address.includes(".")) return address;
  const digits = numberOf(address).toString(16).slice(-8).padStart(8, "0");
  return `::ffff:${digits.slice(0, 4)}:${digits.slice(4)}`;
}

function addressBytes(address: string, isIpv4: boolean): number[] {
  const number = isIpv4 ? addressToNumber(address) : numberOf(address);
  const size = isIpv4 ? 4 : 16;
  return Array.from({ length: size }, (_, index) => Number((number >> BigInt(8 * (size - 1 - index))) & 255n));
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
