/**
 * @module Forwards and shares in exported files, before the real engines: where clients' connections go, by their first bytes, by their silence,
 * and with the PROXY protocol on either side.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toPort } from "../../src/core/index.ts";
import type { GroupedLimit } from "../../src/gateway/export/index.ts";
import { exportWriters } from "../../src/gateway/export/writers.ts";
import { createDemultiplexer } from "../../src/gateway/relay/index.ts";
import type { ForwardWish, RelayWish, ShareRule, ShareWish } from "../../src/gateway/relay/relay-wish.ts";
import { checkExported, findFreePorts, hasEngine, runExported, type RunningEngine } from "../support/export-engines.ts";

const names = ["ssh", "tls", "h2", "app", "web", "http", "postgresql", "redis", "mqtt", "silent", "fallback"] as const;
type Name = (typeof names)[number];

/** Says its name to whoever comes, and then what it is told. */
interface Target {
  readonly port: number;
  /** What the last client said. */
  readonly heard: string;
  readonly open: Set<Socket>;
  close(): void;
}

async function startTarget(name: string, address = "127.0.0.1"): Promise<Target> {
  const open = new Set<Socket>();
  let last = { text: "" };
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    const own = { text: "" };
    last = own;
    socket.setEncoding("latin1").on("error", () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    socket.on("data", (text: string) => (own.text += text));
    socket.on("end", () => socket.end(`bye ${name}`));
    socket.write(`${name}\n`);
  });
  server.listen(0, address);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    get heard() {
      return last.text;
    },
    open,
    close: () => {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

const targets = new Map<Name, Target>();
let six: Target;
let udp: ReturnType<typeof createSocket>;
let ports: number[];

beforeAll(async () => {
  for (const name of names) targets.set(name, await startTarget(name));
  six = await startTarget("six", "::1");
  udp = createSocket("udp4", (message, from) => udp.send(`udp ${message.toString()}`, from.port, from.address));
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
});

afterAll(() => {
  for (const target of [...targets.values(), six]) target.close();
  udp.close();
});

const terms = { acceptProxy: false, idleMs: 60_000, mostConnections: 100, mostToTarget: 50 };
const at = (port: number): RelayWish["listen"] => ({ transport: "tcp", address: "127.0.0.1", port: toPort(port) });
const end = (name: Name): { host: string; port: ReturnType<typeof toPort> } => ({
  host: "127.0.0.1",
  port: toPort(targets.get(name)!.port),
});

function forward(port: number, changes: Partial<ForwardWish> = {}): ForwardWish {
  return { ...terms, kind: "forward", listen: at(port), target: end("http"), sendProxy: null, ...changes };
}

const rule = (name: Name, changes: Partial<ShareRule>): ShareRule => ({
  protocol: null,
  name: null,
  alpn: null,
  target: end(name),
  sendProxy: null,
  ...changes,
});

function share(port: number, changes: Partial<ShareWish> = {}): ShareWish {
  return {
    ...terms,
    kind: "share",
    listen: at(port),
    rules: [
      rule("ssh", { protocol: "ssh" }),
      rule("http", { protocol: "http" }),
      rule("h2", { protocol: "tls", alpn: "h2" }),
      rule("tls", { protocol: "tls" }),
      rule("postgresql", { protocol: "postgresql" }),
      rule("redis", { protocol: "redis" }),
      rule("mqtt", { protocol: "mqtt" }),
      rule("app", { name: "app.localhost" }),
      rule("web", { protocol: "http", name: "*.web.localhost" }),
    ],
    silent: { target: end("silent"), sendProxy: null },
    silentMs: 400,
    fallback: { target: end("fallback"), sendProxy: null },
    ...changes,
  };
}

/** What comes back until so much of it has come, or the connection ends. */
async function converse(port: number, bytes: string | Buffer, { split = false, half = false } = {}): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.setNoDelay(true).setEncoding("latin1");
  let text = "";
  socket.on("data", (part: string) => (text += part));
  const ended = new Promise<void>((resolve) =>
    socket.once("end", resolve).once("close", resolve).once("error", resolve),
  );
  await once(socket, "connect");
  const whole = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  if (split) for (const byte of whole) await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
  else if (whole.length > 0) socket.write(whole);
  if (half) socket.end();
  for (;;) {
    if (half ? text.includes("bye") : text.includes("\n")) break;
    const more = new Promise<"more">((resolve) => socket.once("data", () => resolve("more")));
    if ((await Promise.race([more, ended.then(() => "ended" as const)])) === "ended") break;
  }
  socket.destroy();
  return half ? text : (text.split("\n")[0] ?? "");
}

