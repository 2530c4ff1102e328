/**
 * @module SMB's probe over recorded exchanges, refusals, strangers' answers and broken replies; a client's first message.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, toHex } from "../../test/support/replay.ts";
import type { Verdict } from "./protocol.ts";
import { smb } from "./smb.ts";

const capture = readCapture("smb", "samba");
const [request, reply] = capture.events.map((event) => ("bytes" in event ? fromHex(event.bytes) : new Uint8Array(0)));

function verdictOn(bytes: Uint8Array | string): Verdict {
  return replay(
    smb,
    recordingOf([
      [">", ""],
      ["<", bytes],
    ]),
  ).verdict;
}

/** Samba's reply with some bytes written over, counted from the start of the header. */
function changed(at: number, ...bytes: number[]): Uint8Array {
  const copy = reply!.slice();
  copy.set(bytes, 4 + at);
  return copy;
}

describe("the probe", () => {
  test("Samba proves itself by its dialect, without a name", () => {
    const { verdict, sent } = replay(smb, capture);
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "reply to NEGOTIATE with dialect 3.0.2",
      facts: [
        { name: "protocolVersion", value: "3.0.2", from: "NEGOTIATE reply, DialectRevision" },
        {
          name: "capabilities",
          value: ["signing optional", "DFS", "leasing", "large MTU"],
          from: "NEGOTIATE reply, SecurityMode and Capabilities",
        },
        { name: "authentication", value: ["NTLM"], from: "NEGOTIATE reply, security buffer" },
      ],
    });
    expect(sent).toEqual([toHex(request!)]);
  });

  test("signing required; no capabilities; a security buffer that lies outside", () => {
    expect(verdictOn(changed(66, 3))).toHaveProperty("facts.1.value.0", "signing required");
    expect(verdictOn(changed(88, 0, 0, 0, 0))).toHaveProperty("facts.1.value", ["signing optional"]);
    for (const bytes of [changed(120, 255, 255), changed(122, 255, 255), changed(120, 0, 0)]) {
      expect(verdictOn(bytes)).toMatchObject({ outcome: "proved", facts: [{}, {}] });
    }
  });

  test("a refusal of every dialect is proof too", () => {
    const refusal = new Uint8Array(4 + 64 + 9);
    refusal.set([0, 0, 0, 73, 0xfe, 0x53, 0x4d, 0x42, 64]);
    refusal.set([0xbb, 0, 0, 0xc0], 4 + 8);
    refusal[4 + 16] = 1;
    refusal[4 + 64] = 9;
    expect(verdictOn(refusal)).toMatchObject({ outcome: "proved", facts: [{ name: "status", value: "0xc00000bb" }] });
  });

  test("SMB 1 is only a hint", () => {
    const old = new Uint8Array(4 + 35);
    old.set([0, 0, 0, 35, 0xff, 0x53, 0x4d, 0x42, 0x72, 0, 0, 0, 0, 0x88]);
    expect(verdictOn(old)).toMatchObject({ outcome: "suggested", facts: [{ name: "protocolVersion", value: "1" }] });
    old[4 + 4] = 0x73;
    expect(verdictOn(old).outcome).toBe("other");
  });

  test("silence, strangers, an echo and broken replies prove nothing", () => {
    expect(replay(smb, recordingOf([])).verdict.outcome).toBe("silent");
    const broken: (Uint8Array | string)[] = [
      "SSH-2.0-x\r\n",
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "\0\0\0\u0001x",
      "\0\u0001\0\0",
      request!,
      reply!.subarray(0, 60),
      changed(4, 63),
      changed(12, 1),
      changed(24, 1),
      changed(64, 60),
      changed(68, 0x11, 0x03),
      changed(8, 1),
    ];
    for (const bytes of broken) expect(verdictOn(bytes).outcome, toHex(Buffer.from(bytes))).toBe("other");
  });
});

test("a client's first message, of SMB 1 or 2, matches with its eighth byte", () => {
  const sniff = (hex: string): string => smb.sniff!(fromHex(hex), "tcp").verdict;
  for (const hex of ["0000006cfe534d42", "00000054ff534d42"]) {
    expect(sniff(hex)).toBe("match");
    for (let length = 0; length < hex.length; length += 2) expect(sniff(hex.slice(0, length))).toBe("more");
  }
  for (const hex of ["47", "00000008", "0000006c16", "0000006cfe534d43", "81000044"])
    expect(sniff(hex), hex).toBe("no");
  expect(smb.recognise!(reply!)).toBe("match");
});
