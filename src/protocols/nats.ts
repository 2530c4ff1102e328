/**
 * @module NATS: the server opens with INFO and a JSON object.
 */
import type { Conversation, Fact, ProbeContext, Protocol } from "./protocol.ts";
import { missed, fact, latin1Bytes, matchPrefix, utf8Text, type Parsed, type Talk } from "./talk.ts";

/** Longest INFO line: servers in large clusters list their neighbours in it. */
const longestInfo = 32 * 1024;

function parseInfo(bytes: Uint8Array): Parsed<Readonly<Record<string, unknown>>> {
  if (matchPrefix(bytes, "INFO ") === "no") return null;
  const end = bytes.indexOf(10);
  if (end === -1) return bytes.length > longestInfo ? null : undefined;
  try {
    const value: unknown = JSON.parse(utf8Text(bytes.subarray(5, end)));
    if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
    return { value: value as Readonly<Record<string, unknown>>, length: end + 1 };
  } catch {
    return null;
  }
}

function describe(info: Readonly<Record<string, unknown>>): Fact[] {
  const from = (field: string): string => `INFO, field ${field}`;
  const facts: Fact[] = [fact("product", "NATS", "INFO")];
  if (typeof info["version"] === "string") facts.push(fact("version", info["version"], from("version")));
  if (typeof info["proto"] === "number") facts.push(fact("protocolVersion", String(info["proto"]), from("proto")));
  if (info["auth_required"] === true) facts.push(fact("login", "required", from("auth_required")));
  if (info["tls_required"] === true || info["tls_available"] === true) {
    const isRequired = info["tls_required"] === true;
    facts.push(
      fact("startTls", isRequired ? "required" : "offered", from(isRequired ? "tls_required" : "tls_available")),
    );
  }
  if (typeof info["cluster"] === "string") facts.push(fact("role", `in cluster ${info["cluster"]}`, from("cluster")));
  return facts;
}

function* converse(talk: Talk, { tls }: ProbeContext): Conversation {
  const reading = yield* talk.read(parseInfo);
  if (!reading.ok) return missed(reading, "no INFO line");
  const info = reading.value;
  if (typeof info["server_id"] !== "string" && typeof info["max_payload"] !== "number") {
    return { outcome: "suggested", evidence: "an INFO line without the fields of NATS", facts: [] };
  }
  // A server that demands TLS logs an error when the handshake is not finished.
  if (info["tls_required"] === true && tls === null) yield* talk.startTls();
  return { outcome: "proved", evidence: "INFO line with the fields of NATS", facts: describe(info) };
}

/** NATS, the client protocol of nats-server. */
export const nats: Protocol = {
  id: "nats",
  title: "NATS",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [{ port: 4222, transport: "tcp", tls: false }],
  text: {
    purpose: "Passes messages between programs by subject.",
    weakProof: "A line INFO with a JSON object that lacks server_id and max_payload.",
    strongProof: "A line INFO with a JSON object that has server_id or max_payload.",
    claims: [
      { fact: "product", from: "INFO line" },
      { fact: "version", from: "INFO, field version" },
      { fact: "protocolVersion", from: "INFO, field proto" },
      { fact: "login", from: "INFO, field auth_required" },
      { fact: "startTls", from: "INFO, fields tls_required and tls_available" },
      { fact: "role", from: "INFO, field cluster" },
    ],
    effectOnTarget:
      "Nothing is sent, except that the handshake of TLS is finished where INFO demands it, because the server logs an error otherwise. It logs the end of a connection at debug level.",
    wire: [
      {
        from: "server",
        bytes: 'INFO {"server_id":"N…","version":"2.9.10","proto":1,"max_payload":1048576,…}\\r\\n',
        meaning: "who it is and what it demands",
      },
    ],
    sources: ["NATS documentation, Client Protocol, INFO"],
  },
  recognise: (bytes) => matchPrefix(bytes, "INFO {"),
  probe: converse,
  sniff: (bytes) => {
    const start = matchPrefix(bytes, latin1Bytes("CONNECT {"));
    return { verdict: start };
  },
};
