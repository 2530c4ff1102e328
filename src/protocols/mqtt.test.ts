/**
 * @module MQTT's probe over recorded exchanges, refusals, strangers' answers and broken packets; a client's first packet.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay } from "../../test/support/replay.ts";
import { mqtt } from "./mqtt.ts";
import type { Verdict } from "./protocol.ts";

const hello = "100c00044d5154540402003c0000";

function verdictOn(hex: string): Verdict {
  return replay(
    mqtt,
    recordingOf([
      [">", ""],
      ["<", fromHex(hex)],
    ]),
  ).verdict;
}

describe("the probe", () => {
  test.each(["mosquitto-refused", "mosquitto-tls"])("%s wants a login, and proves itself by saying so", (name) => {
    const { verdict, sent } = replay(mqtt, readCapture("mqtt", name));
    expect(verdict).toMatchObject({
      outcome: "proved",
      evidence: "CONNACK: not authorised",
      facts: [
        { name: "protocolVersion", value: "3.1.1" },
        { name: "login", value: "required" },
      ],
    });
    expect(sent).toEqual([hello]);
  });

  test("whoever lets us in is left politely", () => {
    const { verdict, sent } = replay(mqtt, readCapture("mqtt", "mosquitto-anonymous"));
    expect(verdict).toMatchObject({ outcome: "proved", facts: [{}, { name: "login", value: "none" }] });
    expect(sent).toEqual([hello, "e000"]);
  });

  test("every return code of the standard counts, and a refusal of version 5", () => {
    for (const code of ["01", "02", "03", "04"]) expect(verdictOn(`200200${code}`).outcome).toBe("proved");
    expect(verdictOn("2003008400")).toMatchObject({ outcome: "proved", facts: [{ value: "5" }] });
  });

  test("silence, strangers, an echo and broken packets prove nothing", () => {
    expect(replay(mqtt, recordingOf([])).verdict.outcome).toBe("silent");
    const broken = [
      hello,
      "485454502f",
      "20",
      "2002",
      "200200",
      "20020006",
      "20020200",
      "20010000",
      "2003000000",
      "20020100",
      "2003008401",
      "200300e700",
      "200301840000",
      "20ff0000",
    ];
    for (const hex of broken) expect(verdictOn(hex).outcome, hex).toBe("other");
  });
});

test("a client's CONNECT matches with its protocol name", () => {
  const sniff = (hex: string): string => mqtt.sniff!(fromHex(hex), "tcp").verdict;
  for (const hex of [hello, "108c0100044d515454", "100c00064d5149736470"]) expect(sniff(hex), hex).toBe("match");
  for (let length = 0; length < 16; length += 2) expect(sniff(hello.slice(0, length))).toBe("more");
  for (const hex of ["20", "10ffffffff", "100c0004485454", "1603"]) expect(sniff(hex), hex).toBe("no");
});
