/**
 * @module Telnet's probe over a recorded opening, prompts, and bytes that only look like commands.
 */
import { expect, test } from "vitest";
import { ask, factsOf, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { telnet } from "./telnet.ts";

const [doEcho, willEcho, willGoAhead] = ["\u00ff\u00fd\u0001", "\u00ff\u00fb\u0001", "\u00ff\u00fb\u0003"];

test("the options that GNU's telnetd negotiates prove it", () => {
  const { verdict, sent } = replay(telnet, readCapture("telnet", "telnetd"));
  expect(verdict).toMatchObject({
    outcome: "proved",
    facts: [
      {
        name: "capabilities",
        value: [
          "AUTHENTICATION",
          "ENCRYPTION",
          "TERMINAL-TYPE",
          "TERMINAL-SPEED",
          "X-DISPLAY-LOCATION",
          "NEW-ENVIRON",
          "OLD-ENVIRON",
        ],
      },
    ],
  });
  expect(sent).toEqual([]);
});

test("text around the commands may name the machine and ask for the login", () => {
  const opening = `${doEcho}${willEcho}${willGoAhead}\r\nrouter (v7)\r\n\r\nlogin: `;
  const { verdict } = ask(telnet, [opening]);
  expect(verdict.outcome).toBe("proved");
  expect(factsOf(verdict)).toEqual({
    capabilities: ["ECHO", "SUPPRESS-GO-AHEAD"],
    login: "required",
    identity: "router (v7)",
  });
  // One command is little, a prompt after it is enough.
  expect(ask(telnet, [`${willEcho}Password: `]).verdict.outcome).toBe("proved");
});

test("a subnegotiation is skipped, and what ends in the middle is left out", () => {
  const some = `${doEcho}\u00ff\u00fa\u0018\u0001\u00ff\u00ff\u00ff\u00f0${willGoAhead}\u00ff\u00fd`;
  expect(factsOf(ask(telnet, [some]).verdict)).toEqual({ capabilities: ["ECHO", "SUPPRESS-GO-AHEAD"] });
  expect(ask(telnet, [`${doEcho}\u00ff\u00fa\u0018${"\u0001".repeat(100_000)}`]).verdict.outcome).toBe("suggested");
});

test.each([
  ["one command alone", doEcho, "suggested"],
  ["one command and text", `${doEcho}hello\r\n`, "suggested"],
  ["an option that does not exist", "\u00ff\u00fd\u0060\u00ff\u00fd\u0061", "other"],
  ["a command that does not exist", "\u00ff\u0010\u0001", "other"],
  ["half a command", "\u00ff\u00fd", "other"],
  ["bytes of 255", "\u00ff".repeat(100_000), "other"],
  ["a prompt without commands", "login: ", "other"],
  ["commands after text", `hello${doEcho}${willEcho}`, "other"],
  ["another protocol", "220 mx.test ESMTP\r\n", "other"],
])("%s is no proof", (_name, opening, outcome) => {
  expect(ask(telnet, [opening]).verdict.outcome).toBe(outcome);
});

test("silence is silence, whoever ends it; recognises the first command", () => {
  for (const after of ["silent", "ended", "reset"] as const) {
    expect(ask(telnet, [], { after }).verdict.outcome).toBe("silent");
  }
  const greetings = {
    match: [doEcho, willEcho],
    more: ["\u00ff\u00fd", "\u00ff", ""],
    no: ["\u00ff\u0010", "\u00ff\u00fd\u0060", "login: "],
  };
  expect(groupByAnswer(telnet.recognise!, greetings)).toEqual(greetings);
});
