/**
 * @module Connections to servers that are kept: what one answer leaves behind does not reach the next one.
 */
import { once } from "node:events";
import { createHash, randomBytes } from "node:crypto";
import { Agent, createServer, request, type IncomingMessage } from "node:http";
import { createServer as createPlainServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { TargetConnector } from "../../src/gateway/engine/connect-target.ts";
import { KeptConnections } from "../../src/gateway/engine/kept-connections.ts";
import { readTarget } from "../../src/gateway/index.ts";
import { routeOf, startGateway } from "../support/gateway.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function startBefore(server: Server): Promise<(path?: string) => Promise<Answered>> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const gateway = await startGateway([routeOf("app", String((server.address() as AddressInfo).port))]);
  const agent = new Agent({ keepAlive: true });
  closers.push(async () => {
    agent.destroy();
    await gateway.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (path = "/") => ask(gateway.port, path, agent);
}

interface Answered {
  readonly status: number;
  readonly message: string;
  readonly fields: readonly string[];
  readonly body: Buffer;
  readonly trailers: readonly string[];
}

async function ask(port: number, path: string, agent: Agent): Promise<Answered> {
  const outgoing = request({ host: "127.0.0.1", port, path, agent, headers: { host: "app.localhost" } }).end();
  const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const { statusCode = 0, statusMessage = "", rawHeaders, rawTrailers } = incoming;
  return {
    status: statusCode,
    message: statusMessage,
    fields: rawHeaders,
    body: Buffer.concat(parts),
    trailers: rawTrailers,
  };
}

const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("long answers one after the other on the same connection: whoever was waited for at the end of one gets the next", async () => {
  const body = randomBytes(700 * 1024);
  const seen = new Set<Socket>();
  const ask = await startBefore(
    createServer((incoming, response) => {
      seen.add(incoming.socket);
      // Without a length, so that the end comes in the same read as the last bytes.
      response.write(body.subarray(0, Number(incoming.url!.slice(1))));
      response.end();
    }),
  );
  for (let size = 100 * 1024; size < body.length; size += 11_003) {
    const answered = await ask(`/${size}`);
    expect([size, digest(answered.body)]).toEqual([size, digest(body.subarray(0, size))]);
  }
  expect(seen.size).toBeLessThan(5);
});

test("answers of every length at the same time arrive unchanged, though they are received into the same memory", async () => {
  const bodies = Array.from({ length: 48 }, (_, index) => randomBytes(1 + index ** 3 * 6));
  const ask = await startBefore(
    createServer((incoming, response) => {
      const body = bodies[Number(incoming.url!.slice(1))]!;
      response.setHeader("Content-Length", body.length);
      response.end(body);
    }),
  );
  for (let round = 0; round < 3; round += 1) {
    const answers = await Promise.all(bodies.map((_, index) => ask(`/${index}`)));
    expect(answers.map(({ body }) => digest(body))).toEqual(bodies.map(digest));
  }
});

test("an answer that comes in two parts is the same, wherever it is cut", async () => {
  const wire =
    "HTTP/1.1 201 Made Here\r\nX-Empty:\r\nX-Long: a b\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
    "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 5\r\n\r\n";
  const ask = await startBefore(
    createPlainServer({ noDelay: true }, (socket) => {
      socket.on("data", (part: Buffer) => {
        const at = Number(/^GET \/(\d+)/.exec(part.toString("latin1"))![1]);
        // The first part has been taken when the second follows.
        socket.write(wire.slice(0, at), "latin1", () => setImmediate(() => socket.write(wire.slice(at), "latin1")));
      });
    }),
  );
  for (let at = 1; at < wire.length; at += 1) {
    const { status, message, fields, body, trailers } = await ask(`/${at}`);
    expect([at, status, message, body.toString("latin1"), ...trailers]).toEqual([
      at,
      201,
      "Made Here",
      "abcde",
      "X-Sum",
      "5",
    ]);
    expect(fields.slice(0, 4)).toEqual(["X-Empty", "", "X-Long", "a b"]);
  }
});

test("an answer that nobody asked for is nobody's: its connection is given up", async () => {
  let connections = 0;
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
  const ask = await startBefore(
    createPlainServer((socket) => {
      connections += 1;
      socket.on("data", () => socket.write(`${ok}mine${ok}evil`));
    }),
  );
  for (let round = 0; round < 20; round += 1) expect((await ask()).body.toString()).toBe("mine");
  expect(connections).toBe(20);
});

test("an answer that nobody asked for on a connection at rest ends that connection", async () => {
  const sockets: Socket[] = [];
  const ask = await startBefore(
    createPlainServer((socket) => {
      sockets.push(socket);
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine"));
    }),
  );
  expect((await ask()).body.toString()).toBe("mine");
  const closed = once(sockets[0]!, "close");
  sockets[0]!.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
  await closed;
  expect((await ask()).body.toString()).toBe("mine");
  expect(sockets).toHaveLength(2);
});

test("an empty line on a connection at rest does not make two of it", async () => {
  const sockets: Socket[] = [];
  const waiting: (() => unknown)[] = [];
  const ask = await startBefore(
    createPlainServer((socket) => {
      sockets.push(socket);
      socket.on("data", (part: Buffer) => {
        const path = /^GET (\/\S*)/.exec(part.toString("latin1"))![1]!;
        const answer = (): unknown => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
        if (path === "/first") answer();
        else waiting.push(answer);
        // Both are under way before either is answered.
        if (waiting.length === 2) for (const one of waiting) one();
      });
    }),
  );
  expect((await ask("/first")).body.toString()).toBe("/first");
  const closed = once(sockets[0]!, "close");
  sockets[0]!.write("\r\n");
  await closed;
  const both = await Promise.all([ask("/second"), ask("/third")]);
  expect(both.map(({ body }) => body.toString())).toEqual(["/second", "/third"]);
});

test("whoever gives up a complete answer does not end the next one on its connection", async () => {
  const server = createServer((incoming, response) => response.end(incoming.url));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => server.close());
  const kept = new KeptConnections(new TargetConnector(readTarget(String((server.address() as AddressInfo).port))), {
    keepAliveMs: 4000,
    mostHeadBytes: 1000,
  });
  closers.push(() => kept.destroy());
  const aborts: ((reason?: Error) => void)[] = [];
  const ask = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      kept.dispatch(
        { path, method: "GET", headers: ["Host", "app.localhost"] },
        {
          onConnect: (abort) => void aborts.push(abort),
          onHeaders: () => true,
          onData: (chunk) => {
            text += chunk.toString("latin1");
            return true;
          },
          onComplete: () => resolve(text),
          onError: reject,
        },
      );
    });
  expect(await ask("/one")).toBe("/one");
  const stale = aborts.at(-1)!;
  await new Promise((resolve) => setImmediate(resolve));
  const second = ask("/two");
  stale();
  expect(await second).toBe("/two");
});

test("a head without end is given up, not gathered", async () => {
  const ask = await startBefore(
    createPlainServer((socket) => {
      const more = (): void => {
        if (socket.writable) socket.write(`X-More: ${"x".repeat(1000)}\r\n`, more);
      };
      socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n", more));
    }),
  );
  expect((await ask()).status).toBe(502);
});
