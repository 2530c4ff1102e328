/**
 * @module What the flags of `share` mean, and which of them are refused.
 */
import { describe, expect, test } from "vitest";
import { protocolFlags, readShareWords, type ShareWords } from "./share-wish.ts";

const read = (protocols: Readonly<Record<string, string | readonly string[]>>, others: Partial<ShareWords> = {}) =>
  readShareWords({
    listen: "443",
    bind: "127.0.0.1",
    protocols: new Map(Object.entries(protocols).map(([flag, words]) => [flag, [words].flat()])),
    ...others,
  });
const shown = (...given: Parameters<typeof read>): string[] =>
  read(...given).wish.rules.map(({ protocol, name, alpn, target, sendProxy }) =>
    [protocol, name, alpn, `${target.host}:${target.port}`, sendProxy].filter((part) => part !== null).join(" "),
  );

test("a flag for every protocol that first bytes tell, and for those whose clients wait", () => {
  const flags = protocolFlags.map(({ flag }) => flag);
  for (const flag of ["ssh", "tls", "http", "http2", "postgres", "postgresql", "rdp", "mqtt", "amqp", "redis", "smb"])
    expect(flags).toContain(flag);
  for (const flag of ["dns", "socks", "ldap", "mongodb", "memcached", "sip"]) expect(flags).toContain(flag);
  expect(new Set(flags).size).toBe(flags.length);
  expect(protocolFlags.filter(({ waits }) => waits).map(({ flag }) => flag)).toEqual(
    expect.arrayContaining(["smtp", "ftp", "pop3", "imap", "mysql", "vnc", "telnet", "nats"]),
  );
  for (const flag of ["proxy-protocol", "quic", "wireguard", "ntp", "dhcp", "vite", "docker"])
    expect(flags).not.toContain(flag);
});

describe("rules", () => {
  test("names first, then ALPN, then protocols, rare bytes before words", () => {
    expect(
      shown(
        { memcached: "11211", http: [":8080", "api.localhost=127.0.0.1:8081"], postgres: "db:5432", ssh: "[::1]:22" },
        { name: ["App.localhost=:3000", "*.shop=:3001,proxy"], alpn: ["h2=:8443,proxy=1"], sendProxy: undefined },
      ),
    ).toEqual([
      "http api.localhost 127.0.0.1:8081",
      "app.localhost localhost:3000",
      "*.shop localhost:3001 2",
      "tls h2 localhost:8443 1",
      "ssh ::1:22",
      "postgresql db:5432",
      "http localhost:8080",
      "memcached localhost:11211",
    ]);
  });

  test("of names the exact one first, the nearest wildcard, and one protocol's before all", () => {
    const { wish, notes } = read(
      { tls: ["a.shop=:1", "*.b.shop=:2"] },
      { name: ["*.shop=:3", "a.shop=:4", "*.b.shop=:5"] },
    );
    expect(notes).toEqual([]);
    expect(wish.rules.map(({ target }) => target.port)).toEqual([1, 4, 2, 5, 3]);
  });

  test("--send-proxy is for all that say nothing else", () => {
    expect(shown({ ssh: "22", tls: ":8443,proxy=1" }, { sendProxy: 2 })).toEqual([
      "ssh localhost:22 2",
      "tls localhost:8443 1",
    ]);
    expect(read({ ssh: ":22" }, { silent: "25", fallback: "host.test:80", sendProxy: 1 }).wish).toMatchObject({
      silent: { target: { host: "localhost", port: 25 }, sendProxy: 1 },
      fallback: { target: { host: "host.test", port: 80 }, sendProxy: 1 },
      silentMs: 3000,
    });
  });

  test("where it listens", () => {
    const place = (listen: string, bind = "127.0.0.1") => read({ ssh: ":22" }, { listen, bind }).wish.listen;
    expect(place("443")).toEqual({ transport: "tcp", address: "127.0.0.1", port: 443 });
    expect(place("443", "0.0.0.0").address).toBe("0.0.0.0");
    expect(place("[::1]:443").address).toBe("::1");
    expect(place("*:443").address).toBe("::");
    expect(() => place("example.test:443")).toThrow("a socket listens at an address");
  });
});

describe("clients that wait", () => {
  test("one such server is where the silent go", () => {
    const { wish, notes } = read({ smtp: ":2525", ssh: ":22" });
    expect(wish.silent).toMatchObject({ target: { port: 2525 } });
    expect(wish.rules.map(({ protocol }) => protocol)).toEqual(["ssh", "smtp"]);
    expect(notes).toEqual([]);
    expect(read({ mysql: ":3306" }).wish).toMatchObject({ rules: [], silent: { target: { port: 3306 } } });
  });

  test("two of them are refused, unless it is said who gets the silent", () => {
    expect(() => read({ smtp: ":25", imap: ":143" })).toThrow(
      "--smtp and --imap cannot share a port: their clients say nothing until the server has spoken, so that nothing tells them apart.",
    );
    const { wish, notes } = read({ smtp: ":25", mysql: ":3306" }, { silent: ":25" });
    expect(wish.silent).toMatchObject({ target: { port: 25 } });
    expect(notes).toEqual([
      "Clients of mysql say nothing until the server has spoken: they go where --silent says, and never to that of --mysql.",
    ]);
    expect(read({ ftp: ":21" }, { silent: ":25" }).notes).toEqual([
      "Clients of ftp say nothing until the server has spoken: they go where --silent says, unless they speak first.",
    ]);
  });
});

test("what can never be reached is told", () => {
  expect(read({ ssh: [":22", ":2222"] }).notes).toEqual([
    "Rule 2 (ssh) can never be reached: rule 1 asks for the same, and nothing can tell them apart.",
  ]);
  expect(read({ postgres: ":1", postgresql: ":2" }).notes).toHaveLength(1);
  expect(read({}, { name: ["a.shop=:1", "a.shop=:2"] }).notes).toEqual([
    "Rule 2 (name a.shop) can never be reached: rule 1 asks for the same, and nothing can tell them apart.",
  ]);
});

test.each<[string, () => unknown, string]>([
  ["nothing at all", () => read({}), "Nothing says where connections go."],
  ["no name", () => read({}, { name: [":3000"] }), "it is NAME=TARGET"],
  ["an empty name", () => read({}, { name: ["=:3000"] }), "it is no host name"],
  ["a name of a path", () => read({}, { name: ["a/b=:3000"] }), "it is no host name"],
  ["a star alone", () => read({}, { name: ["*=:3000"] }), "it is no host name"],
  ["a name for what has none", () => read({ ssh: "a.test=:22" }), "a client of ssh names nobody"],
  ["a name for HTTP/2 without TLS", () => read({ http2: "a.test=:22" }), "a client of http2 names nobody"],
  ["no ALPN", () => read({}, { alpn: [":3000"] }), "it is PROTOCOL=TARGET"],
  ["a URL", () => read({ http: "http://localhost:3000/" }), "it is a URL, and bytes are passed on"],
  ["UDP", () => read({ dns: "53/udp" }), "it is UDP, and TCP is needed"],
  ["port 0", () => read({ ssh: ":0" }), "nobody listens at port 0"],
  ["every address", () => read({ ssh: "*:22" }), "and one is needed"],
  ["an unknown word behind the comma", () => read({ ssh: ":22,proxy=3" }), "proxy=1 or proxy=2"],
  ["a wait that is none", () => read({ ssh: ":22" }, { wait: "0" }), "it is from 50ms to 10m"],
])("refused: %s", (_, action, problem) => {
  expect(action).toThrow(problem);
});
