/**
 * @module Headers of the PROXY protocol: the specification's examples, what is refused, and laws over any header and any bytes.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  longestProxyHeader,
  proxySignature,
  readProxyHeader,
  writeProxyHeader,
  type ProxyEndpoints,
  type ProxyReading,
} from "./proxy-header.ts";

const read = (text: string): ProxyReading => readProxyHeader(new Uint8Array(Buffer.from(text, "latin1")));
const v2 = (...bytes: number[]): Uint8Array => Uint8Array.of(...proxySignature, ...bytes);

const ipv4: ProxyEndpoints = {
  source: { address: "192.168.0.1", port: 56_324 },
  destination: { address: "192.168.0.11", port: 443 },
};
const ipv6: ProxyEndpoints = {
  source: { address: "2001:db8::1", port: 1 },
  destination: { address: "fe80::2", port: 65_535 },
};

describe("version 1", () => {
  test("the specification's example", () => {
    const line = "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n";
    expect(read(`${line}GET / HTTP/1.1\r\n`)).toEqual({
      verdict: "header",
      version: 1,
      length: line.length,
      endpoints: ipv4,
    });
    expect(Buffer.from(writeProxyHeader(1, ipv4)).toString("latin1")).toBe(line);
  });

  test("the longest lines", () => {
    const group = "ffff";
    const long = Array.from({ length: 8 }, () => group).join(":");
    for (const line of [
      "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
      `PROXY TCP6 ${long} ${long} 65535 65535\r\n`,
      `PROXY UNKNOWN ${long} ${long} 65535 65535\r\n`,
    ])
      expect(read(line), line).toMatchObject({ verdict: "header", length: line.length });
    expect(`PROXY UNKNOWN ${long} ${long} 65535 65535\r\n`).toHaveLength(longestProxyHeader[1]);
  });

  test("UNKNOWN tells nothing, whatever follows it", () => {
    for (const line of ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN anything at all\r\n"])
      expect(read(`${line}x`)).toEqual({ verdict: "header", version: 1, length: line.length, endpoints: null });
    expect(Buffer.from(writeProxyHeader(1, null)).toString()).toBe("PROXY UNKNOWN\r\n");
  });

  test.each([
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\rx",
    "PROXY TCP4 192.168.0.01 192.168.0.11 56324 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 056324 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 65536 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 -1 443\r\n",
    "PROXY TCP4  192.168.0.1 192.168.0.11 1 443\r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 1 443 \r\n",
    "PROXY TCP4 192.168.0.1 192.168.0.11 1\r\n",
    "PROXY TCP4 ::1 ::2 1 2\r\n",
    "PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n",
    "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY UNKNOWNX\r\n",
    "PROXY \r\n",
    "proxy TCP4 192.168.0.1 192.168.0.11 1 2\r\n",
    "PROXY_TCP4",
    "GET / HTTP/1.1\r\n",
    `PROXY UNKNOWN ${"x".repeat(longestProxyHeader[1])}`,
  ])("%j is refused", (line) => {
    expect(read(line).verdict).toBe("no");
  });

  test("whoever maps an address to IPv6 is understood, and mapped ones are written as IPv4", () => {
    expect(read("PROXY TCP6 ::ffff:1.2.3.4 ::ffff:0102:0305 1 2\r\n")).toMatchObject({
      endpoints: { source: { address: "::ffff:1.2.3.4" }, destination: { address: "::ffff:1.2.3.5" } },
    });
    const mapped = {
      source: { address: "::ffff:1.2.3.4", port: 1 },
      destination: { address: "::ffff:1.2.3.5", port: 2 },
    };
    expect(Buffer.from(writeProxyHeader(1, mapped)).toString()).toBe("PROXY TCP4 1.2.3.4 1.2.3.5 1 2\r\n");
    expect(readProxyHeader(writeProxyHeader(2, mapped))).toMatchObject({
      endpoints: { source: { address: "1.2.3.4" } },
    });
  });

  test("a header has one family", () => {
    const mixed = { source: { address: "1.2.3.4", port: 1 }, destination: { address: "2001:db8::1", port: 2 } };
    expect(Buffer.from(writeProxyHeader(1, mixed)).toString()).toBe("PROXY TCP6 ::ffff:0102:0304 2001:db8::1 1 2\r\n");
    expect(readProxyHeader(writeProxyHeader(2, mixed))).toMatchObject({
      endpoints: { source: { address: "::ffff:1.2.3.4", port: 1 }, destination: { address: "2001:db8::1", port: 2 } },
    });
  });
});

describe("version 2", () => {
  test("the layout of the specification", () => {
    const bytes = v2(0x21, 0x11, 0, 12, 192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 0x04, 0x01, 0xbb);
    expect(readProxyHeader(bytes)).toEqual({ verdict: "header", version: 2, length: 28, endpoints: ipv4 });
    expect(writeProxyHeader(2, ipv4)).toEqual(bytes);
    expect(readProxyHeader(writeProxyHeader(2, ipv6))).toEqual({
      verdict: "header",
      version: 2,
      length: 52,
      endpoints: ipv6,
    });
  });

  test("extensions are skipped", () => {
    const bytes = v2(0x21, 0x11, 0, 16, 192, 168, 0, 1, 192, 168, 0, 11, 0xdc, 0x04, 0x01, 0xbb, 0x04, 0, 1, 0);
    expect(readProxyHeader(Uint8Array.of(...bytes, 1, 2, 3))).toEqual({
      verdict: "header",
      version: 2,
      length: 32,
      endpoints: ipv4,
    });
  });

  test("what tells no addresses counts as the connection itself", () => {
    expect(writeProxyHeader(2, null)).toEqual(v2(0x20, 0, 0, 0));
    for (const bytes of [
      v2(0x20, 0, 0, 0),
      v2(0x20, 0xff, 0, 2, 9, 9),
      v2(0x21, 0, 0, 3, 9, 9, 9),
      v2(0x21, 0x10, 0, 0),
      v2(0x21, 0x12, 0, 12, ...new Uint8Array(12)),
      v2(0x21, 0x31, 0, 216, ...new Uint8Array(216)),
    ])
      expect(readProxyHeader(bytes)).toEqual({
        verdict: "header",
        version: 2,
        length: bytes.length,
        endpoints: null,
      });
  });

  test.each([
    ["version 1", v2(0x11)],
    ["an unknown command", v2(0x22)],
    ["an unknown family", v2(0x21, 0x41)],
    ["an unknown transport", v2(0x21, 0x13)],
    ["addresses that do not fit", v2(0x21, 0x11, 0, 11)],
    ["IPv6 that does not fit", v2(0x21, 0x21, 0, 12)],
    ["a length beyond the cap", v2(0x21, 0x11, 0x10, 0)],
  ])("%s is refused as soon as it is seen", (_name, bytes) => {
    expect(readProxyHeader(bytes).verdict).toBe("no");
    for (let length = 0; length < bytes.length; length++)
      expect(readProxyHeader(bytes.subarray(0, length)).verdict).toBe("more");
  });
});

const anyPort = fc.integer({ min: 0, max: 65_535 });
const places = (address: fc.Arbitrary<string>): fc.Arbitrary<ProxyEndpoints> =>
  fc.record({
    source: fc.record({ address, port: anyPort }),
    destination: fc.record({ address, port: anyPort }),
  });
/** In canonical form, and not one that is told as IPv4. */
const anyIpv6 = fc
  .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
  .map((groups) => groups.map((group) => group.toString(16)).join(":"));
