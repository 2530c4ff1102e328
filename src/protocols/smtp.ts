/**
 * @module SMTP: a greeting, and what EHLO brings.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { readReply, type Reply } from "./reply-lines.ts";
import { missed, fact, matchAny, type Talk } from "./talk.ts";

/** How long a mail server may take to greet: many wait some seconds on purpose (RFC 5321 §4.5.3.2.1 allows minutes). */
const greetingPatienceMs = 6000;

/** Greetings that are sure to carry the product, and those with its version. */
const productPatterns: readonly RegExp[] = [
  /\bESMTP (Exim) (\d[\w.]*)/,
  /\bESMTP (Sendmail) (\d[\w.]*)/,
  /\bESMTP (Postfix)\b()/,
  /\bESMTP (OpenSMTPD)\b()/,
  /\b(Microsoft ESMTP MAIL Service)(?:, Version: (\d[\w.]*))?/,
  /\bESMTP (Haraka)(?:\/(\d[\w.]*))?/,
  /\b(Mailpit)\b()/,
  /\bESMTP (MailHog)()$/,
];

function describe(greeting: Reply, hello: Reply | null): Fact[] {
  const facts: Fact[] = [];
  const first = greeting.lines[0] ?? "";
  const match = productPatterns.map((pattern) => pattern.exec(first)).find((found) => found !== null);
  if (match !== undefined && match !== null) {
    facts.push(fact("product", match[1]!, "greeting"));
    if (match[2] !== undefined && match[2] !== "") facts.push(fact("version", match[2], "greeting"));
  } else if (first !== "") {
    facts.push(fact("identity", first, "greeting"));
  }
  // RFC 5321 §4.2: the greeting starts with the server's domain.
  const domain = /^([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f.:]+\])(?: |$)/.exec(first)?.[1];
  if (domain?.includes(".") === true) facts.push(fact("hostName", domain, "greeting"));
  const keywords = hello?.code === 250 ? hello.lines.slice(1) : [];
  if (keywords.some((line) => /^STARTTLS\b/i.test(line))) facts.push(fact("startTls", "offered", "EHLO, STARTTLS"));
  const mechanisms = keywords
    .find((line) => /^AUTH[ =]/i.test(line))
    ?.slice(5)
    .split(" ")
    .filter((word) => word !== "");
  if (mechanisms !== undefined && mechanisms.length > 0) {
    facts.push(fact("authentication", mechanisms.slice(0, 16), "EHLO, AUTH"));
  }
  if (keywords.length > 0) facts.push(fact("capabilities", keywords.slice(0, 32), "EHLO"));
  return facts;
}

function* converse(talk: Talk): Conversation {
  const greeting = yield* readReply(talk, "smtp", greetingPatienceMs);
  if (!greeting.ok) return missed(greeting, "no SMTP greeting");
  const { code, lines } = greeting.value;
  const isNamed = /\bE?SMTP\b/i.test(lines.join(" "));
  if (code === 554 || code === 421) {
    // After 554 the server waits for QUIT (RFC 5321 §3.1); after 421 it closes.
    if (code === 554) {
      yield* talk.send("QUIT\r\n");
      yield* readReply(talk, "smtp");
    }
    const facts = describe(greeting.value, null);
    const outcome = isNamed ? "proved" : "suggested";
    return { outcome, evidence: `a ${code} greeting that refuses${isNamed ? ", and names SMTP" : ""}`, facts };
  }
  if (code !== 220) return { outcome: "other", evidence: "no 220 greeting" };
  if (!isNamed && /\bFTP|FTPd?\b/i.test(lines.join(" "))) {
    return { outcome: "other", evidence: "a greeting that names FTP", suggests: ["ftp"] };
  }
  yield* talk.send("EHLO portolan.invalid\r\n");
  const hello = yield* readReply(talk, "smtp", greetingPatienceMs);
  if (!hello.ok) {
    return {
      outcome: "suggested",
      evidence: "a 220 greeting, and no answer to EHLO",
      facts: describe(greeting.value, null),
    };
  }
  yield* talk.send("QUIT\r\n");
  yield* readReply(talk, "smtp");
  const facts = describe(greeting.value, hello.value);
  if (hello.value.code === 250) return { outcome: "proved", evidence: "220 greeting, and 250 to EHLO", facts };
  // 502 and 504 refuse EHLO, 550 refuses us (RFC 5321 §4.2.4, §3.6.2); FTP knows the first too.
  return isNamed && hello.value.code >= 500
    ? { outcome: "proved", evidence: `220 greeting that names SMTP, and ${hello.value.code} to EHLO`, facts }
    : { outcome: "suggested", evidence: `220 greeting, and ${hello.value.code} to EHLO`, facts };
}

/** SMTP, RFC 5321. */
export const smtp: Protocol = {
  id: "smtp",
  title: "SMTP",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [
    { port: 25, transport: "tcp", tls: false },
    { port: 587, transport: "tcp", tls: false },
    { port: 1025, transport: "tcp", tls: false },
    { port: 465, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Mail servers hand mail to each other at port 25; programs hand theirs in at 587 and 465.",
    weakProof: "A 220 greeting without an answer to EHLO, or one that refuses (554, 421) and does not name SMTP.",
    strongProof:
      "A 220 greeting and 250 to EHLO, or a greeting that names SMTP and a refusal, of EHLO or in the greeting itself.",
    claims: [
      { fact: "product", from: "greeting" },
      { fact: "version", from: "greeting, where it has one" },
      { fact: "hostName", from: "greeting, first word" },
      { fact: "startTls", from: "EHLO, STARTTLS" },
      { fact: "authentication", from: "EHLO, AUTH" },
      { fact: "capabilities", from: "EHLO" },
      { fact: "identity", from: "greeting, where it names no known product" },
    ],
    effectOnTarget: "A visit without mail: Postfix logs a connection and its end.",
    wire: [
      { from: "server", bytes: "220 mx.example ESMTP Postfix\\r\\n", meaning: "greeting" },
      {
        from: "client",
        bytes: "EHLO portolan.invalid\\r\\n",
        meaning: "a name that can never be anybody's (RFC 2606)",
      },
      { from: "server", bytes: "250-mx.example\\r\\n250-STARTTLS\\r\\n250 SMTPUTF8\\r\\n", meaning: "what it can do" },
      { from: "client", bytes: "QUIT\\r\\n", meaning: "ends the visit" },
    ],
    sources: ["RFC 5321 §3.1, §4.1.1.1, §4.2", "RFC 3207", "RFC 4954", "RFC 8314"],
  },
  recognise: (bytes) => {
    return matchAny(bytes, ["220 ", "220-", "554 ", "421 "]);
  },
  probe: converse,
  sniff: (bytes) => {
    const upper = Uint8Array.from(bytes.subarray(0, 8), (byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte));
    return { verdict: matchAny(upper, ["EHLO ", "HELO ", "LHLO "]) };
  },
};
