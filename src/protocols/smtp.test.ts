/**
 * @module SMTP's probe over recorded visits, refusals, greetings of several programs, and hostile ones.
 */
import { describe, expect, test } from "vitest";
import { groupByAnswer, ask, factsOf } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { smtp } from "./smtp.ts";

const hello = "250-mx.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n";
const goodbye = "221 2.0.0 Bye\r\n";

describe("a visit", () => {
  test("to Postfix: greeting, EHLO, farewell", () => {
    const { verdict, sent } = replay(smtp, readCapture("smtp", "postfix"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "220 greeting, and 250 to EHLO",
      facts: [
        { name: "product", value: "Postfix", from: "greeting" },
        { name: "hostName", value: "mail.harbour.test", from: "greeting" },
        { name: "startTls", value: "offered", from: "EHLO, STARTTLS" },
        {
          name: "capabilities",
          value: [
            "PIPELINING",
            "SIZE 10240000",
            "VRFY",
            "ETRN",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "DSN",
            "SMTPUTF8",
            "CHUNKING",
          ],
          from: "EHLO",
        },
      ],
    });
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["EHLO portolan.invalid\r\n", "QUIT\r\n"]);
  });

  test("inside TLS no STARTTLS is offered, and none is claimed", () => {
    const { verdict } = replay(smtp, readCapture("smtp", "postfix-inside-tls"));
    expect(factsOf(verdict)).not.toHaveProperty("startTls");
    expect(factsOf(verdict)).toMatchObject({ product: "Postfix" });
  });

  test("tells how a login may be done", () => {
    expect(factsOf(ask(smtp, ["220 mx.test ESMTP\r\n", hello, goodbye]).verdict)).toMatchObject({
      authentication: ["PLAIN", "LOGIN"],
      startTls: "offered",
    });
  });

  test("is not begun before the whole greeting is there", () => {
    const { verdict, sent } = ask(smtp, ["220-mx.test ESMTP\r\n220-wait\r\n220 now\r\n", hello, goodbye]);
    expect(verdict.outcome).toBe("proved");
    expect(sent).toHaveLength(2);
    expect(ask(smtp, ["220-mx.test ESMTP\r\n"]).sent).toEqual([]);
  });

  test("to a server that turns us away", () => {
    expect(ask(smtp, ["554 mx.test ESMTP not today\r\n", goodbye])).toMatchObject({
      verdict: { outcome: "proved", evidence: "a 554 greeting that refuses, and names SMTP" },
      sent: ["QUIT\r\n"],
    });
    expect(ask(smtp, ["421 too many connections\r\n"])).toMatchObject({ verdict: { outcome: "suggested" }, sent: [] });
    const refused = ask(smtp, ["220 mx.test SMTP\r\n", "502 5.5.1 EHLO not implemented\r\n", goodbye]);
    expect(refused).toMatchObject({ verdict: { outcome: "proved" }, sent: ["EHLO portolan.invalid\r\n", "QUIT\r\n"] });
  });
});

test.each([
  ["mx.test ESMTP Postfix (Debian/GNU)", "Postfix", undefined],
  ["mx.test ESMTP Exim 4.96 Mon, 23 Nov 2026 10:00:00 +0000", "Exim", "4.96"],
  ["mx.test ESMTP Sendmail 8.17.1.9/8.17.1.9/Debian-2; Mon, 23 Nov 2026", "Sendmail", "8.17.1.9"],
  ["mx.test ESMTP OpenSMTPD", "OpenSMTPD", undefined],
  ["mx.test Microsoft ESMTP MAIL Service ready at Mon, 23 Nov 2026", "Microsoft ESMTP MAIL Service", undefined],
  ["mx.test Microsoft ESMTP MAIL Service, Version: 10.0.17763.1 ready", "Microsoft ESMTP MAIL Service", "10.0.17763.1"],
  ["mailhog.example ESMTP MailHog", "MailHog", undefined],
  ["mx.test ESMTP ready", undefined, undefined],
])("the greeting %s names %s %s", (greeting, product, version) => {
  const facts = factsOf(ask(smtp, [`220 ${greeting}\r\n`, hello, goodbye]).verdict);
  expect([facts["product"], facts["version"]]).toEqual([product, version]);
  expect(facts["hostName"]).toBe(greeting.split(" ")[0]);
  if (product === undefined) expect(facts["identity"]).toBe(greeting);
});

test.each([
  ["no answer to EHLO", ["220 mx.test ready\r\n"], "suggested"],
  ["a refusal of EHLO without the name of SMTP", ["220 hello\r\n", "500 what?\r\n"], "suggested"],
  ["an FTP server", ["220 (vsFTPd 3.0.3)\r\n"], "other"],
  ["a reply whose codes differ", ["220-mx.test ESMTP\r\n250 x\r\n"], "other"],
  ["another code", ["200 news\r\n"], "other"],
  ["another protocol", ["+OK POP3\r\n"], "other"],
  ["an empty line", ["\r\n"], "other"],
  ["a line without end", ["220 mx.test ESMTP".padEnd(100_000, "A")], "other"],
  ["nothing", [], "silent"],
])("%s is no proof", (_name, replies, outcome) => {
  expect(ask(smtp, replies).verdict.outcome).toBe(outcome);
});

test("what a greeting carries stays as it is, and short", () => {
  const hostile = `\u001b]0;x\u0007\0<b>\u00ff${"A".repeat(1000)}`;
  const facts = factsOf(ask(smtp, [`220 ${hostile}\r\n`, hello, goodbye]).verdict);
  expect(facts["identity"]).toBe(hostile.slice(0, 256));
  expect(facts).not.toHaveProperty("hostName");
});

test("recognises greetings, and clients by how they greet", () => {
  const greetings = { match: ["220 x", "220-x", "554 x", "421 x"], more: ["2", ""], no: ["250 x", "+OK"] };
  expect(groupByAnswer(smtp.recognise!, greetings)).toEqual(greetings);
  const hellos = { match: ["EHLO a", "helo a", "LHLO a"], more: ["EHL", ""], no: ["MAIL FROM", "GET / HTTP/1.1"] };
  expect(groupByAnswer(smtp.sniff!, hellos)).toEqual(hellos);
});
