/**
 * @module POP3's probe over recorded visits, refusals and greetings of other kinds.
 */
import { describe, expect, test } from "vitest";
import { ask, factsOf, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { pop3 } from "./pop3.ts";

const list = "+OK\r\nTOP\r\nSASL PLAIN LOGIN\r\nIMPLEMENTATION Mailer-2\r\n.\r\n";
const goodbye = "+OK Logging out\r\n";

describe("a visit", () => {
  test("to Dovecot: greeting, CAPA, farewell", () => {
    const { verdict, sent } = replay(pop3, readCapture("pop3", "dovecot"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "a +OK greeting, and the list that CAPA brings",
      facts: [
        { name: "product", value: "Dovecot", from: "greeting" },
        { name: "startTls", value: "offered", from: "CAPA, STLS" },
        { name: "authentication", value: ["PLAIN"], from: "CAPA, SASL" },
        { name: "login", value: "required", from: "greeting" },
      ],
    });
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["CAPA\r\n", "QUIT\r\n"]);
  });

  test("inside TLS no STLS is offered, and none is claimed", () => {
    expect(factsOf(replay(pop3, readCapture("pop3", "dovecot-inside-tls")).verdict)).not.toHaveProperty("startTls");
  });

  test("to a server that knows nothing of CAPA", () => {
    const { verdict, sent } = ask(pop3, ["+OK ready <1896.697170952@mx.test>\r\n", "-ERR what?\r\n", goodbye]);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({
      identity: "ready <1896.697170952@mx.test>",
      authentication: ["APOP"],
      login: "required",
    });
    expect(sent).toEqual(["CAPA\r\n", "QUIT\r\n"]);
  });

  test("to one that says in CAPA who made it", () => {
    expect(factsOf(ask(pop3, ["+OK\r\n", list, goodbye]).verdict)).toEqual({
      identity: "Mailer-2",
      authentication: ["PLAIN", "LOGIN"],
      login: "required",
    });
  });
});

test.each([
  ["+OK mx.test Cyrus POP3 v2.4.17 server ready", "Cyrus POP3", "2.4.17"],
  ["+OK Hello there.", "Courier", undefined],
  ["+OK Dovecot (Debian) ready.", "Dovecot", undefined],
  ["+OK ready", undefined, undefined],
])("the greeting %s names %s %s", (greeting, product, version) => {
  const facts = factsOf(ask(pop3, [`${greeting}\r\n`, "+OK\r\n.\r\n", goodbye]).verdict);
  expect([facts["product"], facts["version"]]).toEqual([product, version]);
});

test.each([
  ["no answer to CAPA", ["+OK ready\r\n"], "suggested"],
  ["a list without end", ["+OK ready\r\n", "+OK\r\nTOP\r\n"], "suggested"],
  ["a list that is too long", ["+OK ready\r\n", `+OK\r\n${"TOP\r\n".repeat(500)}.\r\n`], "suggested"],
  ["an answer of another kind", ["+OK ready\r\n", "500 what?\r\n"], "suggested"],
  ["a greeting that refuses", ["-ERR too many connections\r\n"], "suggested"],
  ["+OKAY", ["+OKAY\r\n"], "other"],
  ["another protocol", ["* OK IMAP4rev1\r\n"], "other"],
  ["an empty line", ["\r\n"], "other"],
  ["a line without end", ["+OK ".padEnd(100_000, "A")], "other"],
  ["nothing", [], "silent"],
])("%s is no proof", (_name, replies, outcome) => {
  expect(ask(pop3, replies).verdict.outcome).toBe(outcome);
});

test("what a greeting carries stays as it is, and short", () => {
  const hostile = `\u001b[31m\0<b>\u00ff${"A".repeat(1000)}`;
  const facts = factsOf(ask(pop3, [`+OK ${hostile}\r\n`, "-ERR\r\n", goodbye]).verdict);
  expect(facts["identity"]).toBe(hostile.slice(0, 256));
});

test("recognises greetings, and clients by words that only POP3 has", () => {
  const greetings = { match: ["+OK", "-ERR"], more: ["+", "-ERR"[0]!, ""], no: ["-ERR unknown command 'GET'", "220 "] };
  expect(groupByAnswer(pop3.recognise!, greetings)).toEqual(greetings);
  const hellos = { match: ["CAPA\r\n", "apop x", "STLS\r\n"], more: ["CAP", ""], no: ["USER bob\r\n", "CAPABILITY"] };
  expect(groupByAnswer(pop3.sniff!, hellos)).toEqual(hellos);
});
