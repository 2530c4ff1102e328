/**
 * @module Exported files before the real engines: checked by them, and the same requests led to the same servers with the same words as by the
 * gateway itself.
 */
import { once } from "node:events";
import { connect as connectStream, constants, createServer as createStreamServer } from "node:http2";
import { connect, createServer as createNetServer, type AddressInfo, type Server, type Socket } from "node:net";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createSecureContext, createServer as createTlsServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExportFacts, GroupedLimit } from "../../src/gateway/export/index.ts";
import { exportWriters } from "../../src/gateway/export/writers.ts";
import type { Route } from "../../src/gateway/index.ts";
import { makeCertificate } from "../servers/certificate.ts";
import {
  checkExported,
  findFreePorts,
  hasEngine,
  runExported,
  runFormats,
  type RunFormat,
  type RunningEngine,
} from "../support/export-engines.ts";
import {
  converse,
  routeOf,
  startGateway,
  startRecorder,
  statusOf,
  type Recorder,
  type TestGateway,
} from "../support/gateway.ts";
import { exportCases, streamCases, wireOf, type ExportCase } from "./export-cases.ts";

/** Nobody gets it, and no field of it arrives. */
const refused =
  'forwarded for="127.0.0.1:*";host="shop.localhost";proto=http → none; host shop.localhost → none; x-forwarded-for 127.0.0.1 → none; x-forwarded-host shop.localhost → none; x-forwarded-port PORT → none; x-forwarded-proto http → none';

/** What is different; each stands in docs/export.md. */
const known: Readonly<Record<RunFormat, Readonly<Record<string, string>>>> = {
  nginx: {
    localhost: "status 200 → 404",
    "fields of one connection": "x-hop none → 1",
    "an escaped slash at a path's border": "server root → api",
    "an escaped letter and an escaped slash behind it": "start GET /a%2Fb HTTP/1.1 → GET /a/b HTTP/1.1",
    "about the server as a whole": `status 200 → 400; server root → ; start OPTIONS * HTTP/1.1 → ; ${refused}`,
  },
  haproxy: {
    localhost: "status 200 → 404",
    "no name": "status 400 → 404",
    "fields of one connection": "x-hop none → 1",
    "HTTP/1.0": "start GET /cart HTTP/1.1 → GET /cart HTTP/1.0",
    "an absolute target of another name": `status 200 → 400; server root → ; start GET /cart HTTP/1.1 → ; ${refused}`,
    "an absolute target with a query alone": `status 200 → 400; server root → ; start GET /?x HTTP/1.1 → ; ${refused}`,
  },
  caddy: {
    localhost: "status 200 → 404",
    "an escaped letter and an escaped slash behind it": "start GET /a%2Fb HTTP/1.1 → GET /%61%2Fb HTTP/1.1",
    "an escaped slash at a path's border": "server root → api",
    "two slashes before a path": "server root → api",
    "two slashes behind what is taken off": "start GET //items HTTP/1.1 → GET /items HTTP/1.1",
    "a wish for another protocol": "upgrade none → chat/1",
    "about the server as a whole": `server root → ; start OPTIONS * HTTP/1.1 → ; ${refused}`,
  },
};

/** The engines' own parsers show whether a name is one word. */
const oddName = String.raw`a "b" c'd #e;f\g%h.pem`;

