/**
 * @module IMAP's probe over recorded visits, greetings that come in two parts, refusals, and what ID may say.
 */
import { describe, expect, test } from "vitest";
import { ask, factsOf, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { imap } from "./imap.ts";

const greeting = "* OK [CAPABILITY IMAP4rev1 IMAP4rev2 STARTTLS AUTH=PLAIN AUTH=LOGIN] ready\r\n";
const goodbye = "* BYE out\r\nb OK done\r\n";

describe("a visit", () => {
  test("to Dovecot: greeting, ID, farewell", () => {
    const { verdict, sent } = replay(imap, readCapture("imap", "dovecot"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "* OK greeting, and a tagged OK to ID",
      facts: [
        { name: "product", value: "Dovecot", from: "ID reply, name" },
        { name: "protocolVersion", value: "IMAP4rev1", from: "CAPABILITY" },
        { name: "startTls", value: "offered", from: "CAPABILITY, STARTTLS" },
        { name: "authentication", value: ["PLAIN"], from: "CAPABILITY, AUTH" },
        { name: "login", value: "required", from: "greeting" },
      ],
    });
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["a ID NIL\r\n", "b LOGOUT\r\n"]);
  });

  test("while Dovecot starts: its capabilities come in a second greeting", () => {
    const { verdict, sent } = ask(imap, [
      "* OK Waiting for authentication process to respond..\r\n",
      `${greeting}* ID ("name" "Dovecot")\r\na OK ID completed.\r\n`,
      goodbye,
    ]);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toMatchObject({ product: "Dovecot", startTls: "offered" });
    expect(sent).toHaveLength(2);
  });

  test("asks for the capabilities where nothing told them", () => {
    const { verdict, sent } = ask(imap, [
      "* OK ready\r\n",
      "a BAD what?\r\n",
      "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nc OK\r\n",
      goodbye,
    ]);
    expect(verdict).toMatchObject({ outcome: "proved", evidence: "* OK greeting, and a tagged BAD to ID" });
    expect(factsOf(verdict)).toEqual({
      protocolVersion: "IMAP4rev1",
      authentication: ["PLAIN"],
      login: "required",
      identity: "ready",
    });
    expect(sent).toEqual(["a ID NIL\r\n", "c CAPABILITY\r\n", "b LOGOUT\r\n"]);
  });

  test("ID may tell name, version and system, quoted", () => {
    const reply = '* ID ("NAME" "Ma\\"il" "version" "3.2.1" "os" "Linux" "vendor" NIL)\r\na OK\r\n';
    expect(factsOf(ask(imap, [greeting, reply, goodbye]).verdict)).toMatchObject({
      product: 'Ma"il',
      version: "3.2.1",
      operatingSystem: "Linux",
      protocolVersion: "IMAP4rev1, IMAP4rev2",
    });
  });

  test("ID may come as a literal, which tells us nothing", () => {
    const { verdict } = ask(imap, [greeting, '* ID ("name" {7}\r\nDovecot)\r\na OK\r\n', goodbye]);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).not.toHaveProperty("product");
  });

  test("to a server that lets us in as we are", () => {
    expect(factsOf(ask(imap, ["* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n", "a OK\r\n", goodbye]).verdict)).toMatchObject({
      login: "none",
    });
  });
});

test.each([
  ["no answer to ID", [greeting], "suggested"],
  ["text between the lines", [greeting, "hello\r\na OK\r\n"], "suggested"],
  ["an answer without our tag", [greeting, "z OK\r\n"], "suggested"],
  ["untagged lines for ever", [greeting, "* X\r\n".repeat(500)], "suggested"],
  ["a greeting that refuses", ["* BYE too many\r\n"], "suggested"],
  ["an untagged line of another kind", ["* OKAY\r\n"], "other"],
  ["another protocol", ["+OK POP3\r\n"], "other"],
  ["an empty line", ["\r\n"], "other"],
  ["a line without end", ["* OK ".padEnd(100_000, "A")], "other"],
  ["nothing", [], "silent"],
])("%s is no proof", (_name, replies, outcome) => {
  expect(ask(imap, replies).verdict.outcome).toBe(outcome);
});

test("what ID carries stays as it is, and short", () => {
  const hostile = `\u001b[31m\0<b>\u00ff${"A".repeat(900)}`;
  const facts = factsOf(ask(imap, [greeting, `* ID ("name" "${hostile}")\r\na OK\r\n`, goodbye]).verdict);
  expect(facts["product"]).toBe(hostile.slice(0, 256));
});

test("recognises greetings, and clients by a tag and a command", () => {
  const greetings = { match: ["* OK x", "* PREAUTH", "* BYE"], more: ["* ", ""], no: ["+OK", "* NO"] };
  expect(groupByAnswer(imap.recognise!, greetings)).toEqual(greetings);
  const hellos = {
    match: ["a1 CAPABILITY\r\n", "A001 login bob", "x ID NIL"],
    more: ["a1", "a1 CAPA", ""],
    no: ["GET / HTTP/1.1", "EHLO mx.test\r\n", "SSH-2.0", "a1 NOTHING\r\n"],
  };
  expect(groupByAnswer(imap.sniff!, hellos)).toEqual(hellos);
});