/** The first record that a client of TLS sends. */
async function clientHello(servername: string, protocols: string[]): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectTls({
    port: (server.address() as AddressInfo).port,
    host: "127.0.0.1",
    ALPNProtocols: protocols,
    ...(servername === "" ? {} : { servername }),
  });
  client.on("error", () => undefined);
  const [socket] = (await once(server, "connection")) as [Socket];
  const [hello] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return hello;
}

const startup = (user: string): string => {
  const body = `\0\u0003\0\0user\0${user}\0\0`;
  return `\0\0\0${String.fromCharCode(body.length + 4)}${body}`;
};

/** What clients say first. */
const clients: Readonly<Record<string, string>> = {
  ssh: "SSH-2.0-OpenSSH_9.2\r\n",
  "http without a name of ours": "GET / HTTP/1.1\r\nHost: other.localhost\r\n\r\n",
  "http by name": "POST /x HTTP/1.1\r\nAccept: */*\r\nHost: App.localhost:8080\r\nContent-Length: 0\r\n\r\n",
  "http below a wildcard": "GET / HTTP/1.1\r\nhost:a.b.web.localhost\r\n\r\n",
  "http at the wildcard itself": "GET / HTTP/1.1\r\nHost: web.localhost\r\n\r\n",
  "a name that only ends alike": "GET / HTTP/1.1\r\nHost: notapp.localhost\r\n\r\n",
  "http 1.0": "GET / HTTP/1.0\r\n\r\n",
  "postgresql, with TLS": "\0\0\0\u0008\u0004\u00d2\u0016\u002f",
  "postgresql, with GSS": "\0\0\0\u0008\u0004\u00d2\u0016\u0030",
  "postgresql, without": startup("me"),
  redis: "*1\r\n$4\r\nPING\r\n",
  mqtt: "\u0010\u0010\0\u0004MQTT\u0004\u0002\0\u003c\0\u0004test",
  "mqtt 3.1": "\u0010\u0012\0\u0006MQIsdp\u0003\u0002\0\u003c\0\u0004test",
  unknown: "\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009",
  silent: "",
};
const hellos: Readonly<Record<string, readonly [string, string[]]>> = {
  "tls without a name": ["", ["http/1.1"]],
  "tls by name": ["App.localhost", ["http/1.1"]],
  "tls with h2": ["other.localhost", ["h2", "http/1.1"]],
  "tls with h2 last": ["other.localhost", ["http/1.1", "h2"]],
  "tls with h2c": ["other.localhost", ["h2c"]],
  "tls by name, with h2": ["app.localhost", ["h2"]],
};

/** Where portolan's own share leads them. */
function ledByItself(wish: ShareWish, bytes: string | Buffer): string {
  const chooser = createDemultiplexer(wish);
  const all = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  const open = chooser.choose(all, "open");
  const choice = open.kind === "more" ? chooser.choose(all, "silent") : open;
  if (choice.kind !== "target") return "";
  return [...targets].find(([, { port }]) => port === choice.target.port)?.[0] ?? "";
}

/** What is not TLS is one thing to nginx, and here the first of it is SSH; who says nothing is ended. */
const nginxLeads = Object.fromEntries(Object.keys(clients).map((name) => [name, name === "silent" ? "" : "ssh"]));

async function casesOf(): Promise<[string, string | Buffer][]> {
  const cases: [string, string | Buffer][] = Object.entries(clients);
  for (const [name, [servername, protocols]] of Object.entries(hellos))
    cases.push([name, await clientHello(servername, protocols)]);
  return cases;
}

async function outcomes(
  cases: readonly [string, string | Buffer][],
  port: number,
  split = false,
): Promise<Record<string, string>> {
  const found = cases.map(async ([name, bytes]) => [name, await converse(port, bytes, { split })] as const);
  return Object.fromEntries(await Promise.all(found));
}

