/**
 * @module PostgreSQL's probe over recorded exchanges, refusals, strangers' answers and broken messages; a client's first message.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, type Recording } from "../../test/support/replay.ts";
import { postgresql } from "./postgresql.ts";
import type { Verdict } from "./protocol.ts";

/** The verdict on answers to SSLRequest and, inside or outside of TLS, to the StartupMessage. */
function verdictOn(consent: string, start: string | null = null, after: Recording["after"] = "ended"): Verdict {
  const lines = [[">", ""] as const, ["<", consent] as const];
  const more = start === null ? [] : ([[">", ""] as const, ["<", start] as const] as const);
  return replay(postgresql, recordingOf([...lines, ...more], { after })).verdict;
}

/** A message with its length. */
function message(type: string, body: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length + 4);
  return `${type}${length.toString("latin1")}${body}`;
}

const negotiation = message("v", "\0\u0003\0\0\0\0\0\0");
const wantsPassword = message("R", "\0\0\0\u0003");
const noEntry = message("E", "SFATAL\0VFATAL\0C28000\0Mno pg_hba.conf entry for host\0\0");

describe("the probe", () => {
  test("inside TLS, to the end of the handshake and on", () => {
    const { verdict, sent } = replay(postgresql, readCapture("postgresql", "scram-tls"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "NegotiateProtocolVersion and Authentication in answer to protocol 3.9999",
      facts: [
        { name: "startTls", value: "offered", from: "answer to SSLRequest" },
        { name: "protocolVersion", value: "3.0", from: "NegotiateProtocolVersion" },
        { name: "login", value: "required", from: "Authentication message" },
        {
          name: "authentication",
          value: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"],
          from: "Authentication message",
        },
      ],
    });
    // Nothing is sent once a credential is wanted.
    expect(sent).toHaveLength(2);
  });

  test("without TLS on the same connection", () => {
    const { verdict, sent } = replay(postgresql, readCapture("postgresql", "scram-plain"));
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{ name: "startTls", value: "refused" }, {}, {}, {}] });
    expect(sent).toHaveLength(2);
  });

  test("whom everybody may enter says its version, and is left politely", () => {
    const { verdict, sent } = replay(postgresql, readCapture("postgresql", "trust"));
    expect(verdict).toMatchObject({ outcome: "proved" });
    expect(verdict).toHaveProperty(
      "facts",
      expect.arrayContaining([
        { name: "login", value: "none", from: "Authentication message" },
        { name: "version", value: "15.18", from: "ParameterStatus server_version" },
      ]),
    );
    expect(sent.at(-1)).toBe("5800000004");
  });

  test("errors with a SQLSTATE prove it", () => {
    expect(replay(postgresql, readCapture("postgresql", "trust-unknown-role")).verdict).toMatchObject({
      outcome: "proved",
      evidence: "error with SQLSTATE 28000",
    });
    const status = { name: "status", value: "28000: no pg_hba.conf entry for host", from: "ErrorResponse" };
    expect(verdictOn("N", noEntry)).toMatchObject({ outcome: "proved", facts: [{}, status] });
    expect(verdictOn(noEntry)).toMatchObject({ outcome: "proved", facts: [status] });
  });

  test("a letter alone, or a demand for a password alone, is only a hint", () => {
    expect(verdictOn("N").outcome).toBe("suggested");
    expect(verdictOn("N", null, "silent").outcome).toBe("suggested");
    expect(verdictOn("S").outcome).toBe("suggested");
    expect(verdictOn("N", wantsPassword).outcome).toBe("suggested");
    expect(verdictOn("N", negotiation + wantsPassword).outcome).toBe("proved");
  });

  test("silence and a closed connection", () => {
    expect(replay(postgresql, recordingOf([])).verdict.outcome).toBe("silent");
    expect(replay(postgresql, recordingOf([], { after: "reset" })).verdict.outcome).toBe("silent");
  });

  test("strangers and broken messages prove nothing", () => {
    for (const text of [
      "SSH-2.0-x\r\n",
      "NOTICE AUTH\r\n",
      "ERR unknown\r\n",
      "HTTP/1.1 400\r\n\r\n",
      "E",
      "\0\0\0\u0008",
    ]) {
      expect(verdictOn(text).outcome, text).toBe("other");
    }
    expect(replay(postgresql, recordingOf([["<", "S"]])).verdict.outcome).toBe("suggested");
    const broken = [
      "OTICE AUTH\r\n",
      message("E", "SFATAL\0Mno code\0\0"),
      message("E", "SFATAL\0C28000\0Mno end"),
      message("E", "SFATAL\0Clower\0Mx\0\0"),
      message("v", "\0\u0003\u0027\u000f\0\0\0\0") + wantsPassword,
      message("v", "\0\u0003\0\0\0\0\0\u0001") + wantsPassword,
      negotiation,
      negotiation + negotiation + wantsPassword,
      negotiation + message("R", "\0\0\0\u000bx"),
      negotiation + message("R", "\0\0\0\u000aBAD NAME\0\0"),
      "R\u7fff\0\0\0",
      "v\0\0\0\0",
    ];
    for (const text of broken) {
      const { outcome } = verdictOn("N", text);
      expect([text, outcome]).toEqual([text, "other"]);
    }
  });

  test("a server that never comes to the point is left", () => {
    const notices = message("N", "SNOTICE\0\0").repeat(200);
    expect(verdictOn("N", notices).outcome).toBe("other");
    expect(verdictOn("N", negotiation + message("R", "\0\0\0\0") + notices).outcome).toBe("proved");
  });
});

test("a client's first message matches once it is certain", () => {
  const sniff = (hex: string): string => postgresql.sniff!(fromHex(hex), "tcp").verdict;
  for (const hex of [
    "0000000804d2162f",
    "0000000804d21630",
    "0000001004d2162e",
    "0000002900030000",
    "0000001000030000",
  ]) {
    expect(sniff(hex), hex).toBe("match");
    for (let length = 0; length < hex.length; length += 2) expect(sniff(hex.slice(0, length)), hex).toBe("more");
  }
  for (const hex of [
    "00000085ff",
    "000000080003",
    "0000000904d2",
    "0001",
    "47455420",
    "0000000804d21631",
    "000000070003",
  ]) {
    expect(sniff(hex), hex).toBe("no");
  }
});

test("an error is recognised, other lines are not", () => {
  const recognise = (text: string): string => postgresql.recognise!(new Uint8Array(Buffer.from(text, "latin1")));
  expect(recognise(noEntry)).toBe("match");
  expect(recognise("EFATAL:  unsupported frontend protocol\n\0")).toBe("match");
  expect(recognise("E\0\0")).toBe("more");
  expect(recognise("ERR unknown command\r\n")).toBe("no");
});
