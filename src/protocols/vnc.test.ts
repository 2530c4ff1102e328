/**
 * @module VNC's probe: twelve bytes, to which nothing is answered.
 */
import { expect, test } from "vitest";
import { ask, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { vnc } from "./vnc.ts";

test("TigerVNC's version message proves it", () => {
  const { verdict, sent } = replay(vnc, readCapture("vnc", "tigervnc"));
  expect(verdict).toEqual({
    outcome: "proved",
    evidence: "version message RFB 003.008",
    facts: [{ name: "protocolVersion", value: "3.8", from: "version message" }],
  });
  expect(sent).toEqual([]);
});

test.each([
  ["RFB 003.008", "other"],
  ["RFB 003.008\r\n", "other"],
  ["RFB 3.8\n     ", "other"],
  ["RFB \u001b[31m\0\0\u00ff\n", "other"],
  ["rfb 003.008\n", "other"],
  ["RFB ".padEnd(100_000, "0"), "other"],
  ["SSH-2.0-OpenSSH_9.2p1\r\n", "other"],
])("%j proves nothing", (greeting, outcome) => {
  expect(ask(vnc, [greeting]).verdict.outcome).toBe(outcome);
});

test("silence is silence; recognises the start of the message", () => {
  expect(ask(vnc, []).verdict.outcome).toBe("silent");
  const greetings = { match: ["RFB 003"], more: ["RF", ""], no: ["RFC", "220 "] };
  expect(groupByAnswer(vnc.recognise!, greetings)).toEqual(greetings);
});
