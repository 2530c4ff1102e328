/**
 * @module What HTTP/2's own framing can be abused for: requests smuggled through a translation to HTTP/1.1, and floods that cost the
 * other side more than the sender (RFC 9113, sections 8.2, 8.3 and 10.5).
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { routeOf, startGateway, startRecorder, type Recorder, type TestGateway } from "../support/gateway.ts";
import {
  fieldBlock,
  frame,
  frameFlag,
  frameType,
  openRawClient,
  requestFields,
  type Frame,
  type RawClient,
} from "../support/raw-streams.ts";

let recorder: Recorder;
let gateway: TestGateway;
const clients: RawClient[] = [];

beforeEach(async () => {
  recorder = await startRecorder();
  gateway = await startGateway([routeOf("app", String(recorder.port))]);
});

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await gateway.close();
  recorder.close();
});

async function open(settings?: Buffer): Promise<RawClient> {
  const client = await openRawClient(gateway.port, settings);
  clients.push(client);
  return client;
}

const { endHeaders, endStream } = frameFlag;

/** A request whose head is these fields, as many as one likes of a name. */
function headers(
  stream: number,
  fields: readonly (readonly [string, string])[],
  flags: number = endHeaders | endStream,
): Buffer {
  return frame(frameType.headers, flags, stream, fieldBlock(fields));
}

/** Statuses of RFC 7541's static table are one byte, and the first field of an answer. */
const indexedStatus: Readonly<Record<number, number>> = { 0x88: 200, 0x89: 204, 0x8c: 400, 0x8d: 404, 0x8e: 500 };

function outcomeOf({ type, payload }: Frame): string {
  if (type === frameType.headers) return String(indexedStatus[payload[0]!] ?? "another status");
  if (type === frameType.reset) return `reset ${payload.readUInt32BE(0)}`;
  return `goaway ${payload.readUInt32BE(4)}`;
}

/** What becomes of the first stream: an answer's status, a reset, or the end of the connection. */
async function outcome(client: RawClient): Promise<string> {
  const told = await client.next(
    ({ type, stream }) =>
      (stream === 1 && (type === frameType.headers || type === frameType.reset)) || type === frameType.goaway,
  );
  return outcomeOf(told);
}

