/**
 * @module DNS over UDP, TCP and TLS: the reply that echoes our id and question is the proof, whatever its code.
 */
import { encodeQuery, encodeQuestion, number16, readReply, readText, skipName, type Reply } from "./dns-message.ts";
import type { Conversation, Fact, ProbeContext, Protocol, Sniff } from "./protocol.ts";
import { missed, fact, usualPatienceMs, type Parsed, type Reading, type Talk } from "./talk.ts";

/** `. NS IN`: every server knows or refuses it. */
const rootServers = encodeQuestion({ labels: [], type: 2, class: 1 });

/** `version.bind TXT CH`: the version by which a server goes, answered by BIND and, since it is asked so often, by others. */
const versionOfServer = encodeQuestion({ labels: ["version", "bind"], type: 16, class: 3 });

/** Replies to an earlier query that are passed over: one that was sent again is answered twice. */
const mostStale = 3;

/** Longest client's query that is waited for, bytes. */
const longestQuery = 1024;

/** Names of reply codes (RFC 1035 §4.1.1, RFC 2136 §2.2). */
const codeNames: readonly string[] = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

/** How servers name themselves in answer to `version.bind`. */
const namedProduct =
  /^(dnsmasq|unbound|NSD|Knot DNS|Knot Resolver|CoreDNS|PowerDNS (?:Authoritative Server|Recursor))[ -]v?(\d[\w.+~-]*)/;

/** A bare number of a BIND release: `9.18.24-1-Debian`. */
const bareBind = /^9\.\d{1,2}\.\d{1,2}[\w.+~-]*$/;

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const id = context.random(2);
  const first = yield* query(talk, id, rootServers);
  if (!first.ok) return missed(first, "no DNS reply");
  const reply = first.value;
  const name = codeNames[reply.code] ?? `code ${reply.code}`;
  const facts = [fact("status", name, "reply header, RCODE")];
  if (!reply.echoesQuestion) {
    return { outcome: "suggested", evidence: `a bare reply header with our id, ${name}`, facts };
  }
  if (reply.recursionAvailable) facts.push(fact("capabilities", ["recursion"], "reply header, RA"));
  facts.push(...(yield* askVersion(talk, context)));
  return { outcome: "proved", evidence: `reply ${name} with our id and question`, facts };
}

function* askVersion(talk: Talk, context: ProbeContext): Conversation<Fact[]> {
  const reading = yield* query(talk, context.random(2), versionOfServer);
  if (!reading.ok || !reading.value.echoesQuestion) return [];
  const text = readText(reading.value, versionOfServer);
  return text === null || text === "" ? [] : describeVersion(text);
}

function describeVersion(text: string): Fact[] {
  const from = "TXT record of version.bind";
  const named = namedProduct.exec(text);
  if (named !== null) return [fact("product", named[1]!, from), fact("version", named[2]!, from)];
  // The question names the program: "version of BIND?", and this is a number such as BIND's.
  if (bareBind.test(text)) return [fact("product", "BIND", from), fact("version", text, from)];
  return [fact("identity", text, from)];
}

function* query(talk: Talk, id: Uint8Array, question: Uint8Array): Conversation<Reading<Reply>> {
  yield* talk.send(frame(talk.transport, encodeQuery(id, question)));
  const parse = talk.transport === "tcp" ? parseFramed(id, question) : parseDatagram(id, question);
  for (let stale = 0; ; stale++) {
    const reading = yield* talk.read<Reply | null>(parse, usualPatienceMs);
    if (!reading.ok) return reading;
    if (reading.value !== null) return { ok: true, value: reading.value };
    if (stale >= mostStale) return { ok: false, why: "malformed", seen: id };
  }
}

