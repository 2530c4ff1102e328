import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  PortolanError,
  canonicalAddressFromBytes,
  formatEndpoint,
  formatSocketAddress,
  parseEndpoint,
  toPort,
  type Endpoint,
  type EndpointHost,
} from "./index.ts";

const portOfScheme = (scheme: string): number | undefined => ({ redis: 6379, broken: 70_000 })[scheme];

const host: fc.Arbitrary<EndpointHost> = fc.oneof(
  fc.constant<EndpointHost>({ kind: "any" }),
  fc.constant<EndpointHost>({ kind: "unspecified" }),
  fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes): EndpointHost => ({
    kind: "address",
    address: { family: "ipv4", address: bytes.join("."), zone: null },
  })),
  fc
    .tuple(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.option(fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,14}$/)))
    .map(([bytes, zone]): EndpointHost => ({
      kind: "address",
      address: { family: "ipv6", address: canonicalAddressFromBytes(bytes, 0, "ipv6"), zone },
    })),
  fc.domain().map((name): EndpointHost => ({ kind: "name", name: name.toLowerCase() })),
);
const path = fc.webPath().map((text) => `/${text.replace(/^\/+/, "")}`);
const endpoint: fc.Arbitrary<Endpoint> = fc
  .tuple(
    host,
    fc.nat(65_535),
    fc.constantFrom(null, "http", "https", "ws", "redis"),
    fc.constantFrom(null, "tcp", "udp", "sctp", "dccp"),
    fc.option(path),
  )
  .map(([where, port, scheme, transport, way]): Endpoint => {
    const web = scheme === "http" || scheme === "https" || scheme === "ws";
    return {
      transport: web ? "tcp" : scheme === null ? transport : null,
      scheme,
      host: where,
      port: toPort(port),
      path: way ?? (web ? "/" : null),
    };
  });

