/**
 * @module Raw answers of servers through the gateway: what a client gets of them, and that no byte of one answer ever becomes another's.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  converse,
  routeOf,
  startGateway,
  startRecorder,
  statusOf,
  type Recorder,
  type TestGateway,
} from "../support/gateway.ts";

let gateway: TestGateway;
let one: Recorder;
let two: Recorder;

beforeAll(async () => {
  one = await startRecorder();
  two = await startRecorder();
  gateway = await startGateway([routeOf("one", String(one.port)), routeOf("two", String(two.port))]);
});

beforeEach(() => {
  one.forget();
  two.forget();
});

afterAll(async () => {
  await gateway.close();
  one.close();
  two.close();
});

interface AnswerCase {
  readonly name: string;
  readonly bytes: string;
  readonly method?: string;
  /** The server closes the connection behind it. */
  readonly end?: boolean;
  readonly status: number;
  readonly body?: string;
  readonly fields?: readonly string[];
  readonly absent?: readonly string[];
  readonly interim?: readonly number[];
  readonly trailers?: readonly string[];
}

const ok = "HTTP/1.1 200 OK\r\n";

const wholeCases: readonly AnswerCase[] = [
  { name: "a length", bytes: `${ok}Content-Length: 5\r\n\r\nhello`, status: 200, body: "hello" },
  {
    name: "chunks",
    bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`,
    status: 200,
    body: "hello",
  },
  {
    name: "chunks with extensions",
    bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n`,
    status: 200,
    body: "hello",
  },
  { name: "until the connection ends", bytes: `${ok}\r\nhello`, end: true, status: 200, body: "hello" },
  { name: "HTTP/1.0", bytes: "HTTP/1.0 200 OK\r\n\r\nhello", end: true, status: 200, body: "hello" },
  {
    name: "HTTP/1.0 with a length",
    bytes: "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    status: 200,
    body: "hello",
    end: true,
  },
  { name: "nothing by a length", bytes: `${ok}Content-Length: 0\r\n\r\n`, status: 200, body: "" },
  { name: "204", bytes: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: "" },
  {
    name: "304 with the length that there would be",
    bytes: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: x\r\n\r\n",
    status: 304,
    body: "",
    fields: ["etag: x"],
  },
  {
    name: "HEAD with a length",
    bytes: `${ok}Content-Length: 5\r\n\r\n`,
    method: "HEAD",
    status: 200,
    body: "",
    fields: ["content-length: 5"],
  },
  { name: "HEAD with chunks", bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n`, method: "HEAD", status: 200, body: "" },
  {
    name: "a later version's number is made plain",
    bytes: "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    status: 200,
  },
  { name: "404", bytes: "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", status: 404 },
  { name: "500", bytes: "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", status: 500 },
  { name: "a status that there is not", bytes: "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", status: 799 },
  { name: "no reason", bytes: "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", status: 200 },
  {
    name: "a redirection stays as it is",
    bytes: "HTTP/1.1 302 Found\r\nLocation: http://one.localhost/x\r\nContent-Length: 0\r\n\r\n",
    status: 302,
    fields: ["location: http://one.localhost/x"],
  },
  {
    name: "several cookies",
    bytes: `${ok}Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    fields: ["set-cookie: a=1", "set-cookie: b=2"],
  },
  {
    name: "values with letters beyond ASCII",
    bytes: `${ok}X-Name: caf\u00e9\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    fields: ["x-name: caf\u00e9"],
  },
  {
    name: "the server's date",
    bytes: `${ok}Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    fields: ["date: Thu, 01 Jan 1970 00:00:00 GMT"],
  },
  {
    name: "Connection and what it names end here",
    bytes: `${ok}Connection: X-Own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    absent: ["x-own"],
  },
  {
    name: "Connection: close is between the server and the gateway",
    bytes: `${ok}Connection: close\r\nContent-Length: 5\r\n\r\nhello`,
    end: true,
    status: 200,
    body: "hello",
  },
  {
    name: "Proxy-Connection ends here",
    bytes: `${ok}Proxy-Connection: close\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    absent: ["proxy-connection"],
  },
  {
    name: "an offer of another protocol ends here",
    bytes: `${ok}Upgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 0\r\n\r\n`,
    status: 200,
    absent: ["upgrade"],
  },
  {
    name: "trailers",
    bytes: `${ok}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n`,
    status: 200,
    body: "hello",
    trailers: ["X-Sum: 42"],
  },
  { name: "100 first", bytes: `HTTP/1.1 100 Continue\r\n\r\n${ok}Content-Length: 0\r\n\r\n`, status: 200 },
  {
    name: "102 first",
    bytes: `HTTP/1.1 102 Processing\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    status: 200,
    interim: [102],
  },
  {
    name: "103 first",
    bytes: `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok}Content-Length: 0\r\n\r\n`,
    status: 200,
    interim: [103],
  },
  {
    name: "a megabyte",
    bytes: `${ok}Content-Length: 1048576\r\n\r\n${"z".repeat(1_048_576)}`,
    status: 200,
    body: "z".repeat(1_048_576),
  },
  {
    name: "a compressed body is not touched",
    bytes: `${ok}Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\n\x1f\x8b\x08\x00\xff`,
    status: 200,
    body: "\x1f\x8b\x08\x00\xff",
    fields: ["content-encoding: gzip"],
  },
];

/** A request behind it on the same connection: its answer is its own, whatever the first one's server said too much. */
const last = "GET /last HTTP/1.1\r\nHost: two.localhost\r\n\r\n";

describe("answers that are whole", () => {
  test.each(wholeCases)(
    "$name",
    async ({
      bytes,
      method = "GET",
      end,
      status,
      body = "",
      fields = [],
      absent = [],
      interim = [],
      trailers = [],
    }) => {
      one.answer(bytes, end);
      const asked = `${method} / HTTP/1.1\r\nHost: one.localhost\r\n\r\n`;
      const { answers } = await converse(gateway.port, asked + last, { answers: 2, methods: [method, "GET"] });
      const informed = answers.filter(({ start }) => start.startsWith("HTTP/1.1 1"));
      const [first, second] = answers.filter(({ start }) => !start.startsWith("HTTP/1.1 1"));
      expect(informed.map(statusOf).filter((code) => code !== 100)).toEqual(interim);
      expect(statusOf(first!)).toBe(status);
      expect(first!.body).toBe(body);
      const written = first!.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`);
      for (const field of fields) expect(written).toContain(field);
      for (const name of absent) expect(written.filter((field) => field.startsWith(`${name}:`))).toEqual([]);
      expect(first!.trailers.map(([name, value]) => `${name}: ${value}`)).toEqual(trailers);
      expect([statusOf(second!), second!.body]).toEqual([200, "ok"]);
    },
  );
});

