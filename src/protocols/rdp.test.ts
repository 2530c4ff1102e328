/**
 * @module RDP's probe over recorded exchanges, refusals, strangers' answers and broken packets; a client's first packet.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay } from "../../test/support/replay.ts";
import type { Verdict } from "./protocol.ts";
import { rdp } from "./rdp.ts";

function verdictOn(hex: string): Verdict {
  return replay(
    rdp,
    recordingOf([
      [">", ""],
      ["<", fromHex(hex)],
    ]),
  ).verdict;
}

describe("the probe", () => {
  test("xrdp confirms with TLS, and TLS follows", () => {
    const { verdict, sent } = replay(rdp, readCapture("rdp", "xrdp"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "Connection Confirm with TLS",
      facts: [
        { name: "capabilities", value: ["TLS"], from: "Connection Confirm, selectedProtocol" },
        { name: "startTls", value: "required", from: "Connection Confirm, selectedProtocol" },
      ],
    });
    expect(sent).toEqual(["030000130ee00000000000010008000b000000"]);
  });

  test("CredSSP wants a login first; RDP's own encryption needs no TLS", () => {
    expect(verdictOn("030000130ed000001234 00 021f 0800 02000000")).toMatchObject({
      outcome: "proved",
      facts: [{ value: ["CredSSP"] }, { name: "startTls" }, { name: "login", value: "required by NLA" }],
    });
    expect(verdictOn("030000130ed000001234 00 021f 0800 00000000")).toMatchObject({
      outcome: "proved",
      facts: [{ value: ["RDP's own encryption"] }],
    });
  });

  test("a failure proves it too", () => {
    expect(verdictOn("030000130ed000001234 00 0300 0800 05000000")).toMatchObject({
      outcome: "proved",
      facts: [{ name: "status", value: "CredSSP required" }],
    });
  });

  test("a confirmation without negotiation is only a hint", () => {
    expect(verdictOn("0300000b06d00000123400")).toMatchObject({ outcome: "suggested", facts: [] });
  });

  test("silence, strangers, an echo and broken packets prove nothing", () => {
    expect(replay(rdp, recordingOf([])).verdict.outcome).toBe("silent");
    const broken = [
      "485454502f312e31",
      "030000130ee00000000000010008000b000000",
      "0300",
      "0300001306d0000012340002",
      "0300ffff",
      "030000130ed000001234 00 0200 0900 01000000",
      "030000130ed000001234 00 0200 0800 04000000",
      "030000130ed000001234 00 0300 0800 ff000000",
      "030000130ed000001234 00 0100 0800 01000000",
      "030000130ed000001234 10 0200 0800 01000000",
      "030000140fd000001234 00 0200 0800 0100000000",
    ];
    for (const hex of broken) expect(verdictOn(hex).outcome, hex).toBe("other");
    expect(replay(rdp, recordingOf([["<", "hello"]])).verdict.outcome).toBe("other");
  });
});

test("a client's Connection Request matches with its sixth byte, other packets do not", () => {
  const sniff = (hex: string): string => rdp.sniff!(fromHex(hex), "tcp").verdict;
  // With a routing cookie as mstsc sends it.
  const request = "0300002b26e0";
  expect(sniff(`${request}00000000`)).toBe("match");
  for (let length = 0; length < request.length; length += 2) expect(sniff(request.slice(0, length))).toBe("more");
  for (const hex of ["16", "0301", "030003", "0300000a", "0300001305", "030000130ed0"])
    expect(sniff(hex), hex).toBe("no");
  expect(rdp.recognise!(fromHex("030000130ed0"))).toBe("match");
});