describe("smuggling", () => {
  type Fields = readonly (readonly [string, string])[];
  const post = (...more: Fields): Fields => [...requestFields({ ":method": "POST" }), ...more];
  const get = (...more: Fields): Fields => [...requestFields(), ...more];
  const without = (name: string, ...more: Fields): Fields => [
    ...requestFields().filter(([own]) => own !== name),
    ...more,
  ];

  const cases: readonly (readonly [name: string, fields: Fields, data?: string])[] = [
    [
      "H2.CL: a length below the data",
      post(["content-length", "0"]),
      "GET /smuggled HTTP/1.1\r\nHost: app.localhost\r\n\r\n",
    ],
    ["H2.CL: a length above the data", post(["content-length", "99"]), "short"],
    ["H2.CL: two lengths", post(["content-length", "5"], ["content-length", "0"]), "hello"],
    ["H2.CL: a length that is none", post(["content-length", "+5"]), "hello"],
    ["H2.CL: a list of lengths", post(["content-length", "5, 5"]), "hello"],
    [
      "H2.TE: chunked",
      post(["transfer-encoding", "chunked"]),
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: app.localhost\r\n\r\n",
    ],
    ["H2.TE: with a length", post(["transfer-encoding", "chunked"], ["content-length", "5"]), "0\r\n\r\n"],
    ["H2.TE: identity", post(["transfer-encoding", "identity"]), "hello"],
    ["a capital in a name", get(["Transfer-Encoding", "chunked"])],
    ["Connection", get(["connection", "close"])],
    ["Keep-Alive", get(["keep-alive", "1"])],
    ["Proxy-Connection", get(["proxy-connection", "close"])],
    ["Upgrade", get(["upgrade", "websocket"])],
    ["TE other than trailers", get(["te", "chunked"])],
    [
      "a line break in the path",
      get().map(([name, value]) => [name, name === ":path" ? "/ HTTP/1.1\r\nX: y" : value] as const),
    ],
    ["a blank in the path", get().map(([name, value]) => [name, name === ":path" ? "/a HTTP/1.1" : value] as const)],
    ["an empty path", get().map(([name, value]) => [name, name === ":path" ? "" : value] as const)],
    [
      "an absolute path",
      get().map(([name, value]) => [name, name === ":path" ? "http://other.localhost/" : value] as const),
    ],
    ["a star that is not OPTIONS'", get().map(([name, value]) => [name, name === ":path" ? "*" : value] as const)],
    ["no path", without(":path")],
    ["no method", without(":method")],
    ["no scheme", without(":scheme")],
    ["no authority and no Host", without(":authority")],
    ["two paths", [...requestFields(), [":path", "/b"]]],
    ["two authorities", [...requestFields(), [":authority", "other.localhost"]]],
    ["a Host that differs", get(["host", "other.localhost"])],
    ["two Hosts", get(["host", "app.localhost"], ["host", "app.localhost"])],
    [
      "an authority with a user",
      get().map(([name, value]) => [name, name === ":authority" ? "a@app.localhost" : value] as const),
    ],
    [
      "an authority with a line break",
      get().map(([name, value]) => [name, name === ":authority" ? "app.localhost\r\nX: y" : value] as const),
    ],
    [
      "an authority with a path",
      get().map(([name, value]) => [name, name === ":authority" ? "app.localhost/x" : value] as const),
    ],
    [
      "a blank in the method",
      get().map(([name, value]) => [name, name === ":method" ? "GET / HTTP/1.1\r\nX:" : value] as const),
    ],
    ["a pseudo field behind others", [["x", "1"], ...requestFields()]],
    ["a pseudo field that there is not", get([":own", "1"])],
    ["an answer's pseudo field", get([":status", "200"])],
    [
      "CONNECT",
      [
        [":method", "CONNECT"],
        [":authority", "app.localhost:80"],
      ],
    ],
    ["TRACE", get().map(([name, value]) => [name, name === ":method" ? "TRACE" : value] as const)],
  ];

  test.each(cases.map(([name, fields, data = null]) => [name, fields, data] as const))(
    "%s reaches no server",
    async (_name, fields, data) => {
      const client = await open();
      client.send(headers(1, fields, data === null ? endHeaders | endStream : endHeaders));
      if (data !== null) client.send(frame(frameType.data, endStream, 1, Buffer.from(data, "latin1")));
      expect(await outcome(client)).toMatch(/^(?:4\d\d|another status|reset \d+|goaway [1-9]\d*)$/);
      // One that is in order, behind it or beside it, is the only one that arrives.
      const other = await open();
      other.send(headers(1, requestFields({ ":path": "/in-order" })));
      expect(await outcome(other)).toBe("200");
      expect(recorder.requests.map(({ start }) => start)).toEqual(["GET /in-order HTTP/1.1"]);
      for (const text of recorder.unfinished()) expect(text).not.toMatch(/smuggled/);
    },
  );

  const dropped: readonly (readonly [name: string, field: readonly [string, string]])[] = [
    ["a line break in a value", ["x", "a\r\nTransfer-Encoding: chunked"]],
    ["a LF in a value", ["x", "a\nb: c"]],
    ["a CR in a value", ["x", "a\rb"]],
    ["a NUL in a value", ["x", "a\0b"]],
    ["a line break in a name", ["x: y\r\nz", "1"]],
    ["a colon in a name", ["transfer-encoding:", "chunked"]],
    ["a blank in a name", ["transfer-encoding ", "chunked"]],
    ["an empty name", ["", "1"]],
    ["a name of other bytes", ["x\u00ff", "1"]],
  ];

  // The library leaves such a field out, as RFC 9113, section 8.2.1 lets who passes a message on do.
  test.each(dropped)("%s: the field is left out", async (_name, [name, value]) => {
    const client = await open();
    client.send(headers(1, [...requestFields(), [name, value], ["y", "behind"]]));
    expect(await outcome(client)).toBe("200");
    const [request] = recorder.requests;
    expect(recorder.requests.length).toBe(1);
    expect(request!.fields.map(([own]) => own.toLowerCase())).not.toContain("transfer-encoding");
    expect(request!.fields.map(([own]) => own)).not.toContain("x");
    expect(request!.fields.map(([own]) => own)).toContain("y");
    expect(recorder.unfinished()).toEqual([]);
  });

  test("what is allowed arrives as one request", async () => {
    const allowed: readonly (readonly [fields: Fields, data: string | undefined, start: string])[] = [
      [get(["host", "app.localhost"]), undefined, "GET / HTTP/1.1"],
      [without(":authority", ["host", "app.localhost"]), undefined, "GET / HTTP/1.1"],
      [post(["content-length", "5"]), "hello", "POST / HTTP/1.1"],
      [post(), "0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n", "POST / HTTP/1.1"],
      [get(["x", "\u00e4\u00ff"]), undefined, "GET / HTTP/1.1"],
      [requestFields({ ":method": "OPTIONS", ":path": "*" }), undefined, "OPTIONS * HTTP/1.1"],
    ];
    for (const [fields, data, start] of allowed) {
      recorder.forget();
      const client = await open();
      client.send(headers(1, fields, data === undefined ? endHeaders | endStream : endHeaders));
      if (data !== undefined) client.send(frame(frameType.data, endStream, 1, Buffer.from(data, "latin1")));
      expect(await outcome(client)).toBe("200");
      expect(recorder.requests.map((request) => [request.start, request.body])).toEqual([[start, data ?? ""]]);
    }
  });

  test("an upload without an end is never passed on as if it were whole", async () => {
    for (const fields of [post(), post(["content-length", "10"])]) {
      recorder.forget();
      const client = await open();
      client.send(headers(1, fields, endHeaders), frame(frameType.data, 0, 1, Buffer.from("hello")));
      await expect.poll(() => recorder.unfinished().some((text) => text.includes("hello"))).toBe(true);
      client.send(frame(frameType.reset, 0, 1, Buffer.from([0, 0, 0, 0])));
      await expect.poll(() => recorder.unfinished().every((text) => !text.endsWith("\r\n0\r\n\r\n"))).toBe(true);
      const other = await open();
      other.send(headers(1, requestFields()));
      expect(await outcome(other)).toBe("200");
      expect(recorder.requests.map(({ start }) => start)).toEqual(["GET / HTTP/1.1"]);
    }
  });
});

