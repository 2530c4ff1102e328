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
import { brokenAnswers, brokenHeads, wholeAnswers } from "./response-cases.ts";

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

/** A request behind it on the same connection: its answer is its own, whatever the first one's server said too much. */
const last = "GET /last HTTP/1.1\r\nHost: two.localhost\r\n\r\n";

const ok = "HTTP/1.1 200 OK\r\n";

describe("answers that are whole", () => {
  test.each(wholeAnswers)(
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

describe("answers that are none", () => {
  test.each(brokenHeads)("$name", async ({ bytes, end }) => {
    one.answer(bytes, end);
    const asked = "GET / HTTP/1.1\r\nHost: one.localhost\r\n\r\n";
    const { answers } = await converse(gateway.port, asked + last, { answers: 2 });
    expect(answers.map(statusOf)).toEqual([502, 200]);
    expect(answers[0]!.body).toContain("gave no proper answer");
  });
});

describe("answers that break off", () => {
  test.each(brokenAnswers)("$name: the client can tell", async ({ bytes }) => {
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