const brokenHeads: readonly { readonly name: string; readonly bytes: string; readonly end?: boolean }[] = [
  { name: "no HTTP", bytes: "hello\r\n\r\n", end: true },
  { name: "another protocol", bytes: "SSH-2.0-OpenSSH_9.2\r\n", end: true },
  { name: "nothing", bytes: "", end: true },
  { name: "half a head", bytes: "HTTP/1.1 200 OK\r\nContent-Le", end: true },
  { name: "a status of two digits", bytes: "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", end: true },
  { name: "a status of letters", bytes: "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n", end: true },
  { name: "a negative length", bytes: `${ok}Content-Length: -1\r\n\r\n`, end: true },
  { name: "two lengths", bytes: `${ok}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`, end: true },
  { name: "two lengths in one field", bytes: `${ok}Content-Length: 5, 5\r\n\r\nhello`, end: true },
  { name: "a length that is none", bytes: `${ok}Content-Length: x\r\n\r\nhello`, end: true },
  { name: "a NUL in a value", bytes: `${ok}X-A: a\0b\r\nContent-Length: 0\r\n\r\n`, end: true },
  { name: "a blank in a name", bytes: `${ok}X A: b\r\nContent-Length: 0\r\n\r\n`, end: true },
  {
    name: "another protocol that nobody asked for",
    bytes: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    end: true,
  },
  { name: "300 kB of head", bytes: `${ok}X-A: ${"a".repeat(300_000)}\r\nContent-Length: 0\r\n\r\n`, end: true },
];

describe("answers that are none", () => {
  test.each(brokenHeads)("$name", async ({ bytes, end }) => {
    one.answer(bytes, end);
    const asked = "GET / HTTP/1.1\r\nHost: one.localhost\r\n\r\n";
    const { answers } = await converse(gateway.port, asked + last, { answers: 2 });
    expect(answers.map(statusOf)).toEqual([502, 200]);
    expect(answers[0]!.body).toContain("gave no proper answer");
  });
});

const broken: readonly { readonly name: string; readonly bytes: string }[] = [
  { name: "a body that is shorter than it says", bytes: `${ok}Content-Length: 10\r\n\r\nhello` },
  { name: "chunks that end too early", bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n` },
  { name: "a chunk that is none", bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nG\r\n` },
  {
    name: "a chunk that is longer than it says",
    bytes: `${ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhelloworld\r\n0\r\n\r\n`,
  },
];

describe("answers that break off", () => {
  test.each(broken)("$name: the client can tell", async ({ bytes }) => {
    one.answer(bytes, true);
    const asked = "GET / HTTP/1.1\r\nHost: one.localhost\r\n\r\n";
    const { answers, closed } = await converse(gateway.port, asked, { answers: 1 });
    // No whole answer: the connection ends before the length is reached, or before the last chunk; or the gateway says so.
    expect(closed || statusOf(answers[0]!) === 502).toBe(true);
    expect(answers.filter((answer) => statusOf(answer) === 200)).toEqual([]);
  });

  test("what stands behind an answer is nobody's", async () => {
    one.answer(`${ok}Content-Length: 5\r\n\r\nhello${ok}Content-Length: 6\r\n\r\nforged`);
    const asked = "GET / HTTP/1.1\r\nHost: one.localhost\r\n\r\n";
    const first = await converse(gateway.port, asked, { answers: 1 });
    expect(first.answers.map(({ body }) => body)).toEqual(["hello"]);
    one.forget();
    for (let round = 0; round < 5; round += 1) {
      const { answers } = await converse(gateway.port, asked + asked, { answers: 2 });
      expect(answers.map(({ body }) => body)).toEqual(["ok", "ok"]);
    }
  });
});
