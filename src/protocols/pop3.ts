/**
 * @module POP3: a greeting, and the list of what the server can do.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, latin1Bytes, latin1Text, matchAny, parseLine, type Talk } from "./talk.ts";

/** Most lines of a CAPA answer that are read. */
const mostCapabilities = 64;

/** Names that greetings are sure to carry for their own product. */
const productPatterns: readonly (readonly [product: string, pattern: RegExp])[] = [
  ["Dovecot", /\bDovecot\b/],
  ["Courier", /^\+OK Hello there\.|\bCourier\b/],
  ["Cyrus POP3", /\bCyrus POP3\b/],
  ["Qpopper", /\bQPOP\b/],
  ["Microsoft Exchange", /\bMicrosoft Exchange\b/],
];

function describe(greeting: string, capabilities: readonly string[]): Fact[] {
  const facts: Fact[] = [];
  const product = productPatterns.find(([, pattern]) => pattern.test(greeting))?.[0];
  if (product !== undefined) facts.push(fact("product", product, "greeting"));
  const cyrus = /\bCyrus POP3 v?(\d[\w.]*)/.exec(greeting)?.[1];
  if (cyrus !== undefined) facts.push(fact("version", cyrus, "greeting"));
  const text = greeting.replace(/^\+OK ?/, "");
  if (product === undefined && text !== "") facts.push(fact("identity", text, "greeting"));
  // APOP: the greeting ends in a time stamp (RFC 1939 §7).
  const apop = /<[^<>@ ]+@[^<>@ ]+>$/.test(greeting);
  const mechanisms =
    capabilities
      .find((line) => /^SASL /i.test(line))
      ?.split(" ")
      .slice(1) ?? [];
  if (capabilities.some((line) => /^STLS$/i.test(line))) facts.push(fact("startTls", "offered", "CAPA, STLS"));
  const authentication = [...(apop ? ["APOP"] : []), ...mechanisms.slice(0, 16)];
  if (authentication.length > 0) {
    facts.push(fact("authentication", authentication, apop ? "greeting, time stamp, and CAPA, SASL" : "CAPA, SASL"));
  }
  const implementation = capabilities.find((line) => /^IMPLEMENTATION /i.test(line))?.slice(15);
  if (implementation !== undefined) facts.push(fact("identity", implementation, "CAPA, IMPLEMENTATION"));
  facts.push(fact("login", "required", "greeting"));
  return facts;
}

function* converse(talk: Talk): Conversation {
  const greeting = yield* talk.read(parseLine);
  if (!greeting.ok) return missed(greeting, "no greeting line");
  if (!/^\+OK(?: |$)/.test(greeting.value)) {
    return /^-ERR(?: |$)/.test(greeting.value)
      ? { outcome: "suggested", evidence: "a greeting that refuses (-ERR)", facts: [] }
      : { outcome: "other", evidence: "no +OK greeting" };
  }
  yield* talk.send("CAPA\r\n");
  const answer = yield* talk.read(parseLine);
  if (!answer.ok || !/^(?:\+OK|-ERR)(?: |$)/.test(answer.value)) {
    return {
      outcome: "suggested",
      evidence: "a +OK greeting, and no answer to CAPA",
      facts: describe(greeting.value, []),
    };
  }
  const capabilities: string[] = [];
  let ended = answer.value.startsWith("-");
  while (!ended && capabilities.length < mostCapabilities) {
    const line = yield* talk.read(parseLine);
    if (!line.ok) break;
    if (line.value === ".") ended = true;
    else capabilities.push(line.value);
  }
  yield* talk.send("QUIT\r\n");
  yield* talk.read(parseLine);
  const facts = describe(greeting.value, capabilities);
  if (!ended) return { outcome: "suggested", evidence: "a +OK greeting, and a list without end", facts };
  return answer.value.startsWith("-")
    ? { outcome: "proved", evidence: "a +OK greeting, and -ERR to CAPA", facts }
    : { outcome: "proved", evidence: "a +OK greeting, and the list that CAPA brings", facts };
}

/** POP3, RFC 1939. */
export const pop3: Protocol = {
  id: "pop3",
  title: "POP3",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [
    { port: 110, transport: "tcp", tls: false },
    { port: 995, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Fetches mail from a mailbox, usually to delete it there.",
    weakProof: "A +OK greeting without an answer to CAPA, or a greeting -ERR.",
    strongProof: "A +OK greeting, and the list that CAPA brings, ended by a dot; a refusal of CAPA counts.",
    claims: [
      { fact: "product", from: "greeting" },
      { fact: "startTls", from: "CAPA, STLS" },
      { fact: "version", from: "greeting" },
      { fact: "authentication", from: "CAPA, SASL, and the greeting's time stamp for APOP" },
      { fact: "login", from: "greeting: what follows it is the login" },
      { fact: "identity", from: "greeting or CAPA, IMPLEMENTATION" },
    ],
    effectOnTarget: "A visit without login, which Dovecot writes down as an aborted one at information level.",
    wire: [
      { from: "server", bytes: "+OK Dovecot (Debian) ready.\\r\\n", meaning: "greeting" },
      { from: "client", bytes: "CAPA\\r\\n", meaning: "asks what it can do" },
      { from: "server", bytes: "+OK\\r\\nCAPA\\r\\n…\\r\\nSTLS\\r\\n.\\r\\n", meaning: "the list" },
      { from: "client", bytes: "QUIT\\r\\n", meaning: "ends the visit" },
    ],
    sources: ["RFC 1939 §4", "RFC 2449 §5", "RFC 2595 §4", "RFC 8314"],
  },
  recognise: (bytes) => {
    // Redis refuses foreign hellos with -ERR and a text that says so.
    if (matchAny(bytes, ["-ERR unknown command", "-ERR wrong number"]) === "match") return "no";
    return matchAny(bytes, ["+OK", "-ERR"]);
  },
  probe: converse,
  sniff: (bytes) => {
    // USER and QUIT open other protocols' sessions as well.
    const upper = latin1Bytes(latin1Text(bytes.subarray(0, 8)).toUpperCase());
    return { verdict: matchAny(upper, ["CAPA\r\n", "APOP ", "STLS\r\n"]) };
  },
};
