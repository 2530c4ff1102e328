/**
 * @module Where first bytes lead: real clients' hellos, and the laws that hold for any bytes, cut anywhere.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { listCaptures, readCapture } from "../../../test/support/captures.ts";
import { fromHex } from "../../../test/support/replay.ts";
import { parsePort } from "../../core/index.ts";
import { protocols } from "../../protocols/index.ts";
import { createDemultiplexer, mostSeenBytes } from "./demultiplexer.ts";
import type { RelayChoice, ShareRule, ShareWish } from "./relay-wish.ts";
import { byPrecision, toldByBytes } from "./share-protocols.ts";

const seed = Number(process.env["PORTOLAN_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
const to = (port: number): { target: ShareRule["target"]; sendProxy: null } => ({
  target: { host: "127.0.0.1", port: parsePort(String(port)) },
  sendProxy: null,
});
const ruleOf = (port: number, given: Partial<ShareRule>): ShareRule => ({
  protocol: null,
  name: null,
  alpn: null,
  ...to(port),
  ...given,
});
const wishOf = (rules: readonly ShareRule[], given: Partial<ShareWish> = {}): ShareWish => ({
  kind: "share",
  listen: { transport: "tcp", address: "127.0.0.1", port: parsePort("443") },
  acceptProxy: false,
  idleMs: null,
  mostConnections: 100,
  mostToTarget: 100,
  rules,
  silent: to(25),
  silentMs: 3000,
  fallback: to(9),
  ...given,
});

/** The chooser's one function. */
function chooseBy(wish: ShareWish): (bytes: Uint8Array, state: "open" | "silent" | "ended") => RelayChoice {
  const chooser = createDemultiplexer(wish);
  return (bytes, state) => chooser.choose(bytes, state);
}

/** Port it goes to, `null` for closed, `undefined` for more. */
function placeOf(choice: RelayChoice): number | null | undefined {
  return choice.kind === "more" ? undefined : choice.kind === "close" ? null : choice.target.port;
}

/** A ClientHello as clients write it, in one record. */
function helloOf(name: string | null, alpn: readonly string[]): Uint8Array {
  const number = (value: number, size: number): number[] =>
    Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** (size - 1 - index)) & 255);
  const sized = (size: number, body: readonly number[]): number[] => [...number(body.length, size), ...body];
  const extension = (type: number, body: readonly number[]): number[] => [...number(type, 2), ...sized(2, body)];
  const offered = alpn.flatMap((one) => sized(1, [...latin1(one)]));
  const extensions = [
    ...extension(0x2a2a, []),
    ...(name === null ? [] : extension(0, sized(2, [0, ...sized(2, [...latin1(name)])]))),
    ...extension(43, sized(1, [3, 4, 3, 3])),
    ...(alpn.length === 0 ? [] : extension(16, sized(2, offered))),
  ];
  const random = Array.from({ length: 32 }, (_, index) => index);
  const body = [3, 3, ...random, ...sized(1, random), ...sized(2, [0x13, 1, 0x13, 2]), 1, 0, ...sized(2, extensions)];
  return Uint8Array.from([22, 3, 1, ...sized(2, [1, ...sized(3, body)])]);
}

