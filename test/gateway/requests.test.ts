/**
 * @module Raw requests through the gateway: what it passes on, what it refuses, what it makes plain, and that nothing ever reaches a
 * server that the gateway framed in another way than it.
 *
 * A request that is passed on is followed by another on the same connection: its answer proves that both ends agree where the first ended.
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
  type WireMessage,
} from "../support/gateway.ts";
import { brokenBodies, passedCases, refusedCases } from "./request-cases.ts";

let gateway: TestGateway;
let one: Recorder;
let two: Recorder;

beforeAll(async () => {
  one = await startRecorder();
  two = await startRecorder();
  gateway = await startGateway([routeOf("one", String(one.port)), routeOf("two", `127.0.0.1:${two.port}`)]);
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

/** Requests that reached a server: its name, the request line without version, and the body. */
function reached(): string[] {
  const tell = (name: string, { start, body }: WireMessage): string =>
    `${name} ${start.replace(/ HTTP\/1\.1$/, "")}${body === "" ? "" : ` ${body.length > 60 ? `${body.length} bytes` : body}`}`;
  return [
    ...one.requests.map((request) => tell("one", request)),
    ...two.requests.map((request) => tell("two", request)),
  ];
}

const last = "GET /last HTTP/1.1\r\nHost: two.localhost\r\n\r\n";

describe("passed on", () => {
  test.each(passedCases)(
    "$name",
    async ({ bytes, methods = ["GET"], reaches, closes = false, fields = [], absent = [], trailers, answered }) => {
      const wanted = methods.length + (closes ? 0 : 1);
      const { answers, closed } = await converse(gateway.port, closes ? bytes : bytes + last, {
        answers: wanted,
        methods,
      });
      const final = answers.filter(({ start }) => !start.startsWith("HTTP/1.1 1"));
      expect(final.map(statusOf)).toEqual(answered ?? Array.from({ length: wanted }, () => 200));
      if (closes) expect(closed || final.length === wanted).toBe(true);
      expect(reached().toSorted()).toEqual([...reaches, ...(closes ? [] : ["two GET /last"])].toSorted());
      const [first] = [...one.requests, ...two.requests];
      const written = first?.fields.map(([name, value]) => `${name}: ${value}`) ?? [];
      // Names mean the same in capitals and in small letters.
      const plain = (field: string): string => field.replace(/^[^:]*/, (name) => name.toLowerCase());
      for (const field of fields) expect(written.map(plain)).toContain(plain(field));
      for (const name of absent)
        expect(written.filter((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))).toEqual([]);
      if (trailers !== undefined) expect(first?.trailers.map(([name, value]) => `${name}: ${value}`)).toEqual(trailers);
      // Whatever was asked, what a server gets has one meaning.
      for (const request of [...one.requests, ...two.requests]) {
        const names = request.fields.map(([name]) => name.toLowerCase());
        expect(names.filter((name) => name === "host")).toHaveLength(1);
        expect(names.filter((name) => name === "content-length" || name === "transfer-encoding").length).toBeLessThan(
          2,
        );
      }
      expect([...one.unfinished(), ...two.unfinished()]).toEqual([]);
    },
  );
});

describe("refused", () => {
  test.each(refusedCases)("$name", async ({ bytes, status, reaches = [], endAfter = false }) => {
    // What stands behind a refused request is nobody's: it must not be answered.
    const { answers, closed } = await converse(gateway.port, bytes + (endAfter ? "" : last), { answers: 9, endAfter });
    expect(closed).toBe(true);
    const expected = Array.isArray(status) ? status : [status];
    expect(expected).toContain(answers.length === 0 ? null : statusOf(answers.at(-1)!));
    // What came before it is answered as ever.
    expect(answers.slice(0, -1).map(statusOf)).toEqual(reaches.map(() => 200));
    expect(reached()).toEqual(reaches);
  });
});

describe("broken on the way", () => {
  test.each(brokenBodies)("$name", async ({ bytes, endAfter = false }) => {
    const { answers, closed } = await converse(gateway.port, bytes + (endAfter ? "" : last), { answers: 9, endAfter });
    expect(closed).toBe(true);
    // The server may have answered before the mistake came; nothing behind the mistake is answered.
    expect(answers.length).toBeLessThanOrEqual(1);
    if (answers.length === 1) expect([400, 413, 431]).toContain(statusOf(answers[0]!));
    expect(two.requests).toEqual([]);
    expect(one.requests).toEqual([]);
  });

  test("a body that ends too early is not passed on as if it were whole", async () => {
    const head = "POST / HTTP/1.1\r\nHost: one.localhost\r\nContent-Length: 10\r\n\r\nhello";
    const { answers } = await converse(gateway.port, head, { answers: 9, endAfter: true });
    expect(answers.map(statusOf).filter((status) => status < 400)).toEqual([]);
    expect(one.requests).toEqual([]);
  });

  test("chunks that end too early are not passed on as if they were whole", async () => {
    const head = "POST / HTTP/1.1\r\nHost: one.localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    const { answers } = await converse(gateway.port, head, { answers: 9, endAfter: true });
    expect(answers.map(statusOf).filter((status) => status < 400)).toEqual([]);
    expect(one.requests).toEqual([]);
  });
});
