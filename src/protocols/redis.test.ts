/**
 * @module Redis' probe over recorded visits, its errors, and replies that are not Redis'.
 */
import { describe, expect, test } from "vitest";
import { groupByAnswer, ask, factsOf } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { redis } from "./redis.ts";

function textOf(sent: readonly string[]): readonly string[] {
  return sent.map((hex) => Buffer.from(hex, "hex").toString());
}

describe("a visit", () => {
  test("to an open server: PING, HELLO, QUIT", () => {
    const { verdict, sent } = replay(redis, readCapture("redis", "redis"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "+PONG in answer to PING",
      facts: [
        { name: "product", value: "redis", from: "HELLO reply, field server" },
        { name: "version", value: "7.0.15", from: "HELLO reply, field version" },
        { name: "protocolVersion", value: "RESP2", from: "HELLO reply, field proto" },
        { name: "role", value: "master", from: "HELLO reply, field role" },
        { name: "login", value: "none", from: "PING reply" },
      ],
    });
    expect(textOf(sent)).toEqual(["PING\r\n", "HELLO\r\n", "QUIT\r\n"]);
  });

  test("behind a password HELLO is not sent: it would be refused", () => {
    const { verdict, sent } = replay(redis, readCapture("redis", "redis-password"));
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{ name: "login", value: "required" }] });
    expect(textOf(sent)).toEqual(["PING\r\n", "QUIT\r\n"]);
  });

  test("before version 6 there is no HELLO", () => {
    const { verdict } = ask(redis, [
      "+PONG\r\n",
      "-ERR unknown command 'HELLO', with args beginning with: \r\n",
      "+OK\r\n",
    ]);
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{ name: "login", value: "none" }] });
  });

  test("HELLO may answer with a map, and go on with modules", () => {
    const map =
      "%3\r\n+server\r\n+redis\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*1\r\n%2\r\n$4\r\nname\r\n";
    expect(factsOf(ask(redis, ["+PONG\r\n", map, "+OK\r\n"]).verdict)).toEqual({
      product: "redis",
      status: "sentinel",
      login: "none",
    });
  });
});

test.each([
  ["-NOAUTH Authentication required.\r\n", { login: "required" }],
  ["-DENIED Redis is running in protected mode because\r\n", { status: "protected mode: only loopback is let in" }],
  ["-LOADING Redis is loading the dataset in memory\r\n", {}],
  ["-MASTERDOWN Link with MASTER is down\r\n", {}],
  ["-BUSY Redis is busy running a script.\r\n", {}],
])("%s proves it too", (line, facts) => {
  const { verdict } = ask(redis, [line]);
  expect([verdict.outcome, factsOf(verdict)]).toEqual(["proved", facts]);
});

test.each([
  ["PONG\r\n", "other"],
  ["+PONG!\r\n", "other"],
  ["-ERR unknown command\r\n", "other"],
  ["-NOAUTHx\r\n", "other"],
  ["HTTP/1.1 400 Bad Request\r\n\r\n", "other"],
  ["\r\n", "other"],
  ["A".repeat(100_000), "other"],
  ["\u001b[31m\0\u00ff\r\n", "other"],
])("%s proves nothing", (reply, outcome) => {
  expect(ask(redis, [reply])).toMatchObject({ verdict: { outcome }, sent: ["PING\r\n"] });
});

test("silence is silence, and a HELLO that lies about its length stays without facts", () => {
  expect(ask(redis, []).verdict.outcome).toBe("silent");
  for (const lie of [
    "*2\r\n$99999\r\nserver\r\n",
    "*2\r\n$-1\r\n",
    "*999\r\n",
    "$5\r\nredis\r\n",
    "*2\r\n:1\r\n$x\r\n",
  ]) {
    expect([lie, factsOf(ask(redis, ["+PONG\r\n", lie, "+OK\r\n"]).verdict)]).toEqual([lie, { login: "none" }]);
  }
});

test("recognises its complaints about other hellos, and clients by their arrays, people by what they type", () => {
  const greetings = {
    match: ["-ERR wrong number of arguments for 'get' command\r\n", "-ERR unknown command"],
    more: ["-ERR", ""],
    no: ["-ERR no such user\r\n", "+OK\r\n", "HTTP/1.1"],
  };
  expect(groupByAnswer(redis.recognise!, greetings)).toEqual(greetings);
  const hellos = {
    match: [
      "*1\r\n$4\r\nPING\r\n",
      "*2\r\n$",
      "PING\r\n",
      "ping\n",
      "HELLO 3 AUTH a b\r\n",
      "AUTH secret\r\n",
      "INFO server\r\n",
    ],
    more: ["*1", "*", "", "P", "PING", "PING\r", "AUTH ", "INFO serv"],
    no: [
      "*0\r\n",
      "*1\r\n:",
      "GET / ",
      "PINGS",
      "PING /\n",
      "AUTH TLS\r\n",
      "INFO sip:a@b SIP/2.0\r\n",
      "EHLO a\r\n",
      "A\u0000",
    ],
  };
  expect(groupByAnswer(redis.sniff!, hellos)).toEqual(hellos);
});
