/**
 * @module NTP's probe over a recorded exchange, refusals, strangers' answers and broken ones; a client's datagram.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, seededRandom } from "../../test/support/replay.ts";
import { ntp } from "./ntp.ts";
import type { Verdict } from "./protocol.ts";

/** An answer to the probe that uses seed 1. */
function answer(first: number, stratum: number, reference: string, origin = seededRandom(1)(8)): Uint8Array {
  const bytes = new Uint8Array(48);
  bytes.set([first, stratum]);
  bytes.set(Buffer.from(reference, "latin1"), 12);
  bytes.set(origin, 24);
  return bytes;
}

function verdictOn(bytes: Uint8Array): Verdict {
  const lines = [[">", ""] as const, ["<", bytes] as const];
  return replay(ntp, recordingOf(lines, { transport: "udp" })).verdict;
}

describe("the probe", () => {
  test("chrony repeats our time stamp", () => {
    const capture = readCapture("ntp", "chrony");
    const { verdict, sent } = replay(ntp, capture);
    expect(verdict).toMatchObject({
      outcome: "proved",
      facts: [
        { name: "protocolVersion", value: "4" },
        { name: "stratum", value: 10 },
      ],
    });
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatch(/^23(?:00){39}[0-9a-f]{16}$/);
    const context = { ...capture, random: seededRandom(capture.seed) };
    expect(Buffer.from(ntp.datagram!(context)).toString("hex")).toBe(sent[0]);
  });

  test("stratum 1 names its clock, a kiss its code, and who has no time says so", () => {
    expect(verdictOn(answer(0x24, 1, "GPS\0"))).toMatchObject({ outcome: "proved", facts: [{}, {}, { value: "GPS" }] });
    expect(verdictOn(answer(0xe4, 0, "RATE"))).toMatchObject({ outcome: "proved", facts: [{ value: "RATE" }] });
    expect(verdictOn(answer(0xe4, 16, "\0\0\0\0"))).toMatchObject({ facts: [{}, { value: "not synchronised" }] });
    // Controls are no clock's name.
    expect(verdictOn(answer(0x24, 1, "\u001b[31"))).toHaveProperty("facts.length", 2);
  });

  test("silence, another's time stamp, an echo and strangers prove nothing", () => {
    expect(replay(ntp, recordingOf([], { transport: "udp" })).verdict.outcome).toBe("silent");
    const bad = [
      answer(0x24, 2, "", new Uint8Array(8)),
      answer(0x23, 2, ""),
      answer(0x25, 2, ""),
      answer(0x24, 2, "").subarray(0, 47),
      new Uint8Array(Buffer.from("HTTP/1.1 400")),
    ];
    for (const bytes of bad) expect(verdictOn(bytes).outcome).toBe("other");
  });
});

test("a client's datagram matches, others do not", () => {
  const sniff = (hex: string): string => ntp.sniff!(fromHex(hex.padEnd(96, "0")), "udp").verdict;
  for (const hex of ["23", "1b", "e3"]) expect(sniff(hex)).toBe("match");
  for (const hex of ["24", "16", "3b", "03"]) expect(sniff(hex), hex).toBe("no");
  expect(ntp.sniff!(fromHex("23"), "udp").verdict).toBe("no");
  expect(ntp.sniff!(fromHex("23".padEnd(96, "0")), "tcp").verdict).toBe("no");
});
