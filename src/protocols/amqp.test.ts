/**
 * @module AMQP's probe over a recorded exchange, refusals, strangers' answers and broken frames; a client's header.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, toHex } from "../../test/support/replay.ts";
import { amqp } from "./amqp.ts";
import type { Verdict } from "./protocol.ts";

const start = fromHex(
  readCapture("amqp", "rabbitmq").events.flatMap((event) => (event.kind === "receive" ? [event.bytes] : []))[0]!,
);

function verdictOn(bytes: Uint8Array | string): Verdict {
  return replay(
    amqp,
    recordingOf([
      [">", ""],
      ["<", bytes],
    ]),
  ).verdict;
}

function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = start.slice();
  copy.set(bytes, at);
  return copy;
}

describe("the probe", () => {
  test("RabbitMQ names itself, and is sent nothing more", () => {
    const { verdict, sent } = replay(amqp, readCapture("amqp", "rabbitmq"));
    expect(verdict).toMatchObject({ outcome: "proved", evidence: "connection.start with server properties" });
    expect(verdict).toHaveProperty(
      "facts",
      expect.arrayContaining([
        expect.objectContaining({ name: "protocolVersion", value: "0-9" }),
        expect.objectContaining({ name: "product", value: "RabbitMQ" }),
        expect.objectContaining({ name: "version", value: "3.10.8" }),
        expect.objectContaining({ name: "identity", value: "Erlang/OTP 25.2.3" }),
        expect.objectContaining({ name: "authentication", value: ["AMQPLAIN", "PLAIN"] }),
      ]),
    );
    expect(sent).toEqual(["414d515000000901"]);
  });

  test("the header of another version proves it, our own coming back does not", () => {
    expect(verdictOn("AMQP\0\u0001\0\0")).toMatchObject({ outcome: "proved", facts: [{ value: "1-0" }] });
    expect(verdictOn("AMQP\u0001\u0001\0\u0009")).toMatchObject({ outcome: "proved", facts: [{ value: "1-0-9" }] });
    expect(verdictOn("AMQP\0\0\u0009\u0001").outcome).toBe("other");
  });

  test("a property table that is broken costs its facts, not the verdict", () => {
    const { outcome, ...rest } = verdictOn(changed(30, 0x5a));
    expect(outcome).toBe("proved");
    expect(JSON.stringify(rest)).not.toContain("RabbitMQ");
  });

  test("silence, strangers and broken frames prove nothing", () => {
    expect(replay(amqp, recordingOf([])).verdict.outcome).toBe("silent");
    const broken: (Uint8Array | string)[] = [
      "AMQP is fun",
      "HTTP/1.1 400\r\n\r\n",
      "\u0001\0\0",
      start.subarray(0, -1),
      // Channel, size, class, method, length of the table, end of the frame.
      changed(2, 1),
      changed(3, 255),
      changed(6, 3),
      changed(8, 11),
      changed(10, 50),
      changed(13, 255),
      changed(start.length - 1, 0),
    ];
    for (const bytes of broken) expect(verdictOn(bytes).outcome, toHex(Buffer.from(bytes))).toBe("other");
  });
});

test("a client's header, or a server's in answer to a stranger, matches when it is whole", () => {
  for (const header of ["414d515000000901", "414d515000010000", "414d515003010000"]) {
    expect(amqp.sniff!(fromHex(header), "tcp").verdict).toBe("match");
    expect(amqp.recognise!(fromHex(header))).toBe("match");
    for (let length = 0; length < header.length; length += 2) {
      expect(amqp.sniff!(fromHex(header.slice(0, length)), "tcp").verdict).toBe("more");
    }
  }
  expect(amqp.sniff!(fromHex("414d515120"), "tcp").verdict).toBe("no");
  expect(amqp.sniff!(fromHex("414d515020"), "tcp").verdict).toBe("no");
});
