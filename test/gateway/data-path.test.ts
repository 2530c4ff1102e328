/**
 * @module Live connections through the gateway: WebSockets, streams, back-pressure, aborts on either side, routes, its own pages.
 */
import { once } from "node:events";
import { createServer, request, type IncomingMessage, type RequestListener, type Server } from "node:http";
import { connect as connectStreams } from "node:http2";
import { connect, createServer as createPlainSocketServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { GatewayTrace } from "../../src/gateway/engine/trace.ts";
import { converse, routeOf, startGateway, statusOf, type TestGateway } from "../support/gateway.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serve(listener: RequestListener, host = "127.0.0.1"): Promise<{ server: Server; port: number }> {
  const server = createServer(listener).listen(0, host);
  await once(server, "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

async function gatewayOf(...routes: Parameters<typeof startGateway>[0]): Promise<TestGateway> {
  const gateway = await startGateway(routes);
  closers.push(() => gateway.close());
  return gateway;
}

async function get(
  port: number,
  host: string,
  path = "/",
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingMessage["headers"]; text: string }> {
  const outgoing = request({ host: "127.0.0.1", port, path, agent: false, headers: { host, ...headers } }).end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  let text = "";
  for await (const part of incoming.setEncoding("utf8")) text += part as string;
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, text };
}

const upgradeHead =
  "GET /socket HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/** A server that agrees to every upgrade and then says everything back. */
async function serveEcho(): Promise<{ server: Server; port: number; sockets: Socket[] }> {
  const { server, port } = await serve((_request, response) => response.end("plain"));
  const sockets: Socket[] = [];
  server.on("upgrade", (incoming, socket: Socket, head: Buffer) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Host: ${incoming.headers.host}\r\n\r\n`,
    );
    if (head.length > 0) socket.write(head);
    socket.pipe(socket);
  });
  return { server, port, sockets };
}

describe("WebSockets", () => {
  test("bytes go to and fro, those behind the handshake too", async () => {
    const echo = await serveEcho();
    const gateway = await gatewayOf(routeOf("app", String(echo.port)));
    const socket = connect(gateway.port, "127.0.0.1").setEncoding("latin1");
    closers.push(() => socket.destroy());
    let text = "";
    socket.on("data", (part: string) => (text += part));
    socket.write(`${upgradeHead}early`);
    await expect
      .poll(() => text)
      .toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[^]*X-Host: app\.localhost\r\n[^]*\r\n\r\nearly$/);
    text = "";
    const much = "x".repeat(3_000_000);
    socket.write(much);
    await expect.poll(() => text.length, { timeout: 10_000 }).toBe(much.length);
  });

  test("a reset of either side resets the other", async () => {
    const echo = await serveEcho();
    const gateway = await gatewayOf(routeOf("app", String(echo.port)));
    for (const end of ["client", "server"] as const) {
      const socket = connect(gateway.port, "127.0.0.1").setEncoding("latin1");
      let text = "";
      socket.on("data", (part: string) => (text += part));
      socket.write(upgradeHead);
      await expect.poll(() => text).toMatch(/\r\n\r\n$/);
      const peer = echo.sockets.at(-1)!;
      const [ends, hears] = end === "client" ? [socket, peer] : [peer, socket];
      const heard = once(hears, "error");
      ends.resetAndDestroy();
      expect((await heard)[0]).toMatchObject({ code: "ECONNRESET" });
    }
  });

  test("a server that is not there is a 502", async () => {
    const gateway = await gatewayOf(routeOf("app", "127.0.0.1:1"));
    const { answers } = await converse(gateway.port, upgradeHead, { answers: 1 });
    expect(answers.map(statusOf)).toEqual([502]);
  });
});

describe("streams", () => {
  test("an event arrives when it is sent, not when the answer ends", async () => {
    let send: ((text: string) => void) | undefined;
    const { port } = await serve((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      send = (text) => response.write(text);
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const outgoing = request({
      host: "127.0.0.1",
      port: gateway.port,
      headers: { host: "app.localhost" },
      agent: false,
    }).end();
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    for (const text of ["data: 1\n\n", "data: 2\n\n"]) {
      send!(text);
      const [part] = (await once(incoming, "data")) as [Buffer];
      expect(String(part)).toBe(text);
    }
    outgoing.destroy();
  });

  test("a client that goes ends the request at the server", async () => {
    let gone: Promise<unknown> | undefined;
    const { port } = await serve((_request, response) => {
      gone = once(response, "close");
      response.writeHead(200).write("begun");
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const outgoing = request({
      host: "127.0.0.1",
      port: gateway.port,
      headers: { host: "app.localhost" },
      agent: false,
    }).end();
    outgoing.on("error", () => undefined);
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    await once(incoming, "data");
    outgoing.destroy();
    await gone;
  });

  test("a client that goes while nothing was answered yet ends the request at the server", async () => {
    let arrived: (() => void) | undefined;
    const reached = new Promise<void>((resolve) => (arrived = resolve));
    let gone: Promise<unknown> | undefined;
    const { port } = await serve((_request, response) => {
      gone = once(response, "close");
      arrived!();
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    const outgoing = request({
      host: "127.0.0.1",
      port: gateway.port,
      headers: { host: "app.localhost" },
      agent: false,
    }).end();
    outgoing.on("error", () => undefined);
    await reached;
    outgoing.destroy();
    await gone;
  });

  test.each(["up", "down"] as const)(
    "who does not read %sstream is waited for, not buffered for",
    async (direction) => {
      // A server that reads nothing, or sends without end: what goes through is what the kernel and a few buffers hold.
      let sent = 0;
      const { port } = await serve((incoming, response) => {
        if (direction === "up") return incoming.pause();
        response.writeHead(200);
        const fill = (): void => {
          while (response.write(Buffer.alloc(65_536))) sent += 65_536;
          sent += 65_536;
          response.once("drain", fill);
        };
        fill();
        return undefined;
      });
      const gateway = await gatewayOf(routeOf("app", String(port)));
      const socket = connect(gateway.port, "127.0.0.1");
      closers.push(() => socket.destroy());
      socket.on("error", () => undefined);
      if (direction === "up") {
        socket.write("POST / HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 1000000000\r\n\r\n");
        const fill = (): void => {
          while (socket.write(Buffer.alloc(65_536))) sent += 65_536;
          sent += 65_536;
          socket.once("drain", fill);
        };
        fill();
      } else {
        socket.write("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
        socket.pause();
      }
      let before = -1;
      // It stands still when two looks in a row, 300 ms apart, see the same.
      await expect
        .poll(
          () => {
            const still = sent > 0 && sent === before;
            before = sent;
            return still;
          },
          { interval: 300, timeout: 10_000 },
        )
        .toBe(true);
      expect(sent).toBeLessThan(32 * 1024 * 1024);
    },
  );
});

describe("routes", () => {
  const tell: RequestListener = (incoming, response) =>
    response.end(`${incoming.headers.host} ${incoming.url} ${String(incoming.headers["x-forwarded-prefix"] ?? "")}`);

  test.each(["127.0.0.1", "::1"])("a server at %s alone is found by its port", async (host) => {
    const { port } = await serve(tell, host);
    const gateway = await gatewayOf(routeOf("app", String(port)));
    for (let round = 0; round < 3; round += 1)
      expect((await get(gateway.port, "app.localhost")).text).toBe("app.localhost / ");
  });

  test("paths, wildcards, prefixes and the server's own name", async () => {
    const { port } = await serve(tell);
    const gateway = await gatewayOf(
      routeOf("app", "127.0.0.1:1"),
      routeOf("app", String(port), { path: "/api" }),
      routeOf("app", String(port), { path: "/cut", strip: true }),
      routeOf("*.app", String(port)),
      routeOf("own", `127.0.0.1:${port}`, { ownHost: true }),
    );
    expect((await get(gateway.port, "app.localhost", "/api")).text).toBe("app.localhost /api ");
    expect((await get(gateway.port, "app.localhost", "/api/x?y=1")).text).toBe("app.localhost /api/x?y=1 ");
    expect((await get(gateway.port, "app.localhost", "/apis")).status).toBe(502);
    expect((await get(gateway.port, "app.localhost", "/cut/x?y=1")).text).toBe("app.localhost /x?y=1 /cut");
    expect((await get(gateway.port, "app.localhost", "/cut?y=1")).text).toBe("app.localhost /?y=1 /cut");
    // One resource, one route, however it is written (RFC 3986, section 6.2.2).
    expect((await get(gateway.port, "app.localhost", "/%63ut/x%2Fy?z=%2e%2e")).text).toBe(
      "app.localhost /x%2Fy?z=%2e%2e /cut",
    );
    expect((await get(gateway.port, "app.localhost", "/cut/../api/x")).text).toBe("app.localhost /cut/../api/x ");
    expect((await get(gateway.port, "app.localhost", "/api/../x")).status).toBe(502);
    expect((await get(gateway.port, "app.localhost", "/api%2fx")).status).toBe(502);
    expect((await get(gateway.port, "a.app.localhost")).text).toBe("a.app.localhost / ");
    expect((await get(gateway.port, "a.b.app.localhost")).text).toBe("a.b.app.localhost / ");
    expect((await get(gateway.port, "own.localhost")).text).toBe(`127.0.0.1:${port} / `);
  });

  test("a path that was taken off is told by the gateway alone: kept connections, bodies, WebSockets and HTTP/2", async () => {
    const { server, port } = await serve(tell);
    server.on("upgrade", (incoming, socket: Socket) => {
      const told = String(incoming.headers["x-forwarded-prefix"] ?? "");
      socket.end(`HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Told: ${told}\r\n\r\n`);
    });
    const gateway = await gatewayOf(
      routeOf("app", String(port)),
      routeOf("app", String(port), { path: "/cut", strip: true }),
    );
    const session = connectStreams(`http://127.0.0.1:${gateway.port}`);
    closers.push(() => session.destroy());
    const byStream = async (path: string): Promise<string> => {
      const stream = session.request({ ":authority": "app.localhost", ":path": path, "x-forwarded-prefix": "/evil" });
      let text = "";
      for await (const part of stream.setEncoding("utf8")) text += part as string;
      return text;
    };
    const lies = "Host: app.localhost\r\nX-Forwarded-Prefix: /evil\r\nX_Forwarded_Prefix: /evil\r\n";
    for (const [path, told] of [
      ["/x", "app.localhost /x "],
      ["/cut/x", "app.localhost /x /cut"],
    ] as const) {
      const looks = `GET ${path} HTTP/1.1\r\n${lies}\r\n`;
      const sends = `POST ${path} HTTP/1.1\r\n${lies}Content-Length: 2\r\n\r\nhi`;
      const slow = `POST ${path} HTTP/1.1\r\n${lies}Trailer: X-A\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-A: 1\r\nX-Forwarded-Prefix: /evil\r\n\r\n`;
      const { answers } = await converse(gateway.port, looks + looks + sends + slow + looks, { answers: 5 });
      expect(answers.map(({ body }) => body)).toEqual([told, told, told, told, told]);
      const upgrade = upgradeHead.replace("/socket", path).replace("Host: app.localhost\r\n", lies);
      const [answer] = (await converse(gateway.port, upgrade, { answers: 2 })).answers;
      expect(answer!.fields).toContainEqual(["X-Told", told.split(" ")[2]]);
      expect([await byStream(path), await byStream(path)]).toEqual([told, told]);
    }
  });

  test("a request that comes round and round ends with 508", async () => {
    let gatewayPort = 0;
    const { port } = await serve((incoming, response) => {
      // A development server's proxy that leaves Host as it is.
      const onward = request(
        { host: "127.0.0.1", port: gatewayPort, path: incoming.url, headers: incoming.headers, agent: false },
        (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        },
      );
      onward.end();
    });
    const gateway = await gatewayOf(routeOf("app", String(port)));
    gatewayPort = gateway.port;
    const { status, text } = await get(gateway.port, "app.localhost");
    expect([status, text]).toEqual([508, expect.stringContaining("go in circles")]);
  });

  test("a server that hangs up after each answer without a word loses no look", async () => {
    let answered = 0;
    const server = createPlainSocketServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => {
        answered += 1;
        // It promises to stay, and goes.
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", () =>
          setImmediate(() => socket.destroy()),
        );
      });
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    closers.push(() => server.close());
    const gateway = await gatewayOf(routeOf("app", String((server.address() as AddressInfo).port)));
    for (let round = 0; round < 200; round += 1) expect((await get(gateway.port, "app.localhost")).status).toBe(200);
    expect(answered).toBe(200);
  });
});