const names = ["root", "api", "version", "own", "six", "tls", "wild", "deep", "near", "guide", "only", "odd"] as const;
const recorders = new Map<string, Recorder>();
const closing: (() => void)[] = [];
let folder: string;
let gateway: TestGateway;
let socketAsked = "";
const streamsAsked: string[] = [];
let facts: Omit<ExportFacts, "doors">;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pex-"));
  for (const name of names) recorders.set(name, await startRecorder());
  const { certificate, key } = await makeCertificate();
  writeFileSync(join(folder, oddName), certificate);
  writeFileSync(join(folder, `${oddName}.key`), key);
  const six = await lead("::1", recorders.get("six")!.port, null);
  const tls = await lead("127.0.0.1", recorders.get("tls")!.port, { cert: certificate, key });
  const chat = await startChat();
  const streams = await startStreams();
  const to = (name: (typeof names)[number]): string => `127.0.0.1:${recorders.get(name)!.port}`;
  const routes: Route[] = [
    routeOf("shop", to("root")),
    routeOf("shop", to("api"), { path: "/api" }),
    routeOf("shop", to("version"), { path: "/api/v2", strip: true }),
    routeOf("shop", `localhost:${recorders.get("own")!.port}`, { path: "/own", ownHost: true }),
    routeOf("shop", `localhost:${six}`, { path: "/six" }),
    routeOf("shop", `https://localhost:${tls}`, { path: "/tls" }),
    routeOf("shop", to("odd"), { path: "/a+b(c)" }),
    routeOf("shop", to("odd"), { path: "/q'u;o,t" }),
    routeOf("shop", to("odd"), { path: "/d$1", strip: true }),
    routeOf("shop", `localhost:${chat}`, { path: "/ws", strip: true }),
    routeOf("grpc", `h2c://127.0.0.1:${streams}`),
    // Ports that usually mean another protocol.
    routeOf("grpc", "h2c://127.0.0.1:443", { path: "/usual" }),
    routeOf("grpc", "http://127.0.0.1:443", { path: "/plain" }),
    routeOf("grpc", "https://127.0.0.1:80", { path: "/secure" }),
    routeOf("*.shop", to("wild")),
    routeOf("*.shop", to("deep"), { path: "/deep", strip: true }),
    routeOf("*.near.shop", to("near"), { path: "/near" }),
    routeOf("docs", to("guide"), { path: "/guide" }),
    routeOf("one.shop", to("only"), { path: "/only" }),
  ];
  facts = { routes, relays: [] };
  gateway = await startGateway(routes, {
    contextFor: async () => createSecureContext({ cert: certificate, key }),
    ownCredentials: async () => ({ key, cert: certificate }),
  } as never);
});

