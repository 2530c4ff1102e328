/**
 * @module HTTPS and HTTP/2 through the gateway: towards browsers, towards servers, WebSockets by stream, gRPC, aborts on either side.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, request as plainRequest, type IncomingMessage, type RequestListener } from "node:http";
import {
  connect as connectStreams,
  constants,
  createSecureServer as createSecureStreamServer,
  createServer as createStreamServer,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { request as secureRequest } from "node:https";
import { connect, type AddressInfo, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { createSecureContext, connect as connectTls } from "node:tls";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Certificates } from "../../src/gateway/engine/secure-server.ts";
import type { GatewayTrace } from "../../src/gateway/engine/trace.ts";
import { makeCertificate } from "../servers/certificate.ts";
import { frameType, startRawServer, type Frame } from "../support/raw-streams.ts";
import { routeOf, startGateway, startRecorder, takeMessage, type TestGateway } from "../support/gateway.ts";

let certificates: Certificates;
beforeAll(async () => {
  const { certificate: cert, key } = await makeCertificate();
  certificates = {
    ownCredentials: async () => ({ key, cert }),
    contextFor: async () => createSecureContext({ key, cert }),
  };
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function gatewayOf(...routes: Parameters<typeof startGateway>[0]): Promise<TestGateway> {
  const gateway = await startGateway(routes, certificates);
  closers.push(() => gateway.close());
  return gateway;
}

async function serve(listener: RequestListener): Promise<{ port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer(listener).listen(0, "127.0.0.1");
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (incoming, socket: Socket) => {
    socket.on("error", () => undefined);
    if (incoming.url === "/refused") {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      return;
    }
    const accept = acceptKey(String(incoming.headers["sec-websocket-key"]));
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${incoming.url === "/forged" ? "AAAA" : accept}\r\nSec-WebSocket-Protocol: chat\r\nX-Host: ${incoming.headers.host}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  await once(server, "listening");
  closers.push(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

function acceptKey(key: string): string {
  return createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
}

async function serveStreams(
  listener: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, raw: string[]) => void,
  secure = false,
): Promise<number> {
  const credentials = await certificates.ownCredentials();
  const server = secure ? createSecureStreamServer({ ...credentials, allowHTTP1: false }) : createStreamServer();
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, _flags: number, ...rest: unknown[]) => {
    stream.on("error", () => undefined);
    listener(stream, headers, rest[0] as string[]);
  });
  server.on("session", (session: { destroy: () => void }) => closers.push(() => session.destroy()));
  server.on("sessionError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function openSession(gateway: TestGateway, scheme: "http" | "https" = "https"): ClientHttp2Session {
  const port = scheme === "https" ? gateway.securePort : gateway.port;
  const session = connectStreams(`${scheme}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on("error", () => undefined);
  closers.push(() => session.destroy());
  return session;
}

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly trailers: IncomingHttpHeaders;
  readonly code: number;
}

async function ask(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders,
  body?: string | Buffer,
): Promise<Answered> {
  const stream = session.request(
    { ":authority": "app.localhost", ":path": "/", ...headers },
    { endStream: body === undefined },
  );
  if (body !== undefined) stream.end(body);
  return answerOf(stream);
}

async function answerOf(stream: ClientHttp2Stream): Promise<Answered> {
  let headers: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  let text = "";
  stream.on("response", (answered) => (headers = answered));
  stream.on("trailers", (behind) => (trailers = behind));
  stream.on("error", () => undefined);
  stream.setEncoding("latin1").on("data", (part: string) => (text += part));
  await new Promise((resolve) => stream.once("close", resolve));
  return { status: Number(headers[":status"]), headers, text, trailers, code: stream.rstCode };
}

describe("towards browsers", () => {
  test("a request arrives as one of HTTP/1.1, and says how it came", async () => {
    const recorder = await startRecorder();
    closers.push(() => recorder.close());
    const gateway = await gatewayOf(routeOf("app", String(recorder.port)));
    const session = openSession(gateway);
    const { status, text } = await ask(session, {
      ":path": "/a?b=c",
      te: "trailers",
      cookie: ["one=1", "two=2"],
      "x-forwarded-for": "6.6.6.6",
      "x-own": ["a", "b"],
    });
    expect([status, text]).toEqual([200, "ok"]);
    const [{ start, fields }] = recorder.requests as [(typeof recorder.requests)[0]];
    expect(start).toBe("GET /a?b=c HTTP/1.1");
    const valuesOf = (name: string): string[] =>
      fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
    expect(valuesOf("host")).toEqual(["app.localhost"]);
    expect(valuesOf("cookie")).toEqual(["one=1; two=2"]);
    expect(valuesOf("x-own")).toEqual(["a", "b"]);
    expect(valuesOf("te")).toEqual([]);
    expect(valuesOf("via")).toEqual(["2.0 portolan-test"]);
    expect(valuesOf("x-forwarded-for")).toEqual(["127.0.0.1"]);
    expect(valuesOf("x-forwarded-proto")).toEqual(["https"]);
    expect(valuesOf("x-forwarded-port")).toEqual([String(gateway.securePort)]);
    expect(valuesOf("forwarded")[0]).toMatch(/;host="app\.localhost";proto=https$/);
  });

  test("bodies pass whole in both directions, with and without a length", async () => {
    const { port } = await serve((request, response) => {
      response.setHeader(
        "x-framing",
        request.headers["content-length"] ?? request.headers["transfer-encoding"] ?? "none",
      );
      request.pipe(response);
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const session = openSession(gateway);
    const much = Buffer.alloc(3_000_000, "abcdefghij");
    const unknown = await ask(session, { ":method": "POST" }, much);
    expect(unknown.headers["x-framing"]).toBe("chunked");
    expect(unknown.text.length).toBe(much.length);
    expect(Buffer.from(unknown.text, "latin1").equals(much)).toBe(true);
    const known = await ask(session, { ":method": "PUT", "content-length": String(much.length) }, much);
    expect(known.headers["x-framing"]).toBe(String(much.length));
    expect(known.text.length).toBe(much.length);
    const none = await ask(session, {});
    expect([none.headers["x-framing"], none.text]).toEqual(["none", ""]);
  });

  test("HEAD, 204 and 304 have no body; fields of one connection end here", async () => {
    const { port } = await serve((request, response) => {
      const status = Number(request.url!.slice(1));
      response.writeHead(status, {
        "x-kept": "1",
        connection: "x-own, close",
        "x-own": "1",
        "keep-alive": "timeout=3",
        ...(status === 200 ? { "content-length": "5" } : {}),
        ...(status === 304 ? { etag: '"1"' } : {}),
      });
      response.end(status === 200 && request.method !== "HEAD" ? "hello" : undefined);
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const session = openSession(gateway);
    const head = await ask(session, { ":method": "HEAD", ":path": "/200" });
    expect([head.status, head.headers["content-length"], head.text]).toEqual([200, "5", ""]);
    for (const status of [204, 304]) {
      const answered = await ask(session, { ":path": `/${status}` });
      expect([answered.status, answered.text, answered.code]).toEqual([status, "", 0]);
      expect(answered.headers["x-kept"]).toBe("1");
      expect(Object.keys(answered.headers)).not.toContain("x-own");
      expect(Object.keys(answered.headers)).not.toContain("keep-alive");
    }
  });

  test("trailers, early hints and several cookies pass", async () => {
    const { port } = await serve((_request, response) => {
      response.writeEarlyHints({ link: "</style.css>; rel=preload" });
      response.writeHead(200, [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
        ["trailer", "x-sum"],
      ] as never);
      response.write("body");
      response.addTrailers({ "x-sum": "42" });
      response.end();
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const stream = openSession(gateway).request({ ":authority": "app.localhost" });
    const hints: IncomingHttpHeaders[] = [];
    stream.on("headers", (headers) => hints.push(headers));
    const { status, headers, text, trailers } = await answerOf(stream);
    expect(hints.map((hint) => [hint[":status"], hint["link"]])).toEqual([[103, "</style.css>; rel=preload"]]);
    expect([status, text, trailers["x-sum"]]).toEqual([200, "body", "42"]);
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  test("many requests at once on one connection each get their own answer, by name", async () => {
    const servers = await Promise.all(
      ["one", "two"].map((name) => serve((request, response) => response.end(name + request.url))),
    );
    const gateway = await gatewayOf(
      ...["one", "two"].map((name, index) => routeOf(name, String(servers[index]!.port))),
    );
    const session = openSession(gateway);
    const names = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? "one" : "two"));
    const answers = await Promise.all(
      names.map((name, index) => ask(session, { ":authority": `${name}.localhost`, ":path": `/${index}` })),
    );
    expect(answers.map(({ text }) => text)).toEqual(names.map((name, index) => `${name}/${index}`));
    const unknown = await ask(session, { ":authority": "three.localhost" });
    expect(unknown.status).toBe(404);
    const foreign = await ask(session, { ":authority": "evil.example" });
    expect([foreign.status, foreign.text.includes("one")]).toEqual([404, false]);
  });

  test("an upload that breaks off is not passed on as if it were whole", async () => {
    const ends: string[] = [];
    let begun: (() => void) | undefined;
    const { port } = await serve((request) => {
      request.on("data", () => begun?.());
      request.once("end", () => ends.push("end"));
      request.once("error", () => undefined);
      request.once("close", () => ends.push(request.complete ? "whole" : "broken"));
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    for (const length of [undefined, "100000"]) {
      ends.length = 0;
      const session = openSession(gateway);
      // Node ends a stream before it resets it, unless it waits for trailers.
      const stream = session.request(
        {
          ":authority": "app.localhost",
          ":method": "POST",
          ...(length === undefined ? {} : { "content-length": length }),
        },
        { waitForTrailers: true },
      );
      stream.on("error", () => undefined);
      const arrived = new Promise<void>((resolve) => (begun = resolve));
      stream.write("half");
      await arrived;
      stream.close(constants.NGHTTP2_CANCEL);
      await expect.poll(() => ends).toEqual(["broken"]);
    }
    // A connection that is gone altogether is the same.
    ends.length = 0;
    const session = openSession(gateway);
    const stream = session.request({ ":authority": "app.localhost", ":method": "POST" });
    stream.on("error", () => undefined);
    const arrived = new Promise<void>((resolve) => (begun = resolve));
    stream.write("half");
    await arrived;
    session.destroy();
    await expect.poll(() => ends).toEqual(["broken"]);
  });

  test("a client that goes ends the request at the server, and an answer that breaks off is cut", async () => {
    let gone: Promise<unknown> | undefined;
    const { port } = await serve((request, response) => {
      response.writeHead(200).write("begun");
      if (request.url === "/dies") setImmediate(() => response.destroy());
      else gone = once(response, "close");
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const session = openSession(gateway);
    const stream = session.request({ ":authority": "app.localhost" });
    stream.on("error", () => undefined);
    await once(stream, "data");
    stream.close(constants.NGHTTP2_CANCEL);
    await gone;
    const broken = await ask(session, { ":path": "/dies" });
    expect([broken.status, broken.code]).toEqual([200, constants.NGHTTP2_INTERNAL_ERROR]);
    // The connection itself goes on.
    expect(session.destroyed).toBe(false);
  });

  test("a client that takes nothing holds the server back", async () => {
    let sent = 0;
    const { port } = await serve((_request, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const more = (): void => {
        while (sent < 200 * 1024 * 1024) {
          sent += chunk.length;
          if (!response.write(chunk)) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const stream = openSession(gateway).request({ ":authority": "app.localhost" });
    stream.on("error", () => undefined);
    await once(stream, "response");
    // Nothing is read: what was sent comes to rest.
    let last = -1;
    await expect
      .poll(
        () => {
          const still = last === sent;
          last = sent;
          return still;
        },
        { interval: 300, timeout: 10_000 },
      )
      .toBe(true);
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    stream.close();
  });

  test("a server that is not there, a loop and a refused request are told", async () => {
    const gateway = await gatewayOf(routeOf("app", "127.0.0.1:1"), routeOf("loop", "127.0.0.1:1"));
    const session = openSession(gateway);
    const down = await ask(session, { accept: "text/html" });
    expect([down.status, down.headers["content-type"]]).toEqual([502, "text/html; charset=utf-8"]);
    const loop = await ask(session, {
      ":authority": "loop.localhost",
      via: Array.from({ length: 8 }, () => "1.1 portolan-test").join(", "),
    });
    expect(loop.status).toBe(508);
    const upload = await ask(session, { ":authority": "nobody.localhost", ":method": "POST" }, Buffer.alloc(100_000));
    expect(upload.status).toBe(404);
    const trace = await ask(session, { ":method": "TRACE" });
    expect(trace.status).toBe(405);
    const connected = session.request({ ":method": "CONNECT", ":authority": "app.localhost:80" });
    expect((await answerOf(connected)).status).toBe(405);
    const differing = await ask(session, { host: "other.localhost" });
    expect(differing.status).toBe(400);
    expect((await ask(session, { ":path": "/\u009b31m" })).status).toBe(400);
  });

  test("what is open is answered when the gateway is about to end, and nothing new is taken", async () => {
    let answer: (() => void) | undefined;
    const { port } = await serve((_request, response) => {
      response.writeHead(200).flushHeaders();
      answer = () => response.end("late");
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const session = openSession(gateway);
    const stream = session.request({ ":authority": "app.localhost" });
    await once(stream, "response");
    const goneAway = once(session, "goaway");
    gateway.drain();
    await goneAway;
    const closed = once(session, "close");
    answer!();
    expect((await answerOf(stream)).text).toBe("late");
    await closed;
  });

  test("trace tells the protocol", async () => {
    const { port } = await serve((_request, response) => response.end("12345"));
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const traces: GatewayTrace[] = [];
    gateway.gateway.traces.listen((trace) => traces.push(trace));
    await ask(openSession(gateway), { ":path": "/a?secret" });
    expect(traces).toMatchObject([
      {
        protocol: "h2",
        secure: true,
        method: "GET",
        path: "/a",
        route: "app.localhost",
        status: 200,
        receivedBytes: 5,
      },
    ]);
  });
});

describe("WebSockets by stream (RFC 8441)", () => {
  const wish = (path: string): OutgoingHttpHeaders => ({
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":authority": "app.localhost",
    ":path": path,
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "chat",
    origin: "https://app.localhost",
  });

  test("bytes go to and fro, and an end on either side ends the other", async () => {
    const { port, sockets } = await serve((_request, response) => response.end("plain"));
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const session = openSession(gateway);
    await once(session, "remoteSettings");
    expect(session.remoteSettings.enableConnectProtocol).toBe(true);
    for (const end of ["client", "server"] as const) {
      const stream = session.request(wish("/socket"));
      stream.on("error", () => undefined);
      const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
      expect(headers).toMatchObject({ ":status": 200, "sec-websocket-protocol": "chat", "x-host": "app.localhost" });
      expect(headers["sec-websocket-accept"]).toBeUndefined();
      let text = "";
      stream.setEncoding("latin1").on("data", (part: string) => (text += part));
      const much = "x".repeat(1_000_000);
      stream.write(much);
      await expect.poll(() => text.length, { timeout: 10_000 }).toBe(much.length);
      const [peer] = [...sockets].slice(-1);
      const closed = Promise.all([once(peer!, "close"), new Promise((resolve) => stream.once("close", resolve))]);
      if (end === "client") stream.close(constants.NGHTTP2_CANCEL);
      else peer!.resetAndDestroy();
      await closed;
    }
  });

  test("a refusal, a forged agreement, a server that is not there and a name that nobody has are told", async () => {
    const { port } = await serve((_request, response) => response.end("plain"));
    const gateway = await gatewayOf(routeOf("app", String(port)), routeOf("down", "127.0.0.1:1"));
    const session = openSession(gateway);
    await once(session, "remoteSettings");
    const refused = await answerOf(session.request(wish("/refused")));
    expect([refused.status, refused.text]).toEqual([403, "no"]);
    expect((await answerOf(session.request(wish("/forged")))).status).toBe(502);
    expect((await answerOf(session.request({ ...wish("/"), ":authority": "down.localhost" }))).status).toBe(502);
    expect((await answerOf(session.request({ ...wish("/"), ":authority": "none.localhost" }))).status).toBe(404);
    expect((await answerOf(session.request({ ...wish("/"), ":protocol": "connect-udp" }))).status).toBe(501);
  });
});

describe("towards servers", () => {
  const grpc = { ":method": "POST", ":path": "/shop.Cart/Add", "content-type": "application/grpc", te: "trailers" };

  test("gRPC passes: streams in both directions at once, trailers, an answer that is its head alone", async () => {
    const seen: string[][] = [];
    const port = await serveStreams((stream, headers, raw) => {
      seen.push(raw);
      if (headers[":path"] === "/shop.Cart/Fail") {
        stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true });
        return;
      }
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
      stream.on("data", (chunk: Buffer) => stream.write(`<${chunk.toString()}>`));
      stream.on("end", () => stream.end());
    });
    // Whether the route says so or the request does.
    const gateway = await gatewayOf(routeOf("app", `h2c://127.0.0.1:${port}`), routeOf("plain", String(port)));
    for (const [scheme, name] of [
      ["https", "app"],
      ["http", "app"],
      ["https", "plain"],
    ] as const) {
      const session = openSession(gateway, scheme);
      const stream = session.request({ ...grpc, ":authority": `${name}.localhost` });
      const answered = answerOf(stream);
      for (const text of ["one", "two"]) {
        stream.write(text);
        // Each is answered before the next is sent.
        const [part] = (await once(stream, "data")) as [string];
        expect(part).toBe(`<${text}>`);
      }
      stream.end();
      const { status, trailers, code } = await answered;
      expect([status, trailers["grpc-status"], trailers["grpc-message"], code]).toEqual([200, "0", "fine", 0]);
      const failed = session.request({ ...grpc, ":path": "/shop.Cart/Fail", ":authority": `${name}.localhost` });
      let flags = 0;
      failed.once("response", (_headers, told: number) => (flags = told));
      failed.end();
      const { headers } = await answerOf(failed);
      expect(headers["grpc-status"]).toBe("5");
      expect(flags & constants.NGHTTP2_FLAG_END_STREAM).not.toBe(0);
    }
    const fields = Object.fromEntries(
      Array.from(
        { length: seen[0]!.length / 2 },
        (_, index) => seen[0]!.slice(index * 2, index * 2 + 2) as [string, string],
      ),
    );
    expect(fields).toMatchObject({
      ":authority": "app.localhost",
      ":scheme": "http",
      te: "trailers",
      via: "2.0 portolan-test",
    });
    expect(Object.keys(fields)).not.toContain("host");
  });

  test("a client of HTTP/1.1 is answered by a server of HTTP/2, trailers and all", async () => {
    const port = await serveStreams((stream, headers) => {
      stream.respond({ ":status": 201, "x-method": headers[":method"] }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "7" }));
      stream.pipe(stream);
    });
    const gateway = await gatewayOf(routeOf("app", `h2c://127.0.0.1:${port}`));
    const outgoing = plainRequest({
      host: "127.0.0.1",
      port: gateway.port,
      method: "POST",
      headers: { host: "app.localhost" },
      agent: false,
    });
    outgoing.end("hello");
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    let text = "";
    for await (const part of incoming.setEncoding("utf8")) text += part as string;
    expect([incoming.statusCode, incoming.headers["x-method"], text, incoming.trailers["x-sum"]]).toEqual([
      201,
      "POST",
      "hello",
      "7",
    ]);
  });

  test("many requests share one connection, and a new one is opened when it has gone", async () => {
    const sessions = new Set<unknown>();
    const port = await serveStreams((stream) => {
      sessions.add(stream.session);
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
    const gateway = await gatewayOf(routeOf("app", `h2c://127.0.0.1:${port}`));
    const session = openSession(gateway);
    const first = await Promise.all(Array.from({ length: 150 }, () => ask(session, {})));
    expect(new Set(first.map(({ text }) => text))).toEqual(new Set(["ok"]));
    expect(sessions.size).toBe(1);
    for (const one of sessions) (one as { destroy: () => void }).destroy();
    await expect.poll(async () => (await ask(session, {})).status).toBe(200);
    expect(sessions.size).toBe(2);
  });

  test("a server that resets, or speaks no HTTP/2 at all, is told", async () => {
    const port = await serveStreams((stream, headers) => {
      if (headers[":path"] === "/begun") {
        // Without these Node would end the stream before it resets it.
        stream.respond({ ":status": 200 }, { waitForTrailers: true });
        stream.write("half");
        setImmediate(() => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
      } else stream.close(constants.NGHTTP2_REFUSED_STREAM);
    });
    const { port: plain } = await serve((_request, response) => response.end("plain"));
    const gateway = await gatewayOf(
      routeOf("app", `h2c://127.0.0.1:${port}`),
      routeOf("plain", `h2c://127.0.0.1:${plain}`),
    );
    const session = openSession(gateway);
    expect((await ask(session, {})).status).toBe(502);
    const begun = await ask(session, { ":path": "/begun" });
    expect([begun.status, begun.code]).toEqual([200, constants.NGHTTP2_INTERNAL_ERROR]);
    expect((await ask(session, { ":authority": "plain.localhost" })).status).toBe(502);
  });

  test("an upload that breaks off is reset at the server, and never ended", async () => {
    const server = await startRawServer();
    closers.push(() => server.close());
    const gateway = await gatewayOf(routeOf("app", `h2c://127.0.0.1:${server.port}`));
    // By stream and by HTTP/1.1.
    const stream = openSession(gateway).request(
      { ":authority": "app.localhost", ":method": "POST" },
      { waitForTrailers: true },
    );
    stream.on("error", () => undefined);
    const outgoing = plainRequest({
      host: "127.0.0.1",
      port: gateway.port,
      method: "POST",
      headers: { host: "app.localhost" },
      agent: false,
    });
    outgoing.on("error", () => undefined);
    stream.write("half");
    outgoing.write("half");
    const ofType = (type: number): Frame[] => server.frames().filter((one) => one.type === type);
    await expect.poll(() => ofType(frameType.data).length).toBe(2);
    stream.close(constants.NGHTTP2_CANCEL);
    outgoing.destroy();
    await expect
      .poll(() => ofType(frameType.reset).map(({ payload }) => payload.readUInt32BE(0)))
      .toEqual([constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
    expect(ofType(frameType.data).map(({ flags, payload }) => [flags, payload.toString()])).toEqual([
      [0, "half"],
      [0, "half"],
    ]);
  });

  test("a server of HTTPS that takes nothing but HTTP/2 is asked so", async () => {
    const port = await serveStreams((stream) => {
      stream.respond({ ":status": 200 });
      stream.end("streams alone");
    }, true);
    const gateway = await gatewayOf(routeOf("app", `https://127.0.0.1:${port}`));
    const session = openSession(gateway);
    for (let round = 0; round < 2; round += 1) expect((await ask(session, {})).text).toBe("streams alone");
  });
});

describe("doors", () => {
  test("HTTPS serves HTTP/1.1 to who does not offer HTTP/2, WebSockets too", async () => {
    const { port } = await serve((request, response) => response.end(request.headers["x-forwarded-proto"] as string));
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const outgoing = secureRequest({
      host: "127.0.0.1",
      port: gateway.securePort,
      servername: "app.localhost",
      headers: { host: "app.localhost" },
      rejectUnauthorized: false,
      agent: false,
    }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    let text = "";
    for await (const part of incoming.setEncoding("utf8")) text += part as string;
    expect(text).toBe("https");
    const socket = connectTls({ host: "127.0.0.1", port: gateway.securePort, rejectUnauthorized: false });
    closers.push(() => socket.destroy());
    let answer = "";
    socket.setEncoding("latin1").on("data", (part: string) => (answer += part));
    socket.write(
      "GET /socket HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nearly",
    );
    await expect.poll(() => answer).toMatch(/^HTTP\/1\.1 101 [^]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=[^]*\r\n\r\nearly$/);
  });

  test("who speaks HTTP to the door of HTTPS is sent to it there, and TLS works at the door of HTTP", async () => {
    const { port } = await serve((_request, response) => response.end("here"));
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const outgoing = plainRequest({
      host: "127.0.0.1",
      port: gateway.securePort,
      path: "/a?b",
      headers: { host: `app.localhost:${gateway.securePort}` },
      agent: false,
    }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    expect([incoming.statusCode, incoming.headers.location]).toEqual([
      308,
      `https://app.localhost:${gateway.securePort}/a?b`,
    ]);
    incoming.resume();
    const session = connectStreams(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false });
    closers.push(() => session.destroy());
    expect((await ask(session, {})).text).toBe("here");
  });

  test("HTTP/2 without TLS is known by its first bytes, however they arrive", async () => {
    const { port } = await serve((_request, response) => response.end("here"));
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const socket = connect({ host: "127.0.0.1", port: gateway.port, noDelay: true });
    await once(socket, "connect");
    // One byte at a time, each in a segment of its own.
    const slow = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        void (async () => {
          for (const byte of chunk) {
            await new Promise<void>((resolve) => socket.write(Buffer.from([byte]), () => setImmediate(resolve)));
          }
          done();
        })();
      },
    });
    socket.on("data", (chunk) => slow.push(chunk));
    closers.push(() => socket.destroy());
    const session = connectStreams("http://app.localhost", { createConnection: () => slow as never });
    session.on("error", () => undefined);
    closers.push(() => session.destroy());
    expect((await ask(session, {})).text).toBe("here");
  });

  test("HTTP/1.1 whose first bytes arrive alone is read as well", async () => {
    const recorder = await startRecorder();
    closers.push(() => recorder.close());
    const gateway = await gatewayOf(routeOf("app", String(recorder.port)));
    for (const method of ["PUT", "PATCH", "P"]) {
      const socket = connect({ host: "127.0.0.1", port: gateway.port, noDelay: true });
      let text = "";
      socket.setEncoding("latin1").on("data", (part: string) => (text += part));
      const closed = once(socket, "close");
      for (const character of `${method} / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`)
        await new Promise<void>((resolve) => socket.write(character, () => setImmediate(resolve)));
      await closed;
      const taken = takeMessage(text, () => false, true);
      // Node's parser knows PUT and PATCH; a method that it does not know is no request.
      expect(taken?.message.start.split(" ")[1]).toBe(method === "PUT" || method === "PATCH" ? "200" : "400");
    }
    expect(recorder.requests.map(({ start }) => start.split(" ")[0])).toEqual(["PUT", "PATCH"]);
  });
});
