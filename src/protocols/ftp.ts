/**
 * @module FTP: a greeting, and the features that FEAT lists.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { readReply, type Reply } from "./reply-lines.ts";
import { describeEnding, fact, matchPrefix, type Talk } from "./talk.ts";

/** Greetings that are sure to carry product and version. */
const productPatterns: readonly RegExp[] = [
  /^\((vsFTPd) (\d[\w.]*)\)$/,
  /^(ProFTPD) (\d[\w.]*)\b/,
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
    if (match[2] !== "") facts.push(fact("version", match[2]!, "greeting"));
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
  const greeting = yield* readReply(talk, "ftp");
  if (!greeting.ok) {
    return greeting.seen.length === 0
      ? { outcome: "silent", evidence: describeEnding(greeting.why) }
      : { outcome: "other", evidence: "no FTP greeting" };
  }
  const { code } = greeting.value;
  if (code === 421) {
    return {
      outcome: "suggested",
      evidence: "a 421 greeting: not available now",
      facts: describe(greeting.value, null),
    };
  }
  if (code !== 220 && code !== 120) return { outcome: "other", evidence: "no 220 greeting" };
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
  const farewell = yield* readReply(talk, "ftp");
  const facts = describe(greeting.value, features.value);
  const answer = features.value.code;
  if (answer === 211 && /feat|ext|end/i.test(features.value.lines.join(" "))) {
    return { outcome: "proved", evidence: "220 greeting, and 211 with features in answer to FEAT", facts };
  }
  // 500 and 502: no such command; 530: not before the login. FTP and SMTP share 500 and 502, but FTP leaves with 221 Goodbye
  // to QUIT like SMTP does; the words of RFC 959 for the login (USER, PASS) are FTP's own.
  const words = [...features.value.lines, ...(farewell.ok ? farewell.value.lines : []), ...greeting.value.lines].join(
    " ",
  );
  if (answer === 530 || (answer >= 500 && answer <= 504 && /\bFTP|USER\b|PASS\b|log ?in/i.test(words))) {
    facts.push(fact("login", "required", "FEAT reply"));
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
      "A 220 greeting and 211 with a list in answer to FEAT, or a refusal in FTP's form (530, or 500 to 504 with its words).",
    claims: [
      { fact: "product", from: "greeting" },
      { fact: "version", from: "greeting" },
      { fact: "startTls", from: "FEAT, AUTH TLS" },
      { fact: "capabilities", from: "FEAT" },
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
    const starts = ["220 ", "220-", "120 ", "421 "].map((start) => matchPrefix(bytes, start));
    return starts.includes("match") ? "match" : starts.includes("more") ? "more" : "no";
  },
  probe: converse,
};
