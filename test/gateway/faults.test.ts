/**
 * @module Servers that misbehave, behind the gateway: what the client gets, that the server's connection ends, that the next request is served.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, plainAsker, streamAsker, type Asker, type Question } from "../support/gateway-askers.ts";
import { routeOf, startGateway, type TestGateway } from "../support/gateway.ts";

/** What a server does with a connection once it has read a request's head. `request` is what it read until then. */
type Misbehaviour = (socket: Socket, request: string) => void;

let misbehave: Misbehaviour = () => undefined;
const open = new Set<Socket>();
let requests = 0;
const bad = createServer({ allowHalfOpen: true }, (socket) => {
  open.add(socket);
  socket.on("error", () => undefined);
  socket.once("close", () => open.delete(socket));
  let request = "";
  socket.on("data", (chunk) => {
    request += chunk.toString("latin1");
    // A kept connection's next request may come behind the rest of a body.
    if (!/[A-Z]+ \S+ HTTP\/1\.1\r\n.*\r\n\r\n/s.test(request)) return;
    requests += 1;
    misbehave(socket, request);
    request = "";
  });
});
const good = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood"));
});

let gateway: TestGateway;

beforeAll(async () => {
  for (const server of [bad, good]) await once(server.listen(0, "127.0.0.1"), "listening");
  const portOf = (server: typeof bad): string => String((server.address() as AddressInfo).port);
  gateway = await startGateway([
    routeOf("bad", portOf(bad)),
    routeOf("good", portOf(good)),
    routeOf("nobody", "127.0.0.1:1"),
  ]);
});

afterAll(async () => {
  await gateway.close();
  for (const socket of open) socket.destroy();
  bad.close();
  good.close();
});

const say =
  (text: string): Misbehaviour =>
  (socket) =>
    void socket.write(text, "latin1");
const sayAndReset =
  (text: string): Misbehaviour =>
  (socket) =>
    void socket.write(text, "latin1", () => socket.resetAndDestroy());
const sayAndEnd =
  (text: string): Misbehaviour =>
  (socket) =>
    void socket.end(text, "latin1");
/** Byte by byte, each a write of its own. */
const trickle =
  (text: string): Misbehaviour =>
  (socket) => {
    socket.setNoDelay(true);
    let at = 0;
    const next = (): void => {
      if (at < text.length && !socket.destroyed) socket.write(text.charAt(at++), () => setImmediate(next));
    };
    next();
  };
/** The same over and over, as fast as it is taken. */
const forever =
  (first: string, then: string): Misbehaviour =>
  (socket) => {
    const fill = (): void => {
      while (!socket.destroyed && socket.writable && socket.write(then));
    };
    socket.on("drain", fill);
    socket.write(first);
    fill();
  };

/** Settles when it is closed, with an error or without. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once("close", () => resolve()));
}

interface FaultCase {
  readonly name: string;
  readonly server: Misbehaviour;
  readonly question?: Partial<Question>;
  readonly status: number;
  /** Default: a whole answer. */
  readonly cut?: true;
  readonly text?: string | RegExp;
}

