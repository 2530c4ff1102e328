/**
 * @module NATS' probe over recorded greetings and over INFO lines that are not NATS'.
 */
import { describe, expect, test } from "vitest";
import { ask, factsOf, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { nats } from "./nats.ts";

function info(fields: Readonly<Record<string, unknown>>): string {
  return `INFO ${JSON.stringify(fields)} \r\n`;
}

describe("the greeting of a real server", () => {
  test("proves it, and nothing is sent", () => {
    const { verdict, sent } = replay(nats, readCapture("nats", "nats"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "INFO line with the fields of NATS",
      facts: [
        { name: "product", value: "NATS", from: "INFO" },
        { name: "version", value: "2.9.10", from: "INFO, field version" },
        { name: "protocolVersion", value: "1", from: "INFO, field proto" },
      ],
    });
    expect(sent).toEqual([]);
  });

  test("says when a login is required", () => {
    expect(factsOf(replay(nats, readCapture("nats", "nats-password")).verdict)).toMatchObject({ login: "required" });
  });

  test("says when TLS is required, whose handshake is then finished", () => {
    const capture = readCapture("nats", "nats-tls");
    expect(factsOf(replay(nats, capture).verdict)).toMatchObject({ startTls: "required" });
    expect(capture.events.map(({ kind }) => kind)).toEqual(["receive", "startTls"]);
    // One step for the greeting, one for the handshake; inside TLS there is none to finish.
    expect(replay(nats, capture).steps - replay(nats, readCapture("nats", "nats")).steps).toBe(1);
    const tls = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: null, certificate: null };
    expect(replay(nats, { ...capture, tls }).steps).toBe(replay(nats, readCapture("nats", "nats")).steps);
    const failed = { kind: "startTls", tls: { failed: "reset" } } as const;
    expect(replay(nats, { ...capture, events: [capture.events[0]!, failed] }).verdict.outcome).toBe("proved");
  });
});

test("may offer TLS, and name a cluster", () => {
  const fields = { server_id: "N", max_payload: 1, tls_available: true, cluster: "east" };
  expect(ask(nats, [info(fields)]).verdict).toMatchObject({
    facts: [
      { name: "product" },
      { name: "startTls", value: "offered", from: "INFO, field tls_available" },
      { name: "role", value: "in cluster east" },
    ],
  });
});

test("fields of a wrong kind are not stated", () => {
  const fields = { server_id: "N", version: 7, proto: "1", auth_required: "yes", tls_required: 1, cluster: null };
  expect(factsOf(ask(nats, [info(fields)]).verdict)).toEqual({ product: "NATS" });
});

test.each([
  ["an object without its fields", info({ server: "x" }), "suggested"],
  ["a list", "INFO [1]\r\n", "other"],
  ["no JSON", "INFO {server_id}\r\n", "other"],
  ["nested without end", `INFO ${'{"a":'.repeat(5000)}\r\n`, "other"],
  ["no line end", `INFO {"server_id":"${"A".repeat(100_000)}`, "other"],
  ["another protocol", "220 INFO\r\n", "other"],
  ["hostile bytes", "INFO \u001b[31m\0\u00ff\r\n", "other"],
])("%s is no proof", (_name, greeting, outcome) => {
  expect(ask(nats, [greeting]).verdict.outcome).toBe(outcome);
});

test("silence is silence; recognises INFO, and clients by CONNECT with an object", () => {
  expect(ask(nats, []).verdict.outcome).toBe("silent");
  const greetings = { match: ["INFO {"], more: ["INF", ""], no: ["INFO x", "+OK"] };
  expect(groupByAnswer(nats.recognise!, greetings)).toEqual(greetings);
  const hellos = { match: ['CONNECT {"verbose":false'], more: ["CONNECT ", ""], no: ["CONNECT host:443 HTTP/1.1"] };
  expect(groupByAnswer(nats.sniff!, hellos)).toEqual(hellos);
});
