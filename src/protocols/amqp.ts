/**
 * @module AMQP 0-9-1: the protocol header, and the broker's connection.start with its properties.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, matchPrefix, utf8Text, type Parsed, type Talk } from "./talk.ts";

/** `AMQP` 0 0 9 1 (AMQP 0-9-1 §4.2.2). */
const header = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1);

const longestFrame = 64 * 1024;

type Answer =
  | {
      readonly kind: "start";
      readonly properties: ReadonlyMap<string, string>;
      readonly mechanisms: string;
      readonly version: string;
    }
  | { readonly kind: "header"; readonly version: string };

function parseAnswer(bytes: Uint8Array): Parsed<Answer> {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === 0x41) {
    const verdict = startOfHeader(bytes);
    if (verdict !== "match") return verdict === "more" ? undefined : null;
    // A server that has this very version goes on; our own header comes back from an echo.
    if (matchPrefix(bytes, header) === "match") return null;
    const version = [...bytes.subarray(5, bytes[7] === 0 ? 7 : 8)].join("-");
    return { value: { kind: "header", version }, length: 8 };
  }
  // Method frame on channel 0 (§4.2.3): type 1, channel, size, class 10, method 10, and the frame's end 0xCE.
  if (bytes[0] !== 1) return null;
  if (bytes.length >= 3 && (bytes[1] !== 0 || bytes[2] !== 0)) return null;
  if (bytes.length < 11) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint32(3);
  if (size < 16 || size > longestFrame || view.getUint16(7) !== 10 || view.getUint16(9) !== 10) return null;
  if (bytes.length < size + 8) return undefined;
  if (bytes[size + 7] !== 0xce) return null;
  const end = size + 7;
  const version = `${bytes[11]}-${bytes[12]}`;
  const tableLength = view.getUint32(13);
  if (17 + tableLength + 4 > end) return null;
  const properties = readTable(bytes, view, 17, 17 + tableLength);
  const at = 17 + tableLength;
  const length = view.getUint32(at);
  if (at + 4 + length > end) return null;
  const mechanisms = utf8Text(bytes.subarray(at + 4, at + 4 + length));
  return { value: { kind: "start", properties, mechanisms, version }, length: size + 8 };
}

/** `AMQP`, a protocol id up to 3, and a version that exists: 0-8, 0-9, 0-9-1, 0-10 or 1-0-0 in the ways they are written. */
function startOfHeader(bytes: Uint8Array): "match" | "no" | "more" {
  const name = matchPrefix(bytes, "AMQP");
  if (name !== "match") return name;
  const limits = [3, 1, 10, 10];
  for (const [index, limit] of limits.entries()) {
    const byte = bytes[4 + index];
    if (byte === undefined) return "more";
    if (byte > limit) return "no";
  }
  return "match";
}

/** The texts of a field table (§4.2.5.5); other kinds of fields are skipped, and what is unknown ends it. */
function readTable(bytes: Uint8Array, view: DataView, start: number, end: number): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let at = start;
  for (let count = 0; count < 64 && at < end; count++) {
    const nameLength = bytes[at]!;
    const name = utf8Text(bytes.subarray(at + 1, at + 1 + nameLength));
    at += 1 + nameLength;
    if (at >= end) break;
    const kind = String.fromCharCode(bytes[at]!);
    at += 1;
    const fixed = fixedSizes[kind];
    if (fixed !== undefined) {
      at += fixed;
      continue;
    }
    if (!"SFAx".includes(kind) || at + 4 > end) break;
    const length = view.getUint32(at);
    at += 4;
    if (at + length > end) break;
    if (kind === "S") texts.set(name, utf8Text(bytes.subarray(at, at + Math.min(length, 256))));
    at += length;
  }
  return texts;
}

/** Sizes of the field kinds that have one. */
const fixedSizes: Readonly<Record<string, number>> = {
  t: 1,
  b: 1,
  B: 1,
  s: 2,
  u: 2,
  U: 2,
  I: 4,
  i: 4,
  l: 8,
  L: 8,
  f: 4,
  d: 8,
  D: 5,
  T: 8,
  V: 0,
};

function describe(answer: Extract<Answer, { kind: "start" }>): Fact[] {
  const from = (field: string): string => `connection.start, ${field}`;
  const facts: Fact[] = [fact("protocolVersion", answer.version, from("version"))];
  const product = answer.properties.get("product");
  if (product !== undefined) facts.push(fact("product", product, from("server-properties, product")));
  const version = answer.properties.get("version");
  if (version !== undefined) facts.push(fact("version", version, from("server-properties, version")));
  const platform = answer.properties.get("platform");
  if (platform !== undefined) facts.push(fact("identity", platform, from("server-properties, platform")));
  const mechanisms = answer.mechanisms
    .split(" ")
    .filter((word) => word !== "")
    .slice(0, 16);
  if (mechanisms.length > 0) facts.push(fact("authentication", mechanisms, from("mechanisms")));
  facts.push(fact("login", "required", from("mechanisms")));
  return facts;
}

function* converse(talk: Talk): Conversation {
  yield* talk.send(header);
  const reading = yield* talk.read(parseAnswer);
  if (!reading.ok) return missed(reading);
  const answer = reading.value;
  if (answer.kind === "header") {
    const facts = [fact("protocolVersion", answer.version, "protocol header")];
    return { outcome: "proved", evidence: "the server's own protocol header in answer to ours", facts };
  }
  return { outcome: "proved", evidence: "connection.start with server properties", facts: describe(answer) };
}

/** AMQP 0-9-1. */
export const amqp: Protocol = {
  id: "amqp",
  title: "AMQP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 5672, transport: "tcp", tls: false },
    { port: 5671, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Passes messages between programs through queues of a broker such as RabbitMQ.",
    weakProof: null,
    strongProof:
      "connection.start in answer to the protocol header, or the server's own header when it speaks another version.",
    claims: [
      { fact: "protocolVersion", from: "connection.start or protocol header" },
      { fact: "product", from: "connection.start, server-properties, product" },
      { fact: "version", from: "connection.start, server-properties, version" },
      { fact: "identity", from: "connection.start, server-properties, platform" },
      { fact: "authentication", from: "connection.start, mechanisms" },
      { fact: "login", from: "connection.start, mechanisms: one of them must be used" },
    ],
    effectOnTarget:
      "The connection ends before the login. RabbitMQ logs a warning that the client unexpectedly closed it; whatever is sent instead, also connection.close, it logs as an error.",
    wire: [
      { from: "client", bytes: "41 4d 51 50 00 00 09 01", meaning: "AMQP 0-9-1" },
      { from: "server", bytes: "01 00 00 … 00 0a 00 0a 00 09 …", meaning: "connection.start" },
    ],
    sources: ["AMQP 0-9-1 §4.2.2", "AMQP 0-9-1 §1.4.2.1 (connection.start)"],
  },
  recognise: startOfHeader,
  probe: converse,
  sniff: (bytes) => ({ verdict: startOfHeader(bytes) }),
};