const header1 = "PROXY TCP4 192.0.2.7 192.0.2.8 4711 80\r\n";
const header2 = Buffer.concat([
  Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]),
  Buffer.from([0x21, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 8, 0x12, 0x67, 0, 80]),
]);

test("nginx has room for many places, and for the connections of each", async ({ skip }) => {
  if (!(await hasEngine("nginx"))) skip("nginx is not installed");
  const [port, ...others] = await findFreePorts(2);
  const address = (index: number): string => `127.1.${index >> 8}.${index & 255}`;
  const relays = Array.from({ length: 600 }, (_none, index) =>
    forward(port!, { listen: { ...at(port!), address: address(index + 1) }, mostConnections: 1000 }),
  );
  const doors = { addresses: ["127.0.0.1"], httpPort: null, https: null };
  const { text, limits } = exportWriters.nginx({
    doors,
    routes: [],
    relays: [forward(others[0]!, { target: end("mqtt") }), ...relays],
  });
  expect(text).toContain("  worker_connections 65536;\n");
  expect(limits.map((limit) => limit.text)).toContain(
    "nginx has 65536 connections for all of them together, two for each.",
  );
  const running = await runExported("nginx", text, [others[0]!]);
  try {
    expect(await converse(others[0]!, "")).toBe("mqtt");
  } finally {
    await running.close();
  }
  const one = exportWriters.nginx({ doors, routes: [], relays: [forward(port!)] });
  expect(one.text).toContain("  worker_connections 4297;\n");
});