/** First bytes of clients, by the protocol that they are. */
const hellos: readonly (readonly [protocol: string, bytes: Uint8Array])[] = [
  ["ssh", latin1("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u7\r\n")],
  ["tls", helloOf("app.localhost", ["h2", "http/1.1"])],
  ["tls", helloOf(null, [])],
  ["http", latin1("GET / HTTP/1.1\r\nHost: App.Localhost:443\r\nUser-Agent: curl/7.88.1\r\n\r\n")],
  ["http", latin1("CONNECT app.localhost:443 HTTP/1.1\r\n\r\n")],
  ["http2", latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0")],
  ["postgresql", fromHex("0000000804d2162f")],
  ["postgresql", fromHex("0000000804d21630")],
  ["postgresql", fromHex("000000250003000075736572006100")],
  ["rdp", fromHex("030000130ee000000000000100080003000000")],
  ["mqtt", fromHex("101600044d5154540402003c000a6d6f73712d58595a3132")],
  ["amqp", fromHex("414d515000000901")],
  ["redis", latin1("*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n")],
  ["redis", latin1("PING\r\n")],
  ["redis", latin1("AUTH secret\r\nPING\r\n")],
  ["smb", fromHex("000000d4fe534d4240000100")],
  ["dns", fromHex("001aa1b2010000010000000000000377777704746573740000010001")],
  ["socks", fromHex("050100")],
  ["socks", fromHex("04010050c000020100")],
  ["ldap", fromHex("300c020101600702010304008000")],
  ["mongodb", fromHex(`3d0000000100000000000000dd070000${"00".repeat(45)}`)],
  ["memcached", latin1("get key\r\n")],
  ["memcached", fromHex(`800b${"00".repeat(22)}`)],
  ["sip", latin1("OPTIONS sip:a@b SIP/2.0\r\n")],
];

/** What probes of clients-first protocols say, as it was recorded before real servers. */
const recorded = protocols.flatMap(({ id, over, sniff, speaksFirst }) =>
  sniff === undefined || over !== "transport" || speaksFirst !== "client"
    ? []
    : listCaptures(id).flatMap((name) => {
        const { transport, events } = readCapture(id, name);
        const [first] = events;
        return transport === "tcp" && first?.kind === "send" ? [[id, fromHex(first.bytes)] as const] : [];
      }),
);

describe("the table of protocols", () => {
  const everyOne = toldByBytes
    .toSorted((one, other) => byPrecision(one.id, other.id))
    .map(({ id }, index) => ruleOf(1000 + index, { protocol: id }));
  const choose = chooseBy(wishOf(everyOne));
  const ruleAt = (choice: RelayChoice): string | null | undefined =>
    everyOne.find(({ target }) => target.port === placeOf(choice))?.protocol;

  test("every one has its place in the order", () => {
    const ids = toldByBytes.map(({ id }) => id);
    expect(ids.filter((id) => byPrecision(id, "nothing that is listed") >= 0)).toEqual([]);
    expect(ids).toEqual(expect.arrayContaining(["ssh", "tls", "http", "http2", "postgresql", "rdp", "mqtt", "redis"]));
    expect(ids).not.toContain("proxy-protocol");
    expect(ids).not.toContain("quic");
  });

  test.each(hellos.map(([id, bytes], index) => [id, index, bytes] as const))(
    "%s (%i) goes to its own",
    (id, _, bytes) => {
      const choice = choose(bytes, "open");
      expect([ruleAt(choice), choice.kind === "target" && choice.reason.protocol]).toEqual([id, id]);
    },
  );

  test.each(recorded.map(([id, bytes], index) => [id, index, bytes] as const))("recorded %s (%i)", (id, _, bytes) => {
    const choice = choose(bytes, "open");
    expect(ruleAt(choice)).toBe(id);
  });

  test("a header of the PROXY protocol that nobody said would come is told in the trace", () => {
    expect(choose(latin1("PROXY TCP4 127.0.0.1 127.0.0.1 5 6\r\nSSH-2.0-x\r\n"), "open")).toMatchObject({
      kind: "target",
      target: { port: 9 },
      reason: { protocol: "proxy-protocol", rule: "fallback: no rule fits" },
    });
  });
});

describe("names", () => {
  const rules = [
    ruleOf(1, { protocol: "http" }),
    ruleOf(2, { protocol: "tls" }),
    ruleOf(3, { name: "app.localhost" }),
    ruleOf(4, { name: "*.shop.localhost" }),
    ruleOf(5, { protocol: "tls", name: "secure.localhost", alpn: "h2" }),
    ruleOf(6, { protocol: "http2" }),
  ];
  const choose = chooseBy(wishOf(rules));
  const request = (line: string, ...fields: string[]): Uint8Array => latin1([line, ...fields, "", ""].join("\r\n"));

  test.each([
    ["Host", request("GET / HTTP/1.1", "Host: app.localhost"), 3],
    ["in capitals, with a port and a last dot", request("GET / HTTP/1.1", "A: b", "HOST:\tAPP.Localhost.:80 "), 3],
    ["with blanks around it", request("GET / HTTP/1.1", "Host: \t app.localhost \t"), 3],
    ["an empty one is none", request("GET / HTTP/1.1", "Host: ", "Host: app.localhost"), 1],
    ["with a blank in it, is none", request("GET / HTTP/1.1", "Host: app.localhost x"), 1],
    ["below a wildcard", request("GET / HTTP/1.1", "Host: a.b.shop.localhost"), 4],
    ["a wildcard's own parent is not below it", request("GET / HTTP/1.1", "Host: shop.localhost"), 1],
    ["nor what only ends like it", request("GET / HTTP/1.1", "Host: workshop.localhost"), 1],
    ["the absolute target goes before Host", request("GET http://app.localhost/ HTTP/1.1", "Host: other"), 3],
    ["CONNECT names it in the target", request("CONNECT app.localhost:443 HTTP/1.1"), 3],
    ["a body does not name anybody", request("GET / HTTP/1.1", "", "Host: app.localhost"), 1],
    ["nor does the path", request("GET /Host:app.localhost HTTP/1.1"), 1],
    ["nor a field of another name", request("GET / HTTP/1.1", "X-Host: app.localhost", "Host : app.localhost"), 1],
    ["lines may end in LF alone", latin1("GET / HTTP/1.1\nHost: app.localhost\n\n"), 3],
    ["blanks around it do not count", request("GET / HTTP/1.1", "A: b", "Host:\t  app.localhost \t"), 3],
    ["blanks within it make it none", request("GET / HTTP/1.1", "Host: app.localhost  x"), 1],
    ["CR alone begins no line", latin1("GET / HTTP/1.1\r\nA: b\rHost: app.localhost\r\n\r\n"), 1],
    ["nor does it end one", latin1("GET / HTTP/1.1\r\nHost: a\rb\r\nHost: app.localhost\r\n\r\n"), 3],
    ["SNI", helloOf("APP.localhost", []), 3],
    ["SNI below a wildcard", helloOf("x.shop.localhost", ["h2"]), 4],
    ["another SNI", helloOf("other", ["h2"]), 2],
    ["SNI and ALPN together", helloOf("secure.localhost", ["http/1.1", "h2"]), 5],
    ["SNI without that ALPN", helloOf("secure.localhost", ["http/1.1"]), 2],
    ["ALPN without that SNI", helloOf(null, ["h2"]), 2],
    ["HTTP/2 without TLS names nobody yet", latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 6],
  ])("%s", (_, bytes, port) => expect(placeOf(choose(bytes, "open"))).toBe(port));

  test("the reason says what was seen", () => {
    expect(choose(helloOf("secure.localhost", ["h2", "http/1.1"]), "open")).toMatchObject({
      reason: {
        protocol: "tls",
        name: "secure.localhost",
        alpn: ["h2", "http/1.1"],
        rule: "rule 5: tls, name secure.localhost, alpn h2",
      },
    });
    expect(choose(request("GET / HTTP/1.1", "Host: app.localhost"), "open")).toMatchObject({
      reason: { protocol: "http", name: "app.localhost", alpn: [], rule: "rule 3: name app.localhost" },
    });
  });

  test("a request goes on until it names somebody, and is not waited for where no name matters", () => {
    expect(placeOf(choose(latin1("GET / HTTP/1.1\r\n"), "open"))).toBeUndefined();
    expect(placeOf(choose(latin1("GET / HTTP/1.1\r\nHost: app.localh"), "silent"))).toBe(1);
    const plain = createDemultiplexer(
      wishOf([ruleOf(1, { protocol: "http" }), ruleOf(3, { protocol: "tls", name: "a" })]),
    );
    expect(placeOf(plain.choose(latin1("GET / HTTP/1.1\r\n"), "open"))).toBe(1);
  });
});

describe("silence, endings, caps", () => {
  const rules = [ruleOf(1, { protocol: "http" }), ruleOf(2, { protocol: "ssh" })];
  const open = createDemultiplexer(wishOf(rules));
  const shut = createDemultiplexer(wishOf(rules, { silent: null, fallback: null }));
  const nothing = new Uint8Array(0);

  test("who says nothing goes the silent way, or nowhere", () => {
    expect(open.waitMs).toBe(3000);
    expect(placeOf(open.choose(nothing, "open"))).toBeUndefined();
    expect(open.choose(nothing, "silent")).toMatchObject({
      target: { port: 25 },
      reason: { rule: "silent: said nothing for 3 s" },
    });
    expect(shut.choose(nothing, "silent")).toMatchObject({
      kind: "close",
      reason: { rule: "closed: said nothing for 3 s" },
    });
    expect(open.choose(nothing, "ended")).toMatchObject({
      target: { port: 25 },
      reason: { rule: "silent: ended without a word" },
    });
  });

  test("who goes on without deciding it is not waited for longer", () => {
    expect(placeOf(open.choose(latin1("GET /"), "open"))).toBeUndefined();
    expect(open.choose(latin1("GET /"), "silent")).toMatchObject({
      target: { port: 9 },
      reason: { protocol: null, rule: "fallback: no rule fits what it said in 3 s" },
    });
    expect(shut.choose(latin1("GET /"), "ended")).toMatchObject({
      kind: "close",
      reason: { rule: "closed: no rule fits all it said" },
    });
  });

  test("16 KiB are looked at", () => {
    const long = latin1(`GET /${"a".repeat(mostSeenBytes)}`);
    expect(placeOf(open.choose(long.subarray(0, mostSeenBytes - 1), "open"))).toBeUndefined();
    for (const length of [mostSeenBytes, mostSeenBytes + 5]) {
      const choice = open.choose(long.subarray(0, length), "open");
      expect([placeOf(choice), choice.kind === "target" && choice.reason.rule]).toEqual([
        9,
        `fallback: no rule fits its first ${mostSeenBytes} bytes`,
      ]);
    }
    const named = createDemultiplexer(wishOf([...rules, ruleOf(3, { name: "app" })]));
    const late = latin1(`GET / HTTP/1.1\r\nA: ${"a".repeat(mostSeenBytes)}\r\nHost: app\r\n\r\n`);
    expect(placeOf(named.choose(late.subarray(0, 16_000), "open"))).toBeUndefined();
    expect(placeOf(named.choose(late, "open"))).toBe(1);
  });
});

describe("no longer than needed", () => {
  const ask = (rules: readonly ShareRule[], given: Partial<ShareWish>, text: string): number | null | undefined =>
    placeOf(createDemultiplexer(wishOf(rules, given)).choose(latin1(text), "open"));

  test("bytes that no rule begins with are known by the first of them", () => {
    expect(ask([ruleOf(1, { protocol: "ssh" }), ruleOf(2, { protocol: "tls" })], {}, "G")).toBe(9);
    expect(ask([ruleOf(1, { protocol: "ssh" })], { fallback: null }, "Q")).toBeNull();
    expect(ask([ruleOf(1, { protocol: "mongodb" }), ruleOf(2, { protocol: "redis" })], {}, "PING\r\n")).toBe(2);
  });

  test("what leads to the same server is not told apart", () => {
    const same = [ruleOf(1, { protocol: "http" }), ruleOf(1, { name: "app" })];
    expect(ask(same, {}, "GET / HTTP/1.1\r\n")).toBe(1);
    expect(ask(same, {}, "GET ")).toBeUndefined();
    expect(ask(same, { fallback: to(1) }, "GET ")).toBe(1);
    expect(ask(same, { fallback: to(1) }, "")).toBeUndefined();
    expect(ask(same, { fallback: to(1), silent: to(1) }, "")).toBe(1);
    const told = [ruleOf(1, { protocol: "http", sendProxy: 2 })];
    expect(ask(told, { fallback: to(1) }, "GET ")).toBeUndefined();
  });

  test("a rule before goes on being asked, one behind is not", () => {
    const http = ruleOf(1, { protocol: "http" });
    const memcached = ruleOf(2, { protocol: "memcached" });
    expect(ask([http, memcached], {}, "get k")).toBeUndefined();
    expect(ask([http, memcached], {}, "get k HTTP/1.1\r\n")).toBe(1);
    expect(ask([http, memcached], {}, "get k\r\n")).toBe(2);
    expect(ask([memcached, http], {}, "get k")).toBe(2);
  });
});

/** Rules of any kind, few places, so that many of them lead to the same. */
const anyRule: fc.Arbitrary<ShareRule> = fc
  .record({
    port: fc.integer({ min: 1, max: 3 }),
    protocol: fc.option(fc.constantFrom(...toldByBytes.map(({ id }) => id)), { freq: 6 }),
    name: fc.option(fc.constantFrom("app.localhost", "*.localhost", "other"), { freq: 1 }),
    alpn: fc.option(fc.constantFrom("h2", "http/1.1"), { freq: 1 }),
  })
  .map(({ port, ...given }) => ruleOf(port, given));
const anyEnd = fc.option(fc.integer({ min: 1, max: 4 }).map(to));
const anyWish = fc
  .record({ rules: fc.array(anyRule, { maxLength: 8 }), silent: anyEnd, fallback: anyEnd })
  .map(({ rules, ...given }) => wishOf(rules, given));

/** Hellos, broken hellos, hellos one behind the other, and anything. */
const anyHello = fc.constantFrom(...hellos, ...recorded).map(([, bytes]) => bytes);
const anyBytes: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: anyHello },
  {
    weight: 3,
    arbitrary: fc
      .tuple(anyHello, fc.nat(), fc.nat({ max: 255 }))
      .map(([bytes, at, byte]) => bytes.map((own, index) => (index === at % bytes.length ? byte : own))),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(anyHello, fc.nat(), anyHello)
      .map(([one, at, other]) => Uint8Array.from([...one.subarray(0, at % one.length), ...other])),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: fc.constantFrom(..."GETPRI SH-*$:/.\r\n12 Hosthtp".split("")), maxLength: 80 })
      .map(latin1),
  },
);