const anyEndpoints = fc.oneof(places(fc.ipV4()), places(anyIpv6), fc.constant(null));
const anyVersion = fc.constantFrom(1 as const, 2 as const);

test("what is written is read, however it is cut, and what follows it changes nothing", () => {
  fc.assert(
    fc.property(anyVersion, anyEndpoints, fc.uint8Array({ maxLength: 40 }), (version, endpoints, behind) => {
      const header = writeProxyHeader(version, endpoints);
      const expected = { verdict: "header", version, length: header.length, endpoints };
      for (let length = 0; length < header.length; length++)
        expect(readProxyHeader(header.subarray(0, length))).toEqual({ verdict: "more" });
      expect(readProxyHeader(Uint8Array.of(...header, ...behind))).toEqual(expected);
    }),
  );
});

test("any bytes get a verdict that further bytes do not change", () => {
  const starts = fc.constantFrom(new Uint8Array(), proxySignature, new Uint8Array(Buffer.from("PROXY ")));
  fc.assert(
    fc.property(starts, fc.uint8Array({ maxLength: 200 }), fc.nat({ max: 220 }), (start, rest, at) => {
      const bytes = Uint8Array.of(...start, ...rest);
      const early = readProxyHeader(bytes.subarray(0, at));
      if (early.verdict !== "more") expect(readProxyHeader(bytes)).toEqual(early);
    }),
    { numRuns: 500 },
  );
});
