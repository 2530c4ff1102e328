/**
 * @module MongoDB: the command `hello` in an OP_MSG, then `buildInfo` for the version. Written from the specification.
 */
import type { Conversation, Fact, ProbeContext, Protocol } from "./protocol.ts";
import { missed, fact, latin1Bytes, utf8Text, type Parsed, type Talk } from "./talk.ts";

const opMsg = 2013;
const longestMessage = 64 * 1024;
/** Of the length, two numbers and the code. */
const headerLength = 16;

/** A BSON document of one int32 and `$db: "admin"` (bsonspec.org). */
function makeCommand(name: string): Uint8Array {
  const command = [0x10, ...latin1Bytes(name), 0, 1, 0, 0, 0];
  const database = [0x02, ...latin1Bytes("$db"), 0, 6, 0, 0, 0, ...latin1Bytes("admin"), 0];
  const body = [...command, ...database, 0];
  return Uint8Array.of(body.length + 4, 0, 0, 0, ...body);
}

/** Message header, flag bits 0, one section of kind 0 with the document (MongoDB Wire Protocol, OP_MSG). */
function makeMessage(requestId: number, name: string): Uint8Array {
  const document = makeCommand(name);
  const bytes = new Uint8Array(21 + document.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, bytes.length, true);
  view.setInt32(4, requestId, true);
  view.setInt32(12, opMsg, true);
  bytes.set(document, 21);
  return bytes;
}

type Value = string | number | boolean;

function parseMessage(requestId: number): (bytes: Uint8Array) => Parsed<ReadonlyMap<string, Value>> {
  return (bytes) => {
    if (bytes.length < 16) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = view.getInt32(0, true);
    if (length < 26 || length > longestMessage) return null;
    if (view.getInt32(8, true) !== requestId || view.getInt32(12, true) !== opMsg) return null;
    if (bytes.length < length) return undefined;
    if (bytes[20] !== 0) return null;
    const documentLength = view.getInt32(21, true);
    if (documentLength < 5 || 21 + documentLength > length) return null;
    return { value: readDocument(bytes, view, 25, 21 + documentLength - 1), length };
  };
}

/** Sizes of the BSON kinds that have one. */
const fixedSizes: Readonly<Record<number, number>> = {
  1: 8,
  6: 0,
  7: 12,
  8: 1,
  9: 8,
  10: 0,
  16: 4,
  17: 8,
  18: 8,
  19: 16,
  127: 0,
  255: 0,
};

