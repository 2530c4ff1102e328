import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import {
  PortolanError,
  audienceOf,
  canonicalAddressFromBytes,
  ipv4OfMapped,
  isLinkLocalAddress,
  isLoopbackAddress,
  isMulticastAddress,
  isWildcardAddress,
  networkOf,
} from "./index.ts";

const ipv4Bytes = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** IPv6 addresses with runs of zeros, special prefixes and IPv4 inside, more often than chance would make them. */
const ipv6Bytes = fc.oneof(
  fc.uint8Array({ minLength: 16, maxLength: 16 }),
  fc
    .array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(0xffff) }), {
      minLength: 8,
      maxLength: 8,
    })
    .map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255]))),
  ipv4Bytes.map((bytes) => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...bytes])),
  fc
    .tuple(
      fc.constantFrom(0xfe80, 0xfec0, 0xfc00, 0xff02, 0x2001, 0x64),
      fc.uint8Array({ minLength: 14, maxLength: 14 }),
    )
    .map(([group, rest]) => Uint8Array.from([group >> 8, group & 255, ...rest])),
);
/** Bytes of a canonical address, by the other implementation. */
function bytesOf(address: string): number[] {
  return ipaddr.parse(address).toByteArray();
}

describe("kinds", () => {
  test.each([
    ["0.0.0.0", "wildcard"],
    ["::", "wildcard"],
    ["0:0:0:0:0:0:0:0", "wildcard"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "loopback"],
    ["169.254.3.4", "link-local"],
    ["fe80::1", "link-local"],
    ["febf::1", "link-local"],
    ["fe80::1%eth0", "link-local"],
    ["224.0.0.251", "multicast"],
    ["239.255.255.250", "multicast"],
    ["ff02::fb", "multicast"],
    ["128.0.0.1", "none"],
    ["fec0::1", "none"],
    ["::2", "none"],
    ["1::1", "none"],
    ["240.0.0.1", "none"],
    ["::ffff:0.0.0.1", "none"],
    ["not an address", "none"],
  ])("%s is %s", (address, kind) => {
    expect({
      wildcard: isWildcardAddress(address),
      loopback: isLoopbackAddress(address),
      "link-local": isLinkLocalAddress(address),
      multicast: isMulticastAddress(address),
    }).toEqual({
      wildcard: kind === "wildcard",
      loopback: kind === "loopback",
      "link-local": kind === "link-local",
      multicast: kind === "multicast",
    });
  });

  test("the IPv4 address inside", () => {
    expect(ipv4OfMapped("::ffff:1.2.3.4")).toBe("1.2.3.4");
    expect(ipv4OfMapped("::1.2.3.4")).toBeUndefined();
    expect(ipv4OfMapped("1.2.3.4")).toBeUndefined();
    expect(ipv4OfMapped("x")).toBeUndefined();
  });

  test("agree with ipaddr.js", () => {
    fc.assert(
      fc.property(ipv6Bytes, (bytes) => {
        const address = canonicalAddressFromBytes(bytes, 0, "ipv6");
        const theirs = ipaddr.process(address);
        expect(isLoopbackAddress(address)).toBe(theirs.range() === "loopback");
        expect(isLinkLocalAddress(address)).toBe(theirs.range() === "linkLocal");
        expect(isMulticastAddress(address)).toBe(theirs.range() === "multicast");
      }),
      { numRuns: 1000 },
    );
  });
});

describe("audience", () => {
  test.each([
    ["127.0.0.1", "this-machine"],
    ["::1", "this-machine"],
    ["::", "this-machine"],
    ["::ffff:127.0.0.1", "this-machine"],
    ["ff01::1", "this-machine"],
    ["169.254.1.1", "link"],
    ["fe80::1%eth0", "link"],
    ["ff02::1", "link"],
    ["224.0.0.1", "link"],
    ["255.255.255.255", "link"],
    ["9.255.255.255", "internet"],
    ["10.0.0.1", "private-network"],
    ["172.15.255.255", "internet"],
    ["172.16.0.1", "private-network"],
    ["172.31.255.255", "private-network"],
    ["172.32.0.0", "internet"],
    ["192.168.1.8", "private-network"],
    ["192.169.0.0", "internet"],
    ["100.63.255.255", "internet"],
    ["100.64.0.1", "private-network"],
    ["100.127.255.255", "private-network"],
    ["100.128.0.0", "internet"],
    ["192.0.0.9", "internet"],
    ["192.0.0.11", "private-network"],
    ["198.19.255.255", "private-network"],
    ["239.1.1.1", "private-network"],
    ["232.1.1.1", "internet"],
    ["250.1.1.1", "private-network"],
    ["fc00::1", "private-network"],
    ["fdff::1", "private-network"],
    ["fe00::1", "internet"],
    ["2001:db8::1", "private-network"],
    ["ff05::1", "private-network"],
    ["ff0e::1", "internet"],
    ["8.8.8.8", "internet"],
    ["::ffff:8.8.8.8", "internet"],
    ["::ffff:192.168.0.1", "private-network"],
    ["2606:4700::1", "internet"],
  ])("of %s is %s", (address, audience) => {
    expect(audienceOf(address)).toBe(audience);
  });

  test("no unicast address of the internet is called private by ipaddr.js, nor the other way", () => {
    fc.assert(
      fc.property(ipv4Bytes, (bytes) => {
        const address = bytes.join(".");
        const range = ipaddr.parse(address).range();
        if (range === "private" || range === "carrierGradeNat") expect(audienceOf(address)).toBe("private-network");
        if (range === "unicast") expect(audienceOf(address)).toBe("internet");
      }),
      { numRuns: 2000 },
    );
  });

  test("what is no address has none", () => {
    expect(() => audienceOf("nowhere")).toThrow(PortolanError);
  });
});

describe("networks", () => {
  test.each([
    ["192.168.1.8", 24, "192.168.1.0/24"],
    ["192.168.1.8", 32, "192.168.1.8/32"],
    ["192.168.1.8", 0, "0.0.0.0/0"],
    ["10.255.255.255", 9, "10.128.0.0/9"],
    ["fd00::1:2", 64, "fd00::/64"],
    ["fd12:3456::1", 20, "fd12:3000::/20"],
    ["fe80::1%eth0", 64, "fe80::/64"],
  ])("of %s/%i is %s", (address, prefixLength, network) => {
    expect(networkOf(address, prefixLength)).toBe(network);
  });

  test("agree with ipaddr.js", () => {
    fc.assert(
      fc.property(fc.oneof(ipv4Bytes, ipv6Bytes), fc.nat(128), (bytes, bits) => {
        const family = bytes.length === 4 ? "ipv4" : "ipv6";
        const prefixLength = Math.min(bits, bytes.length * 8);
        const address = canonicalAddressFromBytes(bytes, 0, family);
        const kind = family === "ipv4" ? ipaddr.IPv4 : ipaddr.IPv6;
        const [network = "", length] = networkOf(address, prefixLength).split("/");
        expect(bytesOf(network)).toEqual(kind.networkAddressFromCIDR(`${address}/${prefixLength}`).toByteArray());
        expect(Number(length)).toBe(prefixLength);
      }),
    );
  });

  test.each([-1, 33, 1.5, Number.NaN])("refuse a prefix of %d bits", (prefixLength) => {
    expect(() => networkOf("1.2.3.4", prefixLength)).toThrow(PortolanError);
  });
});