describe("the gateway's own pages", () => {
  test("a name that nobody has: what is near is named, but not to a foreign name", async () => {
    const gateway = await gatewayOf(routeOf("shop", "3000"), routeOf("blog", "3001"));
    const near = await get(gateway.port, "shp.localhost", "/", { accept: "text/html" });
    expect([near.status, near.headers["content-type"]]).toEqual([404, "text/html; charset=utf-8"]);
    expect(near.text).toContain(`<a href="http://shop.localhost:${gateway.port}/">shop.localhost</a>`);
    expect(near.text).not.toContain("blog");
    for (const host of ["attacker.example", "shop.localhost.attacker.example", "127.0.0.1", "[::1]"]) {
      const foreign = await get(gateway.port, host);
      expect([host, foreign.status]).toEqual([host, 404]);
      expect(foreign.text).not.toMatch(/shop|blog|3000/);
    }
  });

  test("every name is shown under the gateway's own", async () => {
    const gateway = await gatewayOf(
      routeOf("shop", "3000"),
      routeOf("shop", "3001", { path: "/api" }),
      routeOf("*.all", "3002"),
    );
    const page = await get(gateway.port, "portolan.localhost", "/", { accept: "text/html" });
    expect(page.status).toBe(200);
    for (const text of ["shop.localhost/api", "*.all.localhost", "http://localhost:3001"])
      expect(page.text).toContain(text);
    const { text } = await get(gateway.port, "portolan.localhost", "/", { accept: "application/json" });
    expect((JSON.parse(text) as { routes: unknown[] }).routes).toHaveLength(3);
  });

  test("an application that is not up: who should be there, and the page looks again", async () => {
    const holder = {
      pid: 2 ** 22,
      identity: "1",
      command: ["<script>alert(1)</script>", "\u001b[2J"],
      workingDirectory: "/x/\u202e",
    };
    const gateway = await gatewayOf(
      routeOf("app", "127.0.0.1:1", { holder }),
      routeOf("over", "127.0.0.1:1", { holder, ended: { atMs: 0, exitStatus: 3 } }),
    );
    const gone = await get(gateway.port, "app.localhost", "/", { accept: "text/html" });
    expect([gone.status, gone.headers["refresh"], gone.headers["retry-after"]]).toEqual([502, "2", "2"]);
    expect(gone.text).toMatch(/app\.localhost has ended[^]*is gone/);
    expect(gone.text).toContain("&lt;script&gt;alert(1)&lt;/script&gt; \\u001b[2J");
    expect(gone.text).not.toMatch(/<script|\u001b|\u202e/);
    expect(gone.headers["content-security-policy"]).toMatch("default-src 'none'");
    const over = await get(gateway.port, "over.localhost");
    expect(over.text).toMatch("exit status 3");
    expect(over.text).not.toContain("\u001b");
  });
});

