/**
 * @module LDAP's probe over recorded exchanges, refusals, strangers' answers and broken messages; a client's first message.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay } from "../../test/support/replay.ts";
import { joinBytes, makeElement } from "./ber.ts";
import { ldap } from "./ldap.ts";
import type { Verdict } from "./protocol.ts";
import { latin1Bytes } from "./talk.ts";

function verdictOn(bytes: Uint8Array | string): Verdict {
  return replay(
    ldap,
    recordingOf([
      [">", ""],
      ["<", bytes],
    ]),
  ).verdict;
}

const text = (value: string): Uint8Array => makeElement(4, latin1Bytes(value));
const message = (id: number, operation: Uint8Array): Uint8Array =>
  makeElement(0x30, joinBytes(makeElement(2, Uint8Array.of(id)), operation));
const result = (tag: number, code: number): Uint8Array =>
  makeElement(tag, joinBytes(makeElement(0x0a, Uint8Array.of(code)), text(""), text("")));
const attribute = (name: string, ...values: string[]): Uint8Array =>
  makeElement(0x30, joinBytes(text(name), makeElement(0x31, joinBytes(...values.map(text)))));
const entry = (...attributes: Uint8Array[]): Uint8Array =>
  message(1, makeElement(0x64, joinBytes(text(""), makeElement(0x30, joinBytes(...attributes)))));
const done = message(1, result(0x65, 0));

describe("the probe", () => {
  test.each(["slapd", "slapd-tls"])("%s tells what it can do, no version, and is left politely", (name) => {
    const { verdict, sent } = replay(ldap, readCapture("ldap", name));
    expect(verdict).toMatchObject({
      outcome: "proved",
      evidence: "answer to a search of the rootDSE, result 0",
      facts: [
        { name: "protocolVersion", value: "3" },
        { name: "startTls", value: "offered" },
        { name: "authentication", value: expect.arrayContaining(["SCRAM-SHA-256"]) as unknown },
      ],
    });
    expect(sent).toHaveLength(2);
    expect(sent[1]).toBe("30050201024200");
  });

  test("a vendor that names itself, in whatever case", () => {
    const bytes = joinBytes(entry(attribute("VENDORNAME", "389 Project"), attribute("vendorVersion", "2.3.1")), done);
    expect(verdictOn(bytes)).toMatchObject({
      outcome: "proved",
      facts: [
        { name: "product", value: "389 Project" },
        { name: "version", value: "2.3.1" },
      ],
    });
  });

  test("refusals and a notice of disconnection prove it too", () => {
    expect(verdictOn(message(1, result(0x65, 50)))).toMatchObject({
      outcome: "proved",
      facts: [{ name: "login", value: "required" }],
    });
    expect(verdictOn(message(0, result(0x78, 52)))).toMatchObject({ outcome: "proved", facts: [] });
  });

  test("an entry without the end of the search is only a hint", () => {
    expect(verdictOn(entry()).outcome).toBe("suggested");
  });

  test("silence, strangers and broken messages prove nothing", () => {
    expect(replay(ldap, recordingOf([])).verdict.outcome).toBe("silent");
    const broken: (Uint8Array | string)[] = [
      "HTTP/1.1 400\r\n\r\n",
      "0",
      "0\u0080",
      "0\u0084\u00ff\u00ff\u00ff\u00ff",
      message(2, result(0x65, 0)),
      message(1, result(0x78, 0)),
      message(1, makeElement(0x65, new Uint8Array(0))),
      message(1, makeElement(0x66, new Uint8Array(0))),
      done.subarray(0, -1),
      joinBytes(entry(), entry(), entry(), entry(), done),
    ];
    for (const bytes of broken) expect(["other", "suggested"]).toContain(verdictOn(bytes).outcome);
    expect(verdictOn(joinBytes(entry(), entry(), entry(), entry(), done)).outcome).toBe("other");
    // Our own search, sent back.
    expect(verdictOn(fromHex(replay(ldap, recordingOf([])).sent[0]!)).outcome).toBe("other");
  });

  test("values that no attribute should have are clipped or passed over", () => {
    const odd = joinBytes(
      entry(attribute("vendorName", "x".repeat(10_000)), text("no attribute"), attribute("vendorVersion")),
      done,
    );
    const verdict = verdictOn(odd);
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{ name: "product", value: "x".repeat(256) }] });
  });
});

test("a client's bind, search or extended request matches", () => {
  const sniff = (bytes: Uint8Array): string => ldap.sniff!(bytes, "tcp").verdict;
  for (const tag of [0x60, 0x63, 0x77]) {
    const bytes = message(1, makeElement(tag, new Uint8Array(9)));
    expect(sniff(bytes)).toBe("match");
    for (let length = 0; length < 6; length++) expect(sniff(bytes.subarray(0, length))).toBe("more");
  }
  for (const bytes of [done, latin1Bytes("GET /"), latin1Bytes("0123456789"), fromHex("30050301")]) {
    expect(sniff(bytes)).toBe("no");
  }
});
