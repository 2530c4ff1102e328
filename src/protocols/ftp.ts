/**
 * @module FTP: a greeting, and the features that FEAT lists.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { readReply, type Reply } from "./reply-lines.ts";
import { missed, fact, latin1Bytes, latin1Text, matchAny, type Talk } from "./talk.ts";

/** Greetings that are sure to carry product and version. */
const productPatterns: readonly RegExp[] = [
  /^\((vsFTPd) (\d[\w.]*)\)$/,
  /^(ProFTPD) (?:Server|(\d[\w.]*))(?= |$)/,
  /\b(FileZilla Server)(?: version)? (\d[\w.]*)/,
  /\b(Pure-FTPd)\b()/,
  /\b(Serv-U FTP Server) v(\d[\w.]*)/,
  /^(Microsoft FTP Service)()$/,
  /\b(pyftpdlib) (\d[\w.]*) ready/,
];

function describe(greeting: Reply, features: Reply | null): Fact[] {
  const facts: Fact[] = [];
  const text = greeting.lines.map((line) => line.trim());
  for (const line of text) {
    const match = productPatterns.map((pattern) => pattern.exec(line)).find((found) => found !== null);
    if (match === undefined || match === null) continue;
    facts.push(fact("product", match[1]!, "greeting"));
    if (match[2] !== undefined && match[2] !== "") facts.push(fact("version", match[2]!, "greeting"));
    break;
  }
  const first = text.find((line) => line !== "");
  if (facts.length === 0 && first !== undefined) facts.push(fact("identity", first, "greeting"));
  const names = (features?.lines ?? []).map((line) => line.trim());
  if (names.some((line) => /^AUTH\b.*\bTLS\b/i.test(line))) facts.push(fact("startTls", "offered", "FEAT, AUTH TLS"));
  const list = features?.code === 211 ? names.slice(1, -1).filter((line) => line !== "") : [];
  if (list.length > 0) facts.push(fact("capabilities", list.slice(0, 32), "FEAT"));
  return facts;
}

function* converse(talk: Talk): Conversation {
  let greeting = yield* readReply(talk, "ftp");
  // 120: ready in some minutes; 220 follows when it is (RFC 959 §5.4).
  if (greeting.ok && greeting.value.code === 120) {
    const first = greeting.value;
    greeting = yield* readReply(talk, "ftp");
    if (!greeting.ok) {
      return { outcome: "suggested", evidence: "a 120 greeting: ready later", facts: describe(first, null) };
    }
  }
  if (!greeting.ok) return missed(greeting, "no FTP greeting");
  const { code } = greeting.value;
  if (code === 421) {
    return {
      outcome: "suggested",
      evidence: "a 421 greeting: not available now",
      facts: describe(greeting.value, null),
    };
  }
  if (code !== 220) return { outcome: "other", evidence: "no 220 greeting" };
  // SMTP greets with 220 as well, and says so in its first line (RFC 5321 §4.2).
  if (/\bE?SMTP\b/i.test(greeting.value.lines[0] ?? "")) {
    return { outcome: "other", evidence: "a greeting that names SMTP", suggests: ["smtp"] };
  }
  yield* talk.send("FEAT\r\n");
  const features = yield* readReply(talk, "ftp");
  if (!features.ok) {
    return {
      outcome: "suggested",
      evidence: "a 220 greeting, and no answer to FEAT",
      facts: describe(greeting.value, null),
    };
  }
  yield* talk.send("QUIT\r\n");
  yield* readReply(talk, "ftp");
  const facts = describe(greeting.value, features.value);
  const answer = features.value.code;
  if (answer === 211 && /feat|ext|end/i.test(features.value.lines.join(" "))) {
    return { outcome: "proved", evidence: "220 greeting, and 211 with features in answer to FEAT", facts };
  }
  // 500 and 502: no such command; 530: not before the login (RFC 959 §4.2.2). Mail servers know these numbers too, and put an
  // enhanced status code after them (RFC 2034); the words about USER, PASS and the login are FTP's own.
  const refusal = features.value.lines.join(" ");
  const wantsLogin = /\bUSER\b|\bPASS\b|\blog(?:ged)?[ -]?[io]n\b/i.test(refusal);
  const isMail = /^[245]\.\d{1,3}\.\d{1,3}(?: |$)/.test(features.value.lines[0] ?? "");
  const isNamed = /\bFTP|FTPd?\b/i.test([...greeting.value.lines, refusal].join(" "));
  if (!isMail && ((answer >= 500 && answer <= 504 && (isNamed || wantsLogin)) || (answer === 530 && wantsLogin))) {
    if (wantsLogin) facts.push(fact("login", "required", "FEAT reply"));
    return { outcome: "proved", evidence: `220 greeting, and ${answer} in FTP's form to FEAT`, facts };
  }
  return { outcome: "suggested", evidence: `220 greeting, and ${answer} to FEAT`, facts };
}

/** FTP, RFC 959. */
export const ftp: Protocol = {
  id: "ftp",
  title: "FTP",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [
    { port: 21, transport: "tcp", tls: false },
    { port: 990, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Moves files, commands on this connection and files on others. Older than encryption; AUTH TLS adds it.",
    weakProof: "A 220 greeting that does not name SMTP, without an answer to FEAT in FTP's form.",
    strongProof:
      "A 220 greeting and 211 with a list in answer to FEAT, or a refusal in FTP's form (500 to 504 or 530, with its words).",
    claims: [
      { fact: "product", from: "greeting" },
      { fact: "version", from: "greeting" },
      { fact: "startTls", from: "FEAT, AUTH TLS" },
      { fact: "capabilities", from: "FEAT" },
      { fact: "login", from: "FEAT reply, where it refuses with words about the login" },
      { fact: "identity", from: "greeting, where it names no known product" },
    ],
    effectOnTarget: "A visit without login; vsftpd logs it as a connection.",
    wire: [
      { from: "server", bytes: "220 (vsFTPd 3.0.3)\\r\\n", meaning: "greeting" },
      { from: "client", bytes: "FEAT\\r\\n", meaning: "asks what it can do" },
      { from: "server", bytes: "211-Features:\\r\\n AUTH TLS\\r\\n…211 End\\r\\n", meaning: "the list" },
      { from: "client", bytes: "QUIT\\r\\n", meaning: "ends the visit" },
    ],
    sources: ["RFC 959 §4.2, §5.4", "RFC 2389 §3", "RFC 4217"],
  },
  recognise: (bytes) => {
    return matchAny(bytes, ["220 ", "220-", "120 ", "421 "]);
  },
  probe: converse,
  // USER and QUIT open mail sessions as well; these open nothing else (RFC 4217 §4, RFC 2389 §3).
  sniff: (bytes) => {
    const upper = latin1Text(bytes.subarray(0, 16)).toUpperCase();
    return { verdict: matchAny(latin1Bytes(upper), ["AUTH TLS\r\n", "AUTH SSL\r\n", "FEAT\r\n"]) };
  },
};