const ok = "HTTP/1.1 200 OK\r\n";
const half = `${ok}Content-Length: 100\r\n\r\nhalf of it`;
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`;
const upload = { method: "POST", text: "x".repeat(100_000) };

const cases: readonly FaultCase[] = [
  { name: "dies within a body of some length", server: sayAndReset(half), status: 200, cut: true, text: "half of it" },
  { name: "ends within a body of some length", server: sayAndEnd(half), status: 200, cut: true, text: "half of it" },
  { name: "dies between chunks", server: sayAndReset(`${chunked}4\r\nhalf\r\n`), status: 200, cut: true },
  { name: "ends between chunks", server: sayAndEnd(`${chunked}4\r\nhalf\r\n`), status: 200, cut: true, text: "half" },
  { name: "ends within a chunk", server: sayAndEnd(`${chunked}8\r\nhalf`), status: 200, cut: true, text: "half" },
  { name: "ends before the last trailer", server: sayAndEnd(`${chunked}0\r\nX: y`), status: 200, cut: true, text: "" },
  {
    name: "sends a chunk of no size",
    server: say(`${chunked}4\r\nhalf\r\nzz\r\n`),
    status: 200,
    cut: true,
    text: "half",
  },
  {
    name: "sends a chunk longer than said",
    server: say(`${chunked}4\r\nhalfand`),
    status: 200,
    cut: true,
    text: "half",
  },
  {
    name: "sends a chunk of a size beyond numbers",
    server: say(`${chunked}${"f".repeat(17)}\r\nx`),
    status: 200,
    cut: true,
  },
  { name: "closes without an answer", server: (socket) => socket.end(), status: 502 },
  { name: "resets without an answer", server: (socket) => socket.resetAndDestroy(), status: 502 },
  { name: "closes without an answer to a body", server: (socket) => socket.end(), question: upload, status: 502 },
  {
    name: "resets without an answer to a body",
    server: (socket) => socket.resetAndDestroy(),
    question: upload,
    status: 502,
  },
  { name: "ends within the status line", server: sayAndEnd("HTTP/1.1 20"), status: 502 },
  { name: "ends within the head", server: sayAndEnd(`${ok}Content-Len`), status: 502 },
  { name: "sends what is no HTTP", server: say("SSH-2.0-OpenSSH_9.6\r\n"), status: 502 },
  { name: "sends bytes of chance", server: say("\u0000\u00ff\u0016\u0003\u0001\u0002".repeat(50)), status: 502 },
  { name: "sends a head without end", server: forever(ok, `X-More: ${"y".repeat(1000)}\r\n`), status: 502 },
  { name: "sends one field without end", server: forever(`${ok}X-More: `, "y".repeat(1000)), status: 502 },
  {
    name: "changes the protocol without being asked",
    server: say(`${ok.replace("200", "101")}Upgrade: x\r\nConnection: Upgrade\r\n\r\n`),
    status: 502,
  },
  {
    name: "trickles its whole answer",
    server: trickle(`${ok}Content-Length: 8\r\n\r\nslow but`),
    status: 200,
    text: "slow but",
  },
  {
    name: "trickles chunks",
    server: trickle(`${chunked}4\r\nslow\r\n1\r\n!\r\n0\r\n\r\n`),
    status: 200,
    text: "slow!",
  },
  {
    name: "sends more than it said",
    server: say(`${ok}Content-Length: 4\r\n\r\nthis and more`),
    status: 200,
    text: "this",
  },
  {
    name: "sends a second answer behind the first",
    server: say(`${ok}Content-Length: 4\r\n\r\nthis${half}`),
    status: 200,
    text: "this",
  },
  { name: "sends a body with 204", server: say("HTTP/1.1 204 No Content\r\n\r\nbody"), status: 204, text: "" },
  {
    name: "answers before the request is complete, and goes on reading",
    server: (socket) => {
      socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\n\r\nless");
      socket.resume();
    },
    question: upload,
    status: 413,
    text: "less",
  },
  {
    name: "answers before the request is complete, and reads no more",
    server: (socket) => {
      socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nless");
      socket.pause();
    },
    question: upload,
    status: 413,
    text: "less",
  },
  {
    name: "says 103 a thousand times before it answers",
    server: say(
      `${"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n".repeat(1000)}${ok}Content-Length: 2\r\n\r\nok`,
    ),
    status: 200,
    text: "ok",
  },
  {
    name: "says 100 a thousand times to who did not ask for it",
    server: say(`${"HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)}${ok}Content-Length: 2\r\n\r\nok`),
    status: 200,
    text: "ok",
  },
  {
    name: "answers finally to who waits for 100",
    server: say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"),
    question: { method: "POST", headers: { expect: "100-continue", "content-length": "1000000" } },
    status: 401,
    text: "no",
  },
  {
    name: "says 100 a thousand times to who waits for it, then closes",
    server: sayAndEnd("HTTP/1.1 100 Continue\r\n\r\n".repeat(1000)),
    question: { method: "POST", headers: { expect: "100-continue", "content-length": "1000000" } },
    status: 502,
  },
];