describe(`laws (seed ${seed})`, () => {
  const options = { seed, numRuns: Number(process.env["PORTOLAN_FUZZ_RUNS"] ?? 2000) };

  test("cut anywhere, it goes where it goes in one piece", () => {
    fc.assert(
      fc.property(anyWish, anyBytes, (wish, bytes) => {
        const choose = chooseBy(wish);
        const whole = placeOf(choose(bytes, "ended"));
        let decided: number | null | undefined;
        for (let length = 1; length <= bytes.length; length += 1) {
          const place = placeOf(choose(bytes.subarray(0, length), "open"));
          if (decided !== undefined) expect([length, place]).toEqual([length, decided]);
          decided ??= place;
        }
        if (bytes.length > 0 && decided !== undefined) expect(decided).toBe(whole);
      }),
      options,
    );
  });

  test("what is decided stays so, whatever comes behind", () => {
    fc.assert(
      fc.property(anyWish, anyBytes, anyBytes, fc.nat(), (wish, bytes, behind, at) => {
        const choose = chooseBy(wish);
        const start = bytes.subarray(0, at % (bytes.length + 1));
        const early = placeOf(choose(start, "open"));
        if (early === undefined) return;
        const later = Uint8Array.from([...start, ...behind]);
        if (later.length > 0)
          for (const state of ["open", "silent", "ended"] as const) expect(placeOf(choose(later, state))).toBe(early);
      }),
      options,
    );
  });

  test("as long as it waits, there are bytes that would lead elsewhere", () => {
    // Each rule alone. Some read a little more: a hello of TLS to the end, for what it names, a query whole, a version whole, each method.
    const readWhole = new Set(["tls", "postgresql", "dns", "socks"]);
    for (const [id, bytes] of [...hellos, ...recorded].filter(([one]) => !readWhole.has(one))) {
      const choose = chooseBy(wishOf([ruleOf(1, { protocol: id })]));
      for (let length = 0; length < bytes.length; length += 1) {
        if (placeOf(choose(bytes.subarray(0, length), "open")) !== undefined) break;
        expect([id, placeOf(choose(bytes, "ended"))]).toEqual([id, 1]);
        const elsewhere = [0x00, 0xff, 0x0a].some(
          (byte) =>
            placeOf(
              choose(Uint8Array.from([...bytes.subarray(0, length), ...new Uint8Array(64).fill(byte)]), "ended"),
            ) === 9,
        );
        expect([id, length, elsewhere]).toEqual([id, length, true]);
      }
    }
  });
});