afterAll(async () => {
  await gateway.close();
  for (const close of closing) close();
  for (const recorder of recorders.values()) recorder.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A server at another address, or with TLS, before a recorder. */
async function lead(address: string, port: number, secure: { cert: string; key: string } | null): Promise<number> {
  const pass = (socket: Socket): void => {
    const inner = connect(port, "127.0.0.1");
    socket.pipe(inner).pipe(socket);
    socket.on("error", () => inner.destroy());
    inner.on("error", () => socket.destroy());
  };
  const server: Server = secure === null ? createNetServer(pass) : createTlsServer(secure, pass);
  return listen(server, address);
}

/** Agrees to be a WebSocket, and sends back what it gets. */
async function startChat(): Promise<number> {
  const server = createNetServer((socket) => {
    let head = "";
    socket.setEncoding("latin1").on("error", () => socket.destroy());
    socket.on("data", (text: string) => {
      if (head.endsWith("\r\n\r\n")) {
        socket.write(text, "latin1");
        return;
      }
      head += text;
      if (!head.endsWith("\r\n\r\n")) return;
      socketAsked = head;
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
      );
    });
  });
  return listen(server, "127.0.0.1");
}

/** HTTP/2 without TLS. */
async function startStreams(): Promise<number> {
  const server = createStreamServer();
  server.on("stream", (stream, headers) => {
    streamsAsked.push(`${headers[":method"]} ${headers[":authority"] ?? headers.host} ${headers[":path"]}`);
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  return listen(server as unknown as Server, "127.0.0.1");
}

async function listen(server: Server, address: string): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, address);
  await once(server, "listening");
  closing.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

interface Engine {
  readonly port: number;
  readonly securePort: number;
}

/** Who got a request, and with which words. */
interface Outcome {
  readonly status: number;
  readonly server: string;
  readonly start: string;
  readonly told: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Fields that say who asks and who is asked, and those that must not arrive. */
const compared: ReadonlySet<string> = new Set(
  (
    "host forwarded x-forwarded-for x-forwarded-host x-forwarded-port x-forwarded-proto x-forwarded-prefix x-forwarded-ssl " +
    "x-forwarded-server x-real-ip front-end-https x_forwarded_for x_forwarded_proto cookie authorization x-hop upgrade"
  ).split(" "),
);

function outcomeOf(status: number, port: number): Outcome {
  for (const [server, { requests }] of recorders)
    for (const { start, fields, body } of requests) {
      const told: Record<string, string> = {};
      for (const [name, value] of fields) {
        const lower = name.toLowerCase();
        // Clients' ports differ from one connection to the next.
        if (compared.has(lower))
          told[lower] = value.replaceAll(String(port), "PORT").replace(/("127\.0\.0\.1:)\d+"/, '$1*"');
      }
      const sorted = Object.fromEntries(Object.entries(told).toSorted(([one], [other]) => (one < other ? -1 : 1)));
      return { status, server, start, told: sorted, body };
    }
  return { status, server: "", start: "", told: {}, body: "" };
}

async function ask(one: ExportCase, port: number): Promise<Outcome> {
  for (const recorder of recorders.values()) recorder.forget();
  const { answers } = await converse(port, wireOf(one, port), { answers: 1, methods: [one.start.split(" ")[0]!] });
  return outcomeOf(answers[0] === undefined ? 0 : statusOf(answers[0]), port);
}

/** A WebSocket's handshake and a few bytes to and fro; what the server was asked with. */
async function openWebSocket(port: number): Promise<{ head: string; echo: string; asked: string }> {
  const socket = connect(port, "127.0.0.1").setEncoding("latin1");
  try {
    socket.write(
      "GET /ws/room?x HTTP/1.1\r\nHost: shop.localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let text = "";
    const until = async (found: RegExp): Promise<void> => {
      while (!found.test(text)) {
        const [part] = (await Promise.race([once(socket, "data"), once(socket, "close")])) as [unknown];
        if (typeof part !== "string") throw new Error(`Closed after ${JSON.stringify(text)}`);
        text += part;
      }
    };
    await until(/\r\n\r\n/);
    const [head = ""] = text.split("\r\n\r\n");
    socket.write("ping", "latin1");
    await until(/ping$/);
    return { head, echo: text.slice(head.length + 4), asked: socketAsked };
  } finally {
    socket.destroy();
  }
}

async function askByStream(one: (typeof streamCases)[number], port: number): Promise<Outcome> {
  for (const recorder of recorders.values()) recorder.forget();
  const session = connectStream(`https://localhost:${port}`, { rejectUnauthorized: false });
  try {
    const stream = session.request({
      [constants.HTTP2_HEADER_AUTHORITY]: one.authority.replaceAll("PORT", String(port)),
      [constants.HTTP2_HEADER_PATH]: one.path,
    });
    const [headers] = (await once(stream, "response")) as [Record<string, number>];
    stream.resume();
    await once(stream, "close");
    return outcomeOf(headers[":status"]!, port);
  } finally {
    session.destroy();
  }
}

describe.each(runFormats)("%s", (format) => {
  let engine: (Engine & RunningEngine) | undefined;
  let said: readonly GroupedLimit[] = [];

  beforeAll(async () => {
    if (!(await hasEngine(format))) return;
    const [port = 0, securePort = 0] = await findFreePorts(2);
    const https = {
      port: securePort,
      certificatePath: join(folder, oddName),
      keyPath: join(folder, `${oddName}.key`),
    };
    const { text, limits } = exportWriters[format]({
      ...facts,
      doors: { addresses: ["127.0.0.1", "::1"], httpPort: port, https },
    });
    said = limits;
    expect(await checkExported(format, text)).not.toMatch(/\[warn/i);
    engine = { ...(await runExported(format, text, [port, securePort])), port, securePort };
  }, 60_000);

  afterAll(() => engine?.close());

  test("leads the same requests to the same servers with the same words", async ({ skip }) => {
    const { port, securePort } = engine ?? skip(`${format} is not installed`);
    const different: Record<string, string> = {};
    for (const one of exportCases) {
      const own = await ask(one, gateway.port);
      const theirs = await ask(one, port);
      const differs = differences(own, theirs);
      if (differs !== "") different[one.name] = differs;
    }
    for (const one of streamCases) {
      const own = await askByStream(one, gateway.securePort);
      const theirs = await askByStream(one, securePort);
      const differs = differences(own, theirs);
      if (differs !== "") different[`HTTP/2: ${one.name}`] = differs;
    }
    expect(different).toEqual(known[format]);
  }, 60_000);

  test("tells an address of IPv6 as the gateway does", async ({ skip }) => {
    const { port } = engine ?? skip(`${format} is not installed`);
    for (const recorder of recorders.values()) recorder.forget();
    const socket = connect(port, "::1");
    socket.write("GET / HTTP/1.1\r\nHost: shop.localhost\r\n\r\n");
    await once(socket, "data");
    const { localPort } = socket;
    socket.destroy();
    const told = Object.fromEntries(
      recorders.get("root")!.requests[0]!.fields.map(([name, value]) => [name.toLowerCase(), value]),
    );
    expect(told["x-forwarded-for"]).toBe("::1");
    expect(told["forwarded"]).toBe(`for="[::1]:${localPort}";host="shop.localhost";proto=http`);
  });

  test("passes WebSockets on", async ({ skip }) => {
    const { port } = engine ?? skip(`${format} is not installed`);
    const { head, echo, asked } = await openWebSocket(port);
    expect(head).toMatch(/^HTTP\/1\.1 101 /);
    expect(echo).toBe("ping");
    expect(asked).toMatch(/^GET \/room\?x HTTP\/1\.1\r\n/);
    expect(asked).toMatch(/\r\nHost: shop\.localhost\r\n/i);
    expect(asked).toMatch(/\r\nUpgrade: websocket\r\n/i);
    expect(asked).toMatch(/\r\nConnection: upgrade\r\n/i);
    expect(asked).toMatch(/\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n/i);
  });

  test("speaks HTTP/2 to a server that wants it", async ({ skip }) => {
    const { port } = engine ?? skip(`${format} is not installed`);
    streamsAsked.length = 0;
    const wire = "POST /cart?x HTTP/1.1\r\nHost: grpc.localhost\r\nContent-Length: 2\r\n\r\nok";
    const { answers } = await converse(port, wire, { answers: 1 });
    expect(answers.map(statusOf)).toEqual([200]);
    expect(streamsAsked).toEqual(["POST grpc.localhost /cart?x"]);
  });

  test("speaks HTTP/2 without TLS with clients that begin with it, or says that it does not", async ({ skip }) => {
    const { port } = engine ?? skip(`${format} is not installed`);
    if (format === "nginx")
      return expect(said.filter(({ text }) => text.startsWith("HTTP/2 without TLS is not spoken"))).toHaveLength(1);
    for (const recorder of recorders.values()) recorder.forget();
    const session = connectStream(`http://127.0.0.1:${port}`);
    const stream = session.request({ ":authority": "shop.localhost", ":path": "/api/x" });
    const [headers] = (await once(stream, "response")) as [Record<string, number>];
    session.destroy();
    expect(headers[":status"]).toBe(200);
    return expect(recorders.get("api")!.requests).toHaveLength(1);
  });
});

/** What differs, from the gateway to the engine: `status 200 → 404`. Empty when nothing does. */
function differences(own: Outcome, theirs: Outcome): string {
  const flat = ({ told, ...rest }: Outcome): Record<string, string | number> => ({ ...rest, ...told });
  const [one, other] = [flat(own), flat(theirs)];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((key) => one[key] !== other[key])
    .map((key) => `${key} ${one[key] ?? "none"} → ${other[key] ?? "none"}`)
    .join("; ");
}