function refusalOf(text: string): PortolanError {
  try {
    parseEndpoint(text, { portOfScheme });
  } catch (error) {
    if (error instanceof PortolanError && error.code === "ENDPOINT_INVALID") return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text.slice(0, 60))} was accepted`);
}

describe("forms", () => {
  test.each([
    ["192.168.1.8:5500", "192.168.1.8:5500"],
    ["[::1]:80", "[::1]:80"],
    ["[0:0::1]:80", "[::1]:80"],
    ["[fe80::1%eth0]:80", "[fe80::1%eth0]:80"],
    ["[fe80::1%25]:80", "[fe80::1%25]:80"],
    [":::3000", "[::]:3000"],
    [":::80", "[::]:80"],
    ["*:80", "*:80"],
    [":3000", ":3000"],
    ["3000", ":3000"],
    ["0", ":0"],
    ["53/udp", "udp://:53"],
    ["localhost:3000", "localhost:3000"],
    ["LocalHost:3000", "localhost:3000"],
    ["example.com.:80", "example.com.:80"],
    ["my_service.internal:80", "my_service.internal:80"],
    ["127.0.0.1:3000/api?x=1", "127.0.0.1:3000/api?x=1"],
    ["tcp://host:22", "tcp://host:22"],
    ["udp://1.2.3.4:53", "udp://1.2.3.4:53"],
    ["TCP://[::1]:22", "tcp://[::1]:22"],
    ["http://192.168.1.8:5173/x?y", "http://192.168.1.8:5173/x?y"],
    ["https://[::1]:8443/", "https://[::1]:8443/"],
    ["HTTP://h", "http://h:80/"],
    ["http://h:/", "http://h:80/"],
    ["https://h", "https://h:443/"],
    ["ws://h", "ws://h:80/"],
    ["wss://h/live", "wss://h:443/live"],
    ["http://h?q#fragment", "http://h:80/?q"],
    ["http://h/@vite/client", "http://h:80/@vite/client"],
    ["http://:8080/", "http://:8080/"],
    ["redis://h", "redis://h:6379"],
    ["postgres://h:5432/db", "postgres://h:5432/db"],
    ["http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]:80/"],
    ["http://[fe80::1%eth0]/", "http://[fe80::1%25eth0]:80/"],
    ["http://user:secret@h:81/", "http://h:81/"],
    ["http://a@b@h/", "http://h:80/"],
    ["root@host:22", "host:22"],
  ])("%s is %s", (text, canonical) => {
    const parsed = parseEndpoint(text, { portOfScheme });
    expect(formatEndpoint(parsed)).toBe(canonical);
    expect(parseEndpoint(canonical)).toEqual(parsed);
  });

  test("parts", () => {
    expect(parseEndpoint("3000")).toEqual({
      transport: null,
      scheme: null,
      host: { kind: "unspecified" },
      port: 3000,
      path: null,
    });
    expect(parseEndpoint("*:80").host).toEqual({ kind: "any" });
    expect(parseEndpoint("http://h")).toEqual({
      transport: "tcp",
      scheme: "http",
      host: { kind: "name", name: "h" },
      port: 80,
      path: "/",
    });
    expect(parseEndpoint("udp://[fe80::1%25eth0]:53")).toEqual({
      transport: "udp",
      scheme: null,
      host: { kind: "address", address: { family: "ipv6", address: "fe80::1", zone: "eth0" } },
      port: 53,
      path: null,
    });
  });

  test("parsing what was printed gives the same value", () => {
    fc.assert(
      fc.property(endpoint, (value) => {
        expect(parseEndpoint(formatEndpoint(value))).toEqual(value);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("refusals", () => {
  test.each([
    ["", 1, "empty"],
    ["1.2.3.4:", 9, "port from 0 to 65535 is missing"],
    ["1.2.3.4", 8, "write host:port"],
    ["localhost", 10, "write host:port"],
    ["tcp://host", 11, "write tcp://host:port"],
    [":", 2, "missing"],
    ["[::1", 5, "not closed"],
    ["[::1]", 6, "write host:port"],
    ["[::1]80", 6, "where : and a port"],
    ["[1.2.3.4]:80", 1, "write 1.2.3.4:port"],
    ["[]:80", 2, "empty"],
    ["[::g]:80", 4, "character 4"],
    ["256.1.1.1:80", 1, "over 255"],
    ["http://256.1.1.1/", 8, "character 8"],
    ["1.2.3:80", 6, "3 of four"],
    ["1.2.3.4.5:80", 8, "should end"],
    ["0x7f.1:80", 2, "not an IPv4 address"],
    ["[fe80::1%]:80", 10, "zone after % is empty"],
    ["http://[fe80::1%25]:80", 19, "zone after % is empty"],
    ["::1", 1, "write [::1]:PORT"],
    ["::1:3000", 1, "write [::1:3000]:PORT or [::1]:3000"],
    ["::ffff:127.0.0.1:3000", 1, "write [::ffff:127.0.0.1]:3000"],
    ["a:b:c", 4, "second colon"],
    ["localhost:65536", 11, "65535"],
    ["localhost:http", 11, "character 11"],
    ["localhost:0x50", 11, "character 12"],
    ["localhost: 80", 11, "spaces"],
    ["local host:80", 6, "spaces"],
    ["h\u0000:80", 2, "control"],
    ["h\u001b[31m:80", 2, "control"],
    ["h\u202e:80", 2, "control"],
    ["http:\\\\h", 6, "backslashes"],
    ["3000/x", 5, "/udp"],
    ["bücher.example:80", 2, "xn--"],
    ["１:80", 1, "host name"],
    ["a..b:80", 3, "missing"],
    ["-a:80", 1, "hyphen"],
    [`${"a".repeat(64)}:80`, 1, "longer than 63"],
    [`${"a.".repeat(127)}a:80`, 1, "longer than 253"],
    ["ftp://h", 8, "write ftp://host:port"],
    ["broken://h", 11, "no port that is known"],
    ["://h:80", 1, "scheme"],
    ["http://", 8, "missing"],
    ["http://h:99999/", 10, "65535"],
  ])("%j at character %i", (text, position, reason) => {
    const error = refusalOf(text);
    expect(error.details["position"]).toBe(position);
    expect(error.message).toContain(reason);
  });

  test.each([
    "http://user:hunter2@h:x/",
    "http://user:hunter2/@h:99999/",
    "hunter2:hunter2@ h:1",
    "http://hun\tter2@h/",
    "redis2://:hunter2@h",
    "hunter2@h:x",
  ])("%j never repeats what stands before the @", (text) => {
    const error = refusalOf(text);
    expect(`${error.message} ${JSON.stringify(error.details)}`).not.toMatch(/hun|ter2|user/);
  });

  test("any text is read or refused with a position inside it, and what is read prints to itself", () => {
    const nearly = fc.stringMatching(/^(http:\/\/|tcp:\/\/)?[[\]:.%@/?#*0-9a-f]{0,30}$/);
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" }), fc.webUrl(), nearly),
        (text) => {
          let parsed: Endpoint;
          try {
            parsed = parseEndpoint(text, { portOfScheme });
          } catch {
            const { position } = refusalOf(text).details;
            expect(position).toBeGreaterThanOrEqual(1);
            expect(position).toBeLessThanOrEqual(text.length + 1);
            return;
          }
          expect(parseEndpoint(formatEndpoint(parsed))).toEqual(parsed);
        },
      ),
      { numRuns: 5000 },
    );
  });

  test.each([":", "[", "1.", "a.", "@", "http://", "/", "%25", "9", "\u{1F6A2}"])(
    "ten million characters of %j are refused by their number",
    (unit) => {
      const error = refusalOf(unit.repeat(Math.ceil(1e7 / unit.length)));
      expect(error.message.length).toBeLessThan(400);
      expect(error.details["position"]).toBe(4097);
    },
  );
});

test("socket addresses are put together without a look at them", () => {
  expect(formatSocketAddress("192.168.1.8", 80)).toBe("192.168.1.8:80");
  expect(formatSocketAddress("::1", 80)).toBe("[::1]:80");
  expect(formatSocketAddress("fe80::1", 80, "eth0")).toBe("[fe80::1%eth0]:80");
  expect(formatSocketAddress("127.0.0.1", 80, "lo")).toBe("127.0.0.1%lo:80");
});