/** The simple values of a document; what is nested or unknown is stepped over, or ends it. */
function readDocument(bytes: Uint8Array, view: DataView, start: number, end: number): ReadonlyMap<string, Value> {
  const values = new Map<string, Value>();
  let at = start;
  for (let count = 0; count < 128 && at < end; count++) {
    const kind = bytes[at]!;
    const nameEnd = bytes.indexOf(0, at + 1);
    if (nameEnd === -1 || nameEnd >= end) break;
    const name = utf8Text(bytes.subarray(at + 1, Math.min(nameEnd, at + 65)));
    at = nameEnd + 1;
    const fixed = fixedSizes[kind];
    if (fixed !== undefined) {
      if (at + fixed > end) break;
      if (kind === 16) values.set(name, view.getInt32(at, true));
      else if (kind === 1) values.set(name, view.getFloat64(at, true));
      else if (kind === 8) values.set(name, bytes[at] === 1);
      at += fixed;
      continue;
    }
    if (at + 4 > end) break;
    const length = view.getInt32(at, true);
    if (kind === 2) {
      if (length < 1 || at + 4 + length > end) break;
      values.set(name, utf8Text(bytes.subarray(at + 4, at + 4 + Math.min(length - 1, 256))));
      at += 4 + length;
    } else if (kind === 5) {
      // Binary: its subtype stands between length and bytes.
      if (length < 0 || at + 5 + length > end) break;
      at += 5 + length;
    } else if (kind === 3 || kind === 4) {
      if (length < 5 || at + length > end) break;
      at += length;
    } else {
      break;
    }
  }
  return values;
}

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const [low = 0, middle = 0, high = 0] = context.random(3);
  const requestId = low | (middle << 8) | (high << 16);
  yield* talk.send(makeMessage(requestId, "hello"));
  const hello = yield* talk.read(parseMessage(requestId));
  if (!hello.ok) return missed(hello);
  const level = hello.value.get("maxWireVersion");
  if (typeof level !== "number")
    return { outcome: "suggested", evidence: "an OP_MSG without maxWireVersion", facts: [] };
  const facts: Fact[] = [fact("protocolVersion", `wire version ${level}`, "hello, maxWireVersion")];
  const set = hello.value.get("setName");
  if (typeof set === "string") facts.push(fact("role", `in replica set ${set}`, "hello, setName"));
  if (hello.value.get("msg") === "isdbgrid") facts.push(fact("role", "router of a sharded cluster", "hello, msg"));
  yield* talk.send(makeMessage(requestId + 1, "buildInfo"));
  const build = yield* talk.read(parseMessage(requestId + 1));
  const version = build.ok ? build.value.get("version") : undefined;
  if (typeof version === "string") {
    // No product: others that speak this protocol give the version of MongoDB that they stand in for.
    facts.push(fact("version", version, "buildInfo, version"));
  }
  return { outcome: "proved", evidence: "answer to hello with our request id and maxWireVersion", facts };
}

/**
 * Length, number, 0 for what it answers, and a code that opens connections: OP_MSG, or OP_QUERY (2004) of older drivers; all little-endian. A
 * byte that is wrong is not waited behind.
 */
function startOfRequest(bytes: Uint8Array): "match" | "no" | "more" {
  const at = (index: number): number => bytes[index] ?? 0;
  // The first message names the driver in 512 bytes at most (MongoDB Handshake specification), and may begin a login.
  const length = at(0) + at(1) * 256;
  if (at(2) !== 0 || at(3) !== 0 || (bytes.length > 1 && length <= headerLength)) return "no";
  if ([8, 9, 10, 11, 14, 15].some((index) => at(index) !== 0)) return "no";
  const codes = [opMsg, 2004];
  if (bytes.length > 12 && codes.every((code) => at(12) !== (code & 255))) return "no";
  if (bytes.length > 13 && codes.every((code) => at(12) + at(13) * 256 !== code)) return "no";
  return bytes.length < headerLength ? "more" : "match";
}

/** MongoDB wire protocol. */
export const mongodb: Protocol = {
  id: "mongodb",
  title: "MongoDB",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 27017, transport: "tcp", tls: false },
    { port: 27018, transport: "tcp", tls: false },
    { port: 27019, transport: "tcp", tls: false },
  ],
  text: {
    purpose: "A database of documents.",
    weakProof: "An OP_MSG with our request id that lacks maxWireVersion.",
    strongProof: "An OP_MSG whose responseTo is our request id, with maxWireVersion.",
    claims: [
      { fact: "protocolVersion", from: "hello, maxWireVersion" },
      { fact: "version", from: "buildInfo, version; of the program, or of the MongoDB that it stands in for" },
      { fact: "role", from: "hello, setName or msg" },
    ],
    effectOnTarget: "The server logs a connection and its end. Written from the specification, not tried on a server.",
    wire: [
      { from: "client", bytes: "… dd 07 00 00 … 10 68 65 6c 6c 6f 00 …", meaning: 'OP_MSG { hello: 1, $db: "admin" }' },
      { from: "server", bytes: "… dd 07 00 00 … maxWireVersion …", meaning: "what it can do" },
    ],
    sources: ["MongoDB documentation, Wire Protocol, OP_MSG", "bsonspec.org, version 1.1"],
  },
  probe: converse,
  sniff: (bytes) => ({ verdict: startOfRequest(bytes) }),
};