/** Ways of going away while a server keeps one waiting. */
interface LeavingCase {
  readonly name: string;
  readonly server: Misbehaviour;
  readonly question?: Partial<Question>;
  /** So much of the request's body is written before. */
  readonly writes?: number;
  readonly awaitsHead?: true;
}

const leavings: readonly LeavingCase[] = [
  { name: "never answers", server: () => undefined },
  {
    name: "never answers a body that it has not got whole",
    server: (socket) => socket.resume(),
    question: { method: "POST", headers: { "content-length": "1000000" } },
    writes: 1000,
  },
  {
    name: "never reads",
    server: (socket) => socket.pause(),
    question: { method: "POST", headers: { "content-length": "100000000" } },
    writes: 20_000_000,
  },
  {
    name: "never says 100",
    server: () => undefined,
    question: { method: "POST", headers: { expect: "100-continue", "content-length": "10" } },
  },
  { name: "says 100 for ever", server: forever("", "HTTP/1.1 100 Continue\r\n\r\n") },
  { name: "says 103 for ever", server: forever("", "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n") },
  { name: "stops within its head", server: say(`${ok}Content-Length: 10\r\n`) },
  { name: "stops within its body", server: say(half), awaitsHead: true },
  {
    name: "sends events without end",
    server: forever(`${ok}Content-Type: text/event-stream\r\n\r\n`, "data: x\n\n"),
    awaitsHead: true,
  },
];

const askers: readonly Asker[] = [plainAsker, streamAsker];

describe.each(askers)("over $name, a server that", (asker) => {
  const isServed = async (): Promise<void> => {
    expect(await ask(asker, gateway.port, { host: "good.localhost" })).toMatchObject({
      status: 200,
      text: "good",
      whole: true,
    });
  };

  test.each(cases)("$name", async ({ server, question, status, cut, text }) => {
    misbehave = server;
    const answered = await ask(asker, gateway.port, { host: "bad.localhost", ...question });
    expect({ status: answered.status, whole: answered.whole }).toEqual({ status, whole: cut === undefined });
    if (text !== undefined)
      expect(answered.text).toEqual(typeof text === "string" ? text : expect.stringMatching(text));
    else if (status === 502) expect(answered.text).toContain("bad.localhost gave no proper answer");
    // The next one is not answered by what is left of this one.
    misbehave = say(`${ok}Content-Length: 4\r\n\r\nnext`);
    expect(await ask(asker, gateway.port, { host: "bad.localhost" })).toMatchObject({ status: 200, text: "next" });
    await isServed();
  });

  test.each(leavings)("$name: who goes away takes the server's connection along", async (leaving) => {
    let reached!: (socket: Socket) => void;
    const asked = new Promise<Socket>((resolve) => (reached = resolve));
    misbehave = (socket, request) => {
      leaving.server(socket, request);
      reached(socket);
    };
    const exchange = asker.open(gateway.port, { host: "bad.localhost", ...leaving.question });
    if (leaving.question?.headers?.["expect"] !== undefined) exchange.sent.write("");
    for (let left = leaving.writes ?? 0; left > 0; left -= 100_000)
      exchange.sent.write(Buffer.alloc(Math.min(left, 100_000)));
    const socket = await asked;
    if (leaving.awaitsHead === true) await exchange.head;
    const closed = closeOf(socket);
    exchange.leave();
    // Who reads nothing hears of no end.
    socket.once("end", () => socket.end()).resume();
    await closed;
    await isServed();
  });

  test("is not there", async () => {
    const answered = await ask(asker, gateway.port, { host: "nobody.localhost" });
    expect(answered).toMatchObject({ status: 502, text: expect.stringContaining("nobody.localhost is not up") });
    expect(answered.headers["retry-after"]).toBe("2");
    await isServed();
  });

  test("closes without an answer is asked once more, and never a second time for what may not be repeated", async () => {
    misbehave = (socket) => socket.end();
    for (const [question, times] of [
      [{}, 2],
      [upload, 1],
      [{ method: "POST", text: "" }, 1],
      [{ method: "DELETE", text: "" }, 1],
    ] as const) {
      requests = 0;
      expect((await ask(asker, gateway.port, { host: "bad.localhost", ...question })).status).toBe(502);
      expect([question, requests]).toEqual([question, times]);
    }
  });
});