describe("floods", () => {
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  /** Bytes in use that a collection does not free. */
  const held = (): number => {
    collectGarbage();
    const { heapUsed, arrayBuffers, external } = process.memoryUsage();
    return heapUsed + arrayBuffers + external;
  };
  const mostHeldBytes = 96 * 1024 * 1024;

  /** Sends the same again and again until the connection ends, or there is no more to send. */
  async function flood(
    client: RawClient,
    part: (round: number) => Buffer,
    rounds: number,
  ): Promise<{ ended: boolean; rounds: number; heldBytes: number }> {
    const before = held();
    let heldBytes = 0;
    let round = 0;
    for (; round < rounds && !client.socket.closed; round += 1) {
      if (!client.socket.write(part(round)))
        await Promise.race([new Promise((resolve) => client.socket.once("drain", resolve)), client.closed]);
      if (round % 16 !== 0) continue;
      await new Promise((resolve) => setImmediate(resolve));
      heldBytes = Math.max(heldBytes, held() - before);
    }
    return { ended: client.socket.closed, rounds: round, heldBytes };
  }

  /** Requests of others are answered meanwhile. */
  async function stillServes(): Promise<void> {
    const other = await open();
    other.send(headers(1, requestFields({ ":path": "/other" })));
    expect(await outcome(other)).toBe("200");
  }

  const cases: readonly (readonly [name: string, rounds: number, part: (round: number) => Buffer])[] = [
    [
      "rapid reset: requests that are taken back at once (CVE-2023-44487)",
      2000,
      (round) =>
        Buffer.concat(
          Array.from({ length: 50 }, (_, index) => {
            const stream = (round * 50 + index) * 2 + 1;
            return Buffer.concat([
              headers(stream, requestFields()),
              frame(frameType.reset, 0, stream, Buffer.from([0, 0, 0, 8])),
            ]);
          }),
        ),
    ],
    [
      "CONTINUATION without an end (CVE-2024-27316)",
      20_000,
      (round) =>
        round === 0
          ? frame(frameType.headers, endStream, 1, fieldBlock(requestFields()))
          : frame(frameType.continuation, 0, 1, fieldBlock([[`x-${round}`, "y".repeat(8000)]])),
    ],
    [
      "SETTINGS (CVE-2019-9515)",
      5000,
      () => Buffer.concat(Array.from({ length: 20 }, () => frame(frameType.settings, 0, 0))),
    ],
    [
      "PING (CVE-2019-9512)",
      5000,
      () => Buffer.concat(Array.from({ length: 20 }, () => frame(frameType.ping, 0, 0, Buffer.alloc(8)))),
    ],
    [
      "a head larger than is taken, again and again",
      2000,
      (round) =>
        Buffer.concat([
          headers(round * 2 + 1, requestFields(), endStream),
          ...Array.from({ length: 6 }, (_, index) =>
            frame(
              frameType.continuation,
              index === 5 ? endHeaders : 0,
              round * 2 + 1,
              fieldBlock([[`x-${index}`, "y".repeat(15_000)]]),
            ),
          ),
        ]),
    ],
    [
      "requests that break every rule",
      2000,
      (round) => headers(round * 2 + 1, [...requestFields(), ["Transfer-Encoding", "chunked"]]),
    ],
  ];

  test.each(cases)("%s", async (name, rounds, part) => {
    const client = await open();
    const result = await flood(client, part, rounds);
    expect(result.ended, `${result.rounds} rounds`).toBe(true);
    expect(result.heldBytes).toBeLessThan(mostHeldBytes);
    console.log(
      `${name}: ended after ${result.rounds} of ${rounds} rounds, ${(result.heldBytes / 1024 / 1024).toFixed(1)} MiB held at most`,
    );
    await stillServes();
  });

  test("empty DATA frames, priorities and windows cost no memory (CVE-2019-9518, CVE-2019-9513)", async () => {
    const client = await open();
    client.send(headers(1, requestFields({ ":method": "POST" }), endHeaders));
    const window = Buffer.from([0, 0, 0, 1]);
    const priority = Buffer.from([0, 0, 0, 0, 16]);
    const { heldBytes } = await flood(
      client,
      () =>
        Buffer.concat(
          Array.from({ length: 30 }, () => [
            frame(frameType.data, 0, 1),
            frame(frameType.priority, 0, 3, priority),
            frame(frameType.windowUpdate, 0, 1, window),
          ]).flat(),
        ),
      1000,
    );
    expect(heldBytes).toBeLessThan(mostHeldBytes);
    await stillServes();
  });

  test("behind a frame that is larger than is taken nothing is read any more", async () => {
    const client = await open();
    const before = held();
    client.send(headers(1, [...requestFields(), ["x", "y".repeat(160_000)]]));
    expect(await outcome(client)).toBe("goaway 6");
    // The kernel holds the rest back: it never comes to this process.
    const more = Buffer.alloc(1024 * 1024);
    for (let round = 0; round < 64; round += 1) client.send(more);
    await stillServes();
    expect(client.socket.writableLength).toBeGreaterThan(32 * more.length);
    expect(held() - before - client.socket.writableLength).toBeLessThan(mostHeldBytes);
  });

  test("a client that opens no window holds back what it asked for", async () => {
    const body = "z".repeat(256 * 1024);
    recorder.answer(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    // SETTINGS_INITIAL_WINDOW_SIZE 0 (RFC 9113, section 6.5.2).
    const client = await open(Buffer.from([0, 4, 0, 0, 0, 0]));
    const before = held();
    for (let index = 0; index < 100; index += 1) client.send(headers(index * 2 + 1, requestFields()));
    await expect
      .poll(() => client.frames.filter(({ type }) => type === frameType.headers).length, { timeout: 10_000 })
      .toBe(100);
    expect(client.frames.filter(({ type }) => type === frameType.data)).toEqual([]);
    expect(held() - before).toBeLessThan(mostHeldBytes);
    recorder.forget();
    await stillServes();
  });

  test("more requests at once than the settings allow are refused, and those within are answered", async () => {
    const client = await open();
    await client.next(({ type, flags }) => type === frameType.settings && flags === frameFlag.ack);
    const wanted = 300;
    client.send(...Array.from({ length: wanted }, (_, index) => headers(index * 2 + 1, requestFields())));
    const told = (): Frame[] =>
      client.frames.filter(
        ({ type, stream }) => stream > 0 && (type === frameType.headers || type === frameType.reset),
      );
    await expect.poll(() => new Set(told().map(({ stream }) => stream)).size, { timeout: 10_000 }).toBe(wanted);
    const outcomes = told().map(outcomeOf);
    expect(outcomes.filter((text) => text === "200").length).toBeGreaterThanOrEqual(256);
    // REFUSED_STREAM: it may be asked again (RFC 9113, section 8.7).
    expect(outcomes.filter((text) => text !== "200").every((text) => text === "reset 7")).toBe(true);
  });
});