/** Over TCP a message follows its length (RFC 1035 §4.2.2). */
function frame(transport: Talk["transport"], message: Uint8Array): Uint8Array {
  if (transport === "udp") return message;
  const bytes = new Uint8Array(2 + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 255;
  bytes.set(message, 2);
  return bytes;
}

function parseFramed(id: Uint8Array, question: Uint8Array): (bytes: Uint8Array) => Parsed<Reply> {
  return (bytes) => {
    if (bytes.length < 2) return undefined;
    const length = number16(bytes, 0);
    // What is certain after a few bytes is not waited for.
    if (length < 12 || (bytes.length > 2 && bytes[2] !== id[0]) || (bytes.length > 3 && bytes[3] !== id[1]))
      return null;
    if (bytes.length < 2 + length) return undefined;
    const reply = readReply(bytes.subarray(2, 2 + length), id, question);
    return reply === null ? null : { value: reply, length: 2 + length };
  };
}

/** A datagram that is a reply to something else is passed over; one that is no reply at all ends it. */
function parseDatagram(id: Uint8Array, question: Uint8Array): (bytes: Uint8Array) => Parsed<Reply | null> {
  return (bytes) => {
    const reply = readReply(bytes, id, question);
    if (reply !== null) return { value: reply, length: bytes.length };
    return bytes.length >= 12 && (bytes[2]! & 0xf8) === 0x80 ? { value: null, length: bytes.length } : null;
  };
}

/** A client's first query: over TCP behind its length. */
function sniff(bytes: Uint8Array, transport: "tcp" | "udp"): Sniff {
  const start = transport === "tcp" ? 2 : 0;
  const length = transport === "tcp" ? number16(bytes, 0) : bytes.length;
  // 12 bytes of header, at least 5 of question. Whoever says QR 0, opcode 0 and one question has little choice elsewhere.
  if (bytes.length < start) return { verdict: bytes.length === 0 || bytes[0]! <= longestQuery >> 8 ? "more" : "no" };
  if (length < 17 || length > longestQuery) return { verdict: "no" };
  const verdict = readQuery(bytes.subarray(start), length);
  return { verdict: verdict === "more" && transport === "udp" ? "no" : verdict };
}

function readQuery(message: Uint8Array, length: number): "match" | "no" | "more" {
  // QR, opcode and TC are 0, so are Z and RCODE; AD and CD may be set (RFC 4035 §3.2).
  const wanted: readonly (readonly [at: number, mask: number])[] = [
    [2, 0xfe],
    [3, 0x4f],
    [4, 0xff],
    [6, 0xff],
    [7, 0xff],
    [8, 0xff],
    [9, 0xff],
    [10, 0xff],
  ];
  for (const [at, mask] of wanted) if (at < message.length && (message[at]! & mask) !== 0) return "no";
  if (message.length > 5 && message[5] !== 1) return "no";
  if (message.length > 12 && message[12]! > 63) return "no";
  if (message.length < length) return "more";
  const end = skipName(message.subarray(0, length), 12);
  return end !== null && end + 4 <= length ? "match" : "no";
}

function recogniseReply(bytes: Uint8Array): "match" | "no" | "more" {
  // Over TCP, to something that was read as a query: its length, and a header with QR set and no answers in it.
  if (bytes.length >= 2 && (number16(bytes, 0) < 12 || number16(bytes, 0) > longestQuery)) return "no";
  if (bytes.length >= 5 && (bytes[4]! & 0xf8) !== 0x80) return "no";
  if (bytes.length >= 6 && ((bytes[5]! & 0x40) !== 0 || (bytes[5]! & 15) > 5)) return "no";
  if (bytes.length >= 8 && number16(bytes, 6) > 1) return "no";
  return bytes.length >= 8 ? "match" : "more";
}

/** DNS, RFC 1035. */
export const dns: Protocol = {
  id: "dns",
  title: "DNS",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 53, transport: "udp", tls: false },
    { port: 53, transport: "tcp", tls: false },
    { port: 853, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Turns names into addresses and back.",
    weakProof: "A reply header with our id, an error code and no question.",
    strongProof: "A reply with our random id and our question word for word; also one that refuses to answer it.",
    claims: [
      { fact: "status", from: "reply header, RCODE" },
      { fact: "capabilities", from: "reply header, RA: it resolves names for others" },
      { fact: "product", from: "TXT record of version.bind, which BIND, dnsmasq and others answer" },
      { fact: "version", from: "TXT record of version.bind" },
      { fact: "identity", from: "TXT record of version.bind, where its owner wrote something else" },
    ],
    effectOnTarget:
      "Two queries, which count in its statistics and stand in its query log if it keeps one. A server that logs what it refuses may name the query for the root.",
    wire: [
      {
        from: "client",
        bytes: "a1 b2 00 00 00 01 00 00 00 00 00 00 00 00 02 00 01",
        meaning: "id, no flags, one question: . NS IN. Over TCP its length (00 11) goes before it",
      },
      {
        from: "server",
        bytes: "a1 b2 80 05 00 01 00 00 00 00 00 00 00 00 02 00 01",
        meaning: "the same id and question, QR set, code 5: refused",
      },
      {
        from: "client",
        bytes: "c3 d4 00 00 00 01 00 00 00 00 00 00 07 76 65 72 73 69 6f 6e 04 62 69 6e 64 00 00 10 00 03",
        meaning: "version.bind TXT CH",
      },
    ],
    sources: ["RFC 1035 §4.1", "RFC 1035 §4.2", "RFC 7858 §3.1", "RFC 4892"],
  },
  recognise: recogniseReply,
  probe: converse,
  datagram: (context) => encodeQuery(context.random(2), rootServers),
  sniff,
};
