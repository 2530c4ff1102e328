/**
 * @module memcached's probe over recorded answers, over TCP and in UDP's frames, and over answers that are not ours.
 */
import { describe, expect, test } from "vitest";
import { ask, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay, seededRandom } from "../../test/support/replay.ts";
import { memcached } from "./memcached.ts";

const facts = [
  { name: "product", value: "memcached", from: "VERSION reply" },
  { name: "version", value: "1.6.18", from: "VERSION reply" },
];

describe("over TCP", () => {
  test("version, and leave", () => {
    const { verdict, sent } = replay(memcached, readCapture("memcached", "memcached"));
    expect(verdict).toEqual({ outcome: "proved", evidence: "VERSION in answer to version", facts });
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["version\r\n", "quit\r\n"]);
  });

  test.each([
    "ERROR\r\n",
    "VERSION\r\n",
    "VERSION one\r\n",
    "VERSION 1.6\u001b[31m\r\n",
    "version 1.6.18\r\n",
    "HTTP/1.1 400 Bad Request\r\n",
    "\r\n",
    "VERSION 1.".padEnd(100_000, "6"),
  ])("%j proves nothing", (reply) => {
    expect(ask(memcached, [reply])).toMatchObject({ verdict: { outcome: "other" }, sent: ["version\r\n"] });
  });

  test("silence is silence", () => {
    expect(ask(memcached, []).verdict.outcome).toBe("silent");
  });
});

describe("over UDP", () => {
  const id = Buffer.from(seededRandom(1)(2)).toString("latin1");
  const reply = `${id}\0\0\0\u0001\0\0VERSION 1.6.18\r\n`;
  const udp = { transport: "udp" } as const;

  test("in a frame with our number", () => {
    const { verdict, sent } = replay(memcached, readCapture("memcached", "memcached-udp"));
    expect(verdict).toEqual({ outcome: "proved", evidence: "VERSION in a frame with our request id", facts });
    expect(sent).toHaveLength(1);
    expect(ask(memcached, [reply], udp)).toMatchObject({
      verdict: { outcome: "proved" },
      sent: [`${id}\0\0\0\u0001\0\0version\r\n`],
    });
  });

  test.each([
    ["another number", `${String.fromCharCode(id.charCodeAt(0) ^ 1)}${reply.slice(1)}`],
    ["one of several datagrams", `${id}\0\0\0\u0002\0\0VERSION 1.6.18\r\n`],
    ["no frame", "VERSION 1.6.18\r\n"],
    ["an empty frame", `${id}\0\0\0\u0001\0\0`],
    ["too much", reply.padEnd(60_000, "A")],
  ])("%s proves nothing", (_name, datagram) => {
    expect(ask(memcached, [datagram], udp).verdict.outcome).toBe("other");
  });
});

test("recognises its complaint, and clients by their verbs", () => {
  const greetings = { match: ["ERROR\r\n", "VERSION 1"], more: ["ERR", "VERS", ""], no: ["ERROR: x", "-ERR", "HTTP"] };
  expect(groupByAnswer(memcached.recognise!, greetings)).toEqual(greetings);
  const hellos = {
    match: ["get key\r\n", "set a 0 0 1\r\n", "version\r\n", "\u0080\u0000"],
    more: ["ge", "\u0080", ""],
    no: ["GET / HTTP/1.1", "\u0080\u00ff", "getting"],
  };
  expect(groupByAnswer(memcached.sniff!, hellos)).toEqual(hellos);
  const frame = "\u0001\u0002\0\0\0\u0001\0\0";
  const datagrams = { match: [`${frame}get x\r\n`], more: [], no: ["get x\r\n", frame, `${frame}ge`, `${frame}hello`] };
  expect(groupByAnswer(memcached.sniff!, datagrams, "udp")).toEqual(datagrams);
});
