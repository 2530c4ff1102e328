/**
 * @module The canonical text of an address that a kernel gives as bytes: the hot path of every socket table.
 */
import { PortolanError } from "./errors.ts";
import { formatIpv6 } from "./ip-address.ts";
import type { IpFamily } from "./socket.ts";

/** How many addresses each family remembers; a power of two. */
const cacheSize = 1024;
let ipv4Keys: Uint32Array | undefined;
const ipv4Texts: (string | undefined)[] = [];
let ipv6Keys: Uint32Array | undefined;
const ipv6Texts: (string | undefined)[] = [];

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
    first >>> 16,
    first & 0xffff,
    second >>> 16,
    second & 0xffff,
    third >>> 16,
    third & 0xffff,
    last >>> 16,
    last & 0xffff,
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
