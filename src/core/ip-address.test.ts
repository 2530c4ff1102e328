import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import {
  PortolanError,
  canonicalAddressFromBytes,
  formatIpAddress,
  parseIpAddress,
  tryParseIpAddress,
  type IpFamily,
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
const zone = fc.stringMatching(/^[a-z0-9][a-z0-9._@-]{0,14}$/).map((text) => text.replaceAll("@", "-"));

function groupsOf(bytes: Uint8Array): number[] {
  return Array.from({ length: 8 }, (_, index) => bytes[index * 2]! * 256 + bytes[index * 2 + 1]!);
}

/** Bytes of a canonical address, by the other implementation. */
function bytesOf(address: string): number[] {
  return ipaddr.parse(address).toByteArray();
}

function refusalOf(text: string): PortolanError {
  try {
    parseIpAddress(text);
  } catch (error) {
    if (error instanceof PortolanError && error.code === "ADDRESS_INVALID") return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text)} was accepted`);
}

describe("canonical text", () => {
  test.each([
    ["192.168.1.8", "192.168.1.8"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
    ["::FFFF:1.2.3.4", "::ffff:1.2.3.4"],
    ["::ffff:102:304", "::ffff:1.2.3.4"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["::1.2.3.4", "::102:304"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
  ])("%s is %s", (text, canonical) => {
    expect(parseIpAddress(text)).toEqual({
      family: text.includes(":") ? "ipv6" : "ipv4",
      address: canonical,
      zone: null,
    });
  });

  test("a zone stays beside the address", () => {
    expect(parseIpAddress("FE80::1%eth0")).toEqual({ family: "ipv6", address: "fe80::1", zone: "eth0" });
    expect(formatIpAddress(parseIpAddress("FE80::1%eth0"))).toBe("fe80::1%eth0");
    expect(parseIpAddress("fe80::1%br-4f2_a.100").zone).toBe("br-4f2_a.100");
  });

  test("is a fixed point, agrees with ipaddr.js, and is what the bytes give", () => {
    fc.assert(
      fc.property(ipv6Bytes, fc.boolean(), (bytes, upper) => {
        const long = groupsOf(bytes)
          .map((group) => group.toString(16).padStart(4, "0"))
          .join(":");
        const { address } = parseIpAddress(upper ? long.toUpperCase() : long);
        expect(parseIpAddress(address).address).toBe(address);
        expect(canonicalAddressFromBytes(bytes, 0, "ipv6")).toBe(address);
        expect(bytesOf(address)).toEqual([...bytes]);
        const theirs = ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6;
        if (!theirs.isIPv4MappedAddress()) expect(address).toBe(theirs.toRFC5952String());
      }),
      { numRuns: 2000 },
    );
    fc.assert(
      fc.property(ipv4Bytes, fc.nat(8), (bytes, offset) => {
        const text = bytes.join(".");
        expect(parseIpAddress(text)).toEqual({ family: "ipv4", address: text, zone: null });
        expect(canonicalAddressFromBytes(Uint8Array.from([...new Uint8Array(offset), ...bytes]), offset, "ipv4")).toBe(
          text,
        );
      }),
    );
  });

  test("parsing what was printed gives the same value", () => {
    fc.assert(
      fc.property(ipv6Bytes, fc.option(zone), (bytes, name) => {
        const address = {
          family: "ipv6" as IpFamily,
          address: canonicalAddressFromBytes(bytes, 0, "ipv6"),
          zone: name,
        };
        expect(parseIpAddress(formatIpAddress(address))).toEqual(address);
      }),
    );
  });

  test("bytes that collide in the cache do not mix", () => {
    for (let round = 0; round < 2; round++) {
      for (let index = 0; index < 20_000; index++) {
        const bytes = Uint8Array.from([10, index >> 16, (index >> 8) & 255, index & 255]);
        expect(canonicalAddressFromBytes(bytes, 0, "ipv4")).toBe(bytes.join("."));
        const wide = Uint8Array.from([32, 1, 13, 184, ...bytes, 0, 1, 0, 2, 0, 3, ...bytes.subarray(2)]);
        expect(bytesOf(canonicalAddressFromBytes(wide, 0, "ipv6"))).toEqual([...wide]);
      }
    }
  });

  test("bytes that are not there are refused", () => {
    expect(() => canonicalAddressFromBytes(new Uint8Array(15), 0, "ipv6")).toThrow(PortolanError);
    expect(() => canonicalAddressFromBytes(new Uint8Array(4), 1, "ipv4")).toThrow(PortolanError);
    expect(() => canonicalAddressFromBytes(new Uint8Array(4), -1, "ipv4")).toThrow(PortolanError);
  });
});

describe("refusals", () => {
  test.each([
    ["", 1, "empty"],
    [" 1.2.3.4", 1, "decimal number"],
    ["1.2.3.4 ", 8, "should end"],
    ["1.2.3", 6, "3 of four"],
    ["1.2.3.", 7, "number 4 of four"],
    ["1.2.3.4.5", 8, "should end"],
    ["256.1.1.1", 1, "over 255"],
    ["1.2.3.999", 7, "over 255"],
    ["01.2.3.4", 1, "leading zero"],
    ["0x7f.0.0.1", 2, "dot"],
    ["１.2.3.4", 1, "decimal number"],
    ["localhost", 1, "decimal number"],
    ["1.2.3.4%eth0", 8, "should end"],
    [":", 1, "one colon"],
    [":1", 1, "one colon"],
    ["1:", 3, "one colon"],
    [":::", 3, "hexadecimal"],
    ["1::2::3", 5, "second"],
    ["1:2:3:4:5:6:7", 14, "7 of eight"],
    ["1:2:3:4:5:6:7:8:9", 17, "ninth"],
    ["1:2:3:4::5:6:7:8", 17, "eight groups or more"],
    ["::12345", 3, "more than four"],
    ["g::", 1, "hexadecimal"],
    ["[::1]", 1, "hexadecimal"],
    ["::1.2.3.400", 9, "over 255"],
    ["1:2:3:4:5:6:7:1.2.3.4", 16, "colon"],
    ["fe80::1%", 9, "empty"],
    ["fe80::1%eth 0", 12, "zone"],
    ["fe80::1%a%b", 10, "zone"],
    ["fe80::1%\u202eeth0", 9, "zone"],
    [`fe80::1%${"x".repeat(65)}`, 9, "longer than 64"],
  ])("%j at character %i", (text, position, reason) => {
    const error = refusalOf(text);
    expect(error.details["position"]).toBe(position);
    expect(error.message).toContain(reason);
    expect(tryParseIpAddress(text)).toBeUndefined();
  });

  test("any text is read or refused, and what is read is an address to ipaddr.js too", () => {
    const nearly = fc.stringMatching(/^[0-9a-f:.%]{0,45}$/);
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.string({ unit: "grapheme" }), nearly),
        (text) => {
          const address = tryParseIpAddress(text);
          if (address !== undefined) return ipaddr.isValid(address.address);
          const position = refusalOf(text).details["position"];
          return typeof position === "number" && position >= 1 && position <= text.length + 1;
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.each(["1.", ":", "0:", "%", "::%", "1", "\u{1F600}", "fe80::1%x"])(
    "ten million characters of %j are refused by their number",
    (unit) => {
      const error = refusalOf(unit.repeat(Math.ceil(1e7 / unit.length)));
      expect(error.message).toMatch(/it has \d{8} characters/);
      expect(error.message.length).toBeLessThan(300);
    },
  );
});
