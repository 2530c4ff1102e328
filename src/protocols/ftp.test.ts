/**
 * @module FTP's probe over recorded visits, refusals of FEAT in FTP's words and in those of mail servers, and hostile greetings.
 */
import { describe, expect, test } from "vitest";
import { groupByAnswer, ask, factsOf } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { ftp } from "./ftp.ts";

const features = "211-Features:\r\n AUTH TLS\r\n SIZE\r\n211 End\r\n";
const goodbye = "221 Goodbye.\r\n";

describe("a visit", () => {
  test("to vsftpd: greeting, features, farewell", () => {
    const { verdict, sent } = replay(ftp, readCapture("ftp", "vsftpd"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "220 greeting, and 211 with features in answer to FEAT",
      facts: [
        { name: "product", value: "vsFTPd", from: "greeting" },
        { name: "version", value: "3.0.3", from: "greeting" },
        { name: "startTls", value: "offered", from: "FEAT, AUTH TLS" },
        {
          name: "capabilities",
          value: ["AUTH TLS", "EPRT", "EPSV", "MDTM", "PASV", "PBSZ", "PROT", "REST STREAM", "SIZE", "TVFS"],
          from: "FEAT",
        },
      ],
    });
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["FEAT\r\n", "QUIT\r\n"]);
  });

  test("to a server that is not ready yet waits for its 220", () => {
    const { verdict, sent } = ask(ftp, ["120 Ready in 1 minute\r\n220 Now\r\n", features, goodbye]);
    expect(verdict.outcome).toBe("proved");
    expect(sent).toEqual(["FEAT\r\n", "QUIT\r\n"]);
    expect(ask(ftp, ["120 Ready in 1 minute\r\n"])).toMatchObject({
      verdict: { outcome: "suggested", evidence: "a 120 greeting: ready later" },
      sent: [],
    });
  });

  test("to one that knows nothing of FEAT", () => {
    const refused = ask(ftp, ["220 Old FTP server ready.\r\n", "500 'FEAT': command not understood.\r\n", goodbye]);
    expect(refused.verdict.outcome).toBe("proved");
    // Nothing was said of a login.
    expect(factsOf(refused.verdict)).toEqual({ identity: "Old FTP server ready." });
    const { verdict } = ask(ftp, ["220 hello\r\n", "530 Please login with USER and PASS.\r\n", goodbye]);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({ identity: "hello", login: "required" });
  });
});

test.each([
  ["(vsFTPd 3.0.3)", "vsFTPd", "3.0.3"],
  ["ProFTPD 1.3.8 Server (Debian) [127.0.0.1]", "ProFTPD", "1.3.8"],
  ["ProFTPD Server (Debian) [::ffff:127.0.0.1]", "ProFTPD", undefined],
  ["FileZilla Server 1.7.0", "FileZilla Server", "1.7.0"],
  ["FileZilla Server version 0.9.41 beta", "FileZilla Server", "0.9.41"],
  ["---------- Welcome to Pure-FTPd [privsep] [TLS] ----------", "Pure-FTPd", undefined],
  ["Microsoft FTP Service", "Microsoft FTP Service", undefined],
  ["pyftpdlib 1.5.7 ready.", "pyftpdlib", "1.5.7"],
  ["Files of ACME, see (vsFTPd 3.0.3) for help", undefined, undefined],
])("the greeting %s names %s %s", (greeting, product, version) => {
  const facts = factsOf(ask(ftp, [`220 ${greeting}\r\n`, features, goodbye]).verdict);
  expect([facts["product"], facts["version"]]).toEqual([product, version]);
  if (product === undefined) expect(facts["identity"]).toBe(greeting);
});

describe("what is no proof", () => {
  test.each([
    ["no answer to FEAT", ["220 hello\r\n"], "suggested"],
    ["a refusal without FTP's words", ["220 hello\r\n", "502 what?\r\n", goodbye], "suggested"],
    [
      "a mail server's refusal",
      ["220 FTP hosting Inc.\r\n", "502 5.5.2 Error: command not recognized\r\n"],
      "suggested",
    ],
    [
      "a mail server that wants TLS",
      ["220 hello\r\n", "530 5.7.0 Must issue a STARTTLS command first\r\n"],
      "suggested",
    ],
    ["no service now", ["421 Too many users\r\n"], "suggested"],
    ["a greeting that names SMTP", ["220 mx.test ESMTP Postfix\r\n", features], "other"],
    ["another code", ["554 No\r\n"], "other"],
    ["another protocol", ["SSH-2.0-OpenSSH_9.2p1\r\n"], "other"],
    ["an empty line", ["\r\n"], "other"],
    ["a greeting without end", ["220-hello\r\nmore\r\n"], "other"],
    ["nothing", [], "silent"],
  ])("%s", (_name, replies, outcome) => {
    expect(ask(ftp, replies).verdict.outcome).toBe(outcome);
  });

  test("features without end, and a greeting of a hundred lines too many", () => {
    expect(ask(ftp, ["220 hello\r\n", `211-Features\r\n${" X\r\n".repeat(500)}211 End\r\n`]).verdict.outcome).toBe(
      "suggested",
    );
    expect(ask(ftp, [`220-hello\r\n${"220-x\r\n".repeat(500)}`]).verdict.outcome).toBe("other");
  });
});

test("what a greeting carries stays as it is, and short", () => {
  const hostile = `\u001b[31m\0<b>\u00ff${"A".repeat(1000)}`;
  const facts = factsOf(ask(ftp, [`220 ${hostile}\r\n`, features, goodbye]).verdict);
  expect(facts["identity"]).toBe(hostile.slice(0, 256));
});

test("recognises greetings, and clients by words that only FTP has", () => {
  const greetings = { match: ["220 x", "220-x", "120 x", "421 x"], more: ["22", ""], no: ["250 x", "SSH-"] };
  expect(groupByAnswer(ftp.recognise!, greetings)).toEqual(greetings);
  const hellos = { match: ["AUTH TLS\r\n", "feat\r\n"], more: ["AUTH ", ""], no: ["AUTH PLAIN x", "USER bob\r\n"] };
  expect(groupByAnswer(ftp.sniff!, hellos)).toEqual(hellos);
});
