/**
 * @module MongoDB's probe over exchanges written from the specification, strangers' answers and broken documents; a client's message.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, seededRandom, toHex } from "../../test/support/replay.ts";
import { mongodb } from "./mongodb.ts";
import type { Verdict } from "./protocol.ts";

const [low, middle, high] = seededRandom(1)(3);
const requestId = low! | (middle! << 8) | (high! << 16);

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** Elements of a BSON document. */
const element = {
  int32: (name: string, value: number) => Buffer.concat([Buffer.from(`\u0010${name}\0`), number32(value)]),
  text: (name: string, value: string) =>
    Buffer.concat([Buffer.from(`\u0002${name}\0`), number32(Buffer.byteLength(value) + 1), Buffer.from(`${value}\0`)]),
  binary: (name: string, value: Buffer) =>
    Buffer.concat([Buffer.from(`\u0005${name}\0`), number32(value.length), Buffer.of(0), value]),
  document: (name: string, ...parts: Buffer[]) => Buffer.concat([Buffer.from(`\u0003${name}\0`), document(...parts)]),
  flag: (name: string, value: boolean) => Buffer.concat([Buffer.from(`\u0008${name}\0`), Buffer.of(value ? 1 : 0)]),
  double: (name: string) => Buffer.concat([Buffer.from(`\u0001${name}\0`), Buffer.from("000000000000f03f", "hex")]),
};

function document(...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([number32(body.length + 5), body, Buffer.of(0)]);
}

/** An OP_MSG in answer to a request. */
function answer(responseTo: number, content: Buffer, code = 2013): Buffer {
  const head = [number32(21 + content.length), number32(7), number32(responseTo), number32(code), number32(0)];
  return Buffer.concat([...head, Buffer.of(0), content]);
}

function verdictOn(hello: Uint8Array, build?: Uint8Array): Verdict {
  const lines = [[">", ""] as const, ["<", hello] as const];
  const more = build === undefined ? [] : [[">", ""] as const, ["<", build] as const];
  return replay(mongodb, recordingOf([...lines, ...more], { after: "ended" })).verdict;
}

const hello = document(
  element.flag("isWritablePrimary", true),
  element.document("topologyVersion", element.int32("counter", 0)),
  element.binary("signature", Buffer.of(1, 2, 3)),
  element.text("setName", "rs0"),
  element.int32("maxWireVersion", 21),
  element.double("ok"),
);

describe("the probe", () => {
  test("hello proves it, buildInfo gives the version", () => {
    const build = answer(requestId + 1, document(element.text("version", "7.0.5"), element.double("ok")));
    expect(verdictOn(answer(requestId, hello), build)).toEqual({
      outcome: "proved",
      evidence: "answer to hello with our request id and maxWireVersion",
      facts: [
        { name: "protocolVersion", value: "wire version 21", from: "hello, maxWireVersion" },
        { name: "role", value: "in replica set rs0", from: "hello, setName" },
        { name: "version", value: "7.0.5", from: "buildInfo, version" },
      ],
    });
    expect(verdictOn(answer(requestId, hello))).toMatchObject({ outcome: "proved", facts: [{}, {}] });
    // The answer to another question is none.
    expect(
      verdictOn(answer(requestId, hello), answer(requestId, document(element.text("version", "9")))),
    ).toMatchObject({
      facts: [{}, {}],
    });
  });

  test("the whole exchange, as recorded from the specification", () => {
    const capture = readCapture("mongodb", "specification");
    const { verdict, sent } = replay(mongodb, capture);
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{}, { name: "version", value: "7.0.5" }] });
    expect(sent).toEqual(capture.events.flatMap((event) => (event.kind === "send" ? [event.bytes] : [])));
  });

  test("the message is what the specification says", () => {
    const { sent } = replay(mongodb, recordingOf([]));
    const question = document(element.int32("hello", 1), element.text("$db", "admin"));
    const expected = answer(0, question);
    expected.writeInt32LE(requestId, 4);
    expect(sent).toEqual([toHex(expected)]);
  });

  test("an answer without maxWireVersion is only a hint", () => {
    expect(verdictOn(answer(requestId, document(element.double("ok")))).outcome).toBe("suggested");
  });

  test("silence, another's answer, strangers and broken documents prove nothing", () => {
    expect(replay(mongodb, recordingOf([])).verdict.outcome).toBe("silent");
    const short = Buffer.concat([number32(1000), element.int32("maxWireVersion", 21)]);
    const strangers = [
      answer(requestId + 1, hello),
      answer(requestId, hello, 1),
      answer(requestId, hello).subarray(0, -1),
      answer(requestId, short),
      Buffer.from("HTTP/1.0 200 OK\r\n\r\nIt looks like you are trying to access MongoDB over HTTP\r\n"),
      Buffer.from("SSH-2.0-x\r\n"),
    ];
    for (const bytes of strangers) expect(verdictOn(bytes).outcome, toHex(bytes)).toBe("other");
    // Lengths that lie: negative, too long; kinds that do not exist; a name that never ends.
    const lies = [
      Buffer.concat([Buffer.from("\u0002a\0"), number32(-1)]),
      Buffer.concat([Buffer.from("\u0003a\0"), number32(0x7fffffff)]),
      Buffer.concat([Buffer.from("\u0005a\0"), number32(-9)]),
      Buffer.from("\u0042a\0maxWireVersion\0"),
      Buffer.from("\u0010maxWireVersion"),
    ];
    for (const lie of lies) {
      const bytes = document(lie, element.int32("maxWireVersion", 21));
      expect(verdictOn(answer(requestId, bytes)).outcome, toHex(lie)).not.toBe("proved");
    }
  });
});

test("a client's first message matches, others do not", () => {
  const sniff = (bytes: Uint8Array): string => mongodb.sniff!(bytes, "tcp").verdict;
  const first = answer(0, document(element.int32("hello", 1)));
  expect(sniff(first)).toBe("match");
  expect(sniff(answer(0, document(element.int32("isMaster", 1)), 2004))).toBe("match");
  expect(sniff(first.subarray(0, 15))).toBe("more");
  expect(sniff(answer(3, document()))).toBe("no");
  for (const hex of [
    "474554",
    "0f00",
    "3d000001",
    "3d0000000000000001",
    "3d00000000000000000000000e",
    "3d0000000000000000000000dd08",
  ])
    expect(sniff(fromHex(hex)), hex).toBe("no");
});