test("who traces is told of every request: client, rule, route, status, bytes", async () => {
  const { port } = await serve((_request, response) => response.end("hello"));
  const gateway = await gatewayOf(routeOf("app", String(port)), routeOf("*.app", "127.0.0.1:1"));
  const told: GatewayTrace[] = [];
  const end = gateway.gateway.traces.listen((trace) => told.push(trace));
  await get(gateway.port, "app.localhost", "/a?secret=1");
  await get(gateway.port, "x.app.localhost");
  await get(gateway.port, "nobody.localhost");
  await converse(gateway.port, "GET / HTTP/1.1\r\n\r\n", { answers: 1 });
  await expect.poll(() => told.length).toBe(4);
  expect(
    told.map(({ route, rule, status, path, receivedBytes, failure }) => [
      route,
      rule,
      status,
      path,
      receivedBytes,
      failure,
    ]),
  ).toEqual([
    ["app.localhost", "name", 200, "/a", 5, null],
    ["*.app.localhost", "wildcard", 502, "/", 0, "ECONNREFUSED"],
    [null, "none", 404, "/", 0, null],
    [null, "none", 400, "", 0, expect.stringContaining("no Host")],
  ]);
  expect(told[0]!.client).toMatch(/^127\.0\.0\.1:\d+$/);
  end();
  await get(gateway.port, "app.localhost");
  expect(told).toHaveLength(4);
});