describe.each(["nginx", "haproxy"] as const)("%s", (format) => {
  let engine: RunningEngine | undefined;
  let limits: readonly GroupedLimit[] = [];

  beforeAll(async () => {
    if (!(await hasEngine(format))) return;
    ports = await findFreePorts(12);
    const p = (index: number): number => ports[index]!;
    const relays: RelayWish[] = [
      forward(p(0)),
      forward(p(1), { target: { host: "localhost", port: toPort(six.port) } }),
      forward(p(2), { sendProxy: 1 }),
      forward(p(3), { sendProxy: 2 }),
      forward(p(4), { acceptProxy: true, sendProxy: 1 }),
      forward(p(5), { mostToTarget: 2 }),
      forward(p(6), {
        listen: { ...at(p(6)), transport: "udp" },
        target: { host: "127.0.0.1", port: toPort(udp.address().port) },
      }),
      share(p(7)),
      share(p(8), { silent: null, fallback: null, silentMs: 300 }),
      share(p(9), {
        rules: [rule("tls", { protocol: "tls", sendProxy: 1 })],
        fallback: null,
        acceptProxy: true,
        silent: null,
      }),
      forward(p(10), { idleMs: 300 }),
      forward(p(11), { mostConnections: 1 }),
      forward(p(11), { mostConnections: 1, listen: { ...at(p(11)), address: "127.0.0.2" } }),
    ];
    const doors = { addresses: ["127.0.0.1"], httpPort: null, https: null };
    const written = exportWriters[format]({ doors, routes: [], relays });
    limits = written.limits;
    expect(await checkExported(format, written.text)).not.toMatch(/\[warn/i);
    // They listen everywhere at once. A look at a forward would reach its target, and who knows when; this share's leads nowhere.
    engine = await runExported(format, written.text, [p(9)]);
  }, 60_000);

  afterAll(() => engine?.close());

  /** What limits of this kind concern. */
  const concerned = (pattern: RegExp): string[] =>
    limits.flatMap(({ concerns, text }) => concerns.filter((one) => pattern.test(`${one}: ${text}`)));

  test("a forward leads to its server, to its end in both directions", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    expect(await converse(ports[0]!, "hello", { half: true })).toBe("http\nbye http");
    expect(targets.get("http")!.heard).toBe("hello");
  });

  test("localhost is whichever loopback address answers", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    expect(await converse(ports[1]!, "")).toBe("six");
  });

  test("the PROXY protocol's header goes before the first byte, and is taken", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const heard = (): string => targets.get("http")!.heard;
    await converse(ports[2]!, "hello", { half: true });
    expect(heard()).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\nhello$/);
    await converse(ports[3]!, "hello", { half: true });
    if (format === "haproxy") expect(heard().slice(0, 13)).toBe("\r\n\r\n\0\r\nQUIT\n!");
    else {
      expect(heard()).toMatch(/^PROXY TCP4 /);
      expect(concerned(/in version 1, not 2/)).toHaveLength(1);
    }
    await converse(ports[4]!, `${header1}hello`, { half: true });
    expect(heard()).toMatch(/^PROXY TCP4 192\.0\.2\.7 [\d.]+ 4711 \d+\r\nhello$/);
    await converse(ports[4]!, Buffer.concat([header2, Buffer.from("hello")]), { half: true });
    expect(heard()).toMatch(/^PROXY TCP4 192\.0\.2\.7 [\d.]+ 4711 \d+\r\nhello$/);
    expect(await converse(ports[4]!, "GET / HTTP/1.1\r\n\r\n")).toBe("");
  });

  test("more connections than a target may have are refused", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const kept = [connect(ports[5]!, "127.0.0.1"), connect(ports[5]!, "127.0.0.1")];
    for (const socket of kept) await once(socket, "data");
    expect(await converse(ports[5]!, "")).toBe("");
    for (const socket of kept) socket.destroy();
  });

  test("connections are counted for each place, also where two have one port", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const one = connect(ports[11]!, "127.0.0.1");
    await once(one, "data");
    const other = connect(ports[11]!, "127.0.0.2");
    let text = "";
    for await (const part of other) {
      text += String(part);
      break;
    }
    expect(text).toBe("http\n");
    // HAProxy lets the next wait, as portolan does.
    if (format === "nginx") expect(await converse(ports[11]!, "")).toBe("");
    for (const socket of [one, other]) socket.destroy();
  });

  test("an idle connection is ended", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const socket = connect(ports[10]!, "127.0.0.1");
    await once(socket, "data");
    socket.resume();
    await once(socket, "end");
    socket.destroy();
  });

  test("UDP", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    if (format === "haproxy") return expect(concerned(/passes no UDP on/)).toHaveLength(1);
    const client = createSocket("udp4");
    client.send("hello", ports[6]!, "127.0.0.1");
    const [answer] = (await once(client, "message")) as [Buffer];
    client.close();
    expect(answer.toString()).toBe("udp hello");
  });

  test("a share leads by the first bytes, by names, and by silence", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const cases = await casesOf();
    const own = Object.fromEntries(cases.map(([name, bytes]) => [name, ledByItself(share(ports[7]!), bytes)]));
    expect(new Set(Object.values(own)).size).toBe(names.length);
    expect(await outcomes(cases, ports[7]!)).toEqual(format === "haproxy" ? own : { ...own, ...nginxLeads });
    if (format === "nginx") {
      expect(concerned(/rule \d \(\w+\): nginx cannot tell it from/)).toHaveLength(8);
      expect(concerned(/silent clients/)).toHaveLength(1);
    }
  });

  test("however the bytes are cut", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const cases = await casesOf();
    const own = Object.fromEntries(cases.map(([name, bytes]) => [name, ledByItself(share(ports[7]!), bytes)]));
    expect(await outcomes(cases, ports[7]!, true)).toEqual(format === "haproxy" ? own : { ...own, ...nginxLeads });
  });

  test("what nobody asks for is ended", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const { unknown, silent, ssh } = await outcomes(await casesOf(), ports[8]!);
    expect(ssh).toBe("ssh");
    if (format === "haproxy") expect([unknown, silent]).toEqual(["", ""]);
    else expect([unknown, silent]).toEqual(["ssh", ""]);
  });

  test("a share takes and sends the PROXY protocol's header", async ({ skip }) => {
    if (engine === undefined) skip(`${format} is not installed`);
    const hello = await clientHello("app.localhost", ["h2"]);
    expect(await converse(ports[9]!, Buffer.concat([header2, hello]), { half: true })).toBe("tls\nbye tls");
    expect(targets.get("tls")!.heard).toMatch(/^PROXY TCP4 192\.0\.2\.7 [\d.]+ 4711 \d+\r\n\u0016\u0003/);
    expect(await converse(ports[9]!, `${header1}SSH-2.0-x\r\n`)).toBe("");
  });
});