describe("a WebSocket's server that", () => {
  const handshake =
    "GET / HTTP/1.1\r\nHost: bad.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  const agreed = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

  async function shakeHands(): Promise<Socket> {
    const socket = connect({ port: gateway.port, host: "127.0.0.1", allowHalfOpen: true }).setEncoding("latin1");
    socket.on("error", () => undefined);
    socket.write(handshake);
    let text = "";
    socket.on("data", (part: string) => (text += part));
    await expect.poll(() => text).toMatch(/\r\n\r\n/);
    expect(text).toMatch(/^HTTP\/1\.1 101 /);
    return socket;
  }

  test.each([
    ["never answers", (): void => undefined],
    ["stops within its head", say("HTTP/1.1 101 Switching Protocols\r\nConn")],
  ] as const)("%s: who goes away takes its connection along", async (_name, server) => {
    const asked = new Promise<Socket>((resolve) => {
      misbehave = (socket, request) => {
        server(socket, request);
        resolve(socket);
      };
    });
    const socket = connect(gateway.port, "127.0.0.1");
    socket.write(handshake);
    const joined = await asked;
    const closed = closeOf(joined.once("end", () => joined.end()));
    socket.destroy();
    await closed;
  });

  test.each([
    ["closes", (socket: Socket): unknown => socket.end()],
    ["resets", (socket: Socket): unknown => socket.resetAndDestroy()],
    ["sends what is no HTTP", say("nonsense\r\n\r\n")],
    ["sends a head without end", forever(ok, `X-More: ${"y".repeat(1000)}\r\n`)],
  ] as const)("%s in place of an answer is a 502", async (_name, server) => {
    misbehave = (socket, request) => void server(socket, request);
    const socket = connect(gateway.port, "127.0.0.1").setEncoding("latin1");
    socket.write(handshake);
    let text = "";
    socket.on("data", (part: string) => (text += part));
    await closeOf(socket);
    expect(text).toMatch(/^HTTP\/1\.1 502 /);
  });

  test("dies is told as it would be without a gateway: by a reset", async () => {
    let server: Socket | undefined;
    misbehave = (socket) => {
      server = socket;
      socket.write(agreed);
    };
    const client = await shakeHands();
    const failed = once(client, "error");
    server!.resetAndDestroy();
    expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  });

  test("ends is heard; who keeps one side open and says nothing more is not waited for", async () => {
    const closings: Promise<void>[] = [];
    for (const who of ["client", "server"] as const) {
      let server: Socket | undefined;
      misbehave = (socket) => {
        server = socket;
        socket.write(agreed);
      };
      const client = await shakeHands();
      const [ends, stays] = who === "client" ? [client, server!] : [server!, client];
      const heard = once(stays.resume(), "end");
      ends.end();
      await heard;
      // It still may say something, but it does not end: a program that was stopped, or that never looks at its sockets.
      const said = once(ends, "data");
      stays.write("a last word");
      expect(String((await said)[0])).toBe("a last word");
      closings.push(closeOf(ends));
      ends.once("end", () => stays.destroy());
    }
    await Promise.all(closings);
  });

  test("says much and closes is heard to the end by who takes their time", async () => {
    const much = 16 * 1024 * 1024;
    let server: Socket | undefined;
    misbehave = (socket) => {
      server = socket;
      socket.write(agreed);
    };
    const client = await shakeHands();
    server!.end(Buffer.alloc(much, "x"));
    let received = 0;
    client.on("data", (text: string) => {
      received += text.length;
      client.pause();
      setImmediate(() => client.resume());
    });
    await once(client, "end");
    client.destroy();
    expect(received).toBe(much);
  });
});
