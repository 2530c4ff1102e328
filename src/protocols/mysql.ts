/**
 * @module MySQL and MariaDB: the server's first packet says everything; nothing is sent.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, latin1Text, type Parsed, type Talk } from "./talk.ts";

/** Longest first packet: versions and plugin names are short. */
const longestPacket = 4096;

/** Capability flags: CLIENT_SSL, CLIENT_PLUGIN_AUTH. */
const [clientSsl, clientPluginAuth] = [0x0800, 0x0008_0000];

type Packet =
  | {
      readonly kind: "handshake";
      readonly version: string;
      readonly capabilities: number;
      readonly plugin: string | null;
    }
  | { readonly kind: "error"; readonly code: number };

/** Protocol::HandshakeV10, or ERR_Packet with sequence number 0 (MySQL Source Code Documentation, Connection Phase). */
function parsePacket(bytes: Uint8Array): Parsed<Packet> {
  if (bytes.length < 5) return bytes.length >= 4 && bytes[3] !== 0 ? null : undefined;
  const length = bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16);
  if (bytes[3] !== 0 || length < 3 || length > longestPacket) return null;
  if (bytes[4] !== 0x0a && bytes[4] !== 0xff) return null;
  if (bytes.length < 4 + length) return undefined;
  const body = bytes.subarray(4, 4 + length);
  if (body[0] === 0xff) {
    const code = body[1]! | (body[2]! << 8);
    // Server errors have numbers from 1000 on (Server Error Message Reference).
    const isText = body.length > 3 && body.subarray(3).every((byte) => byte >= 0x20);
    return code >= 1000 && code < 6000 && isText ? { value: { kind: "error", code }, length: 4 + length } : null;
  }
  const end = body.indexOf(0, 1);
  if (end < 2) return null;
  const version = latin1Text(body.subarray(1, end));
  if (!/^\d{1,3}\.\d{1,3}[\x20-\x7e]{0,120}$/.test(version)) return null;
  // After the version: thread id 4, first part of the challenge 8, filler 0, capabilities 2.
  const at = end + 1 + 4 + 8;
  if (body.length < at + 3 || body[at] !== 0) return null;
  let capabilities = body[at + 1]! | (body[at + 2]! << 8);
  let plugin: string | null = null;
  // Character set 1, status 2, upper capabilities 2, length of the challenge 1, reserved 10, the rest of the challenge, plugin.
  if (body.length >= at + 3 + 16) {
    capabilities |= (body[at + 6]! | (body[at + 7]! << 8)) << 16;
    const challenge = Math.max(13, body[at + 8]! - 8);
    const start = at + 3 + 16 + challenge;
    const stop = body.indexOf(0, start);
    if ((capabilities & clientPluginAuth) !== 0 && start < body.length)
      plugin = latin1Text(body.subarray(start, stop === -1 ? body.length : stop));
  }
  return { value: { kind: "handshake", version, capabilities, plugin }, length: 4 + length };
}

function describe(packet: Extract<Packet, { kind: "handshake" }>): Fact[] {
  const from = "handshake, server version";
  const facts: Fact[] = [];
  // MariaDB puts 5.5.5- before its version, for old replicas.
  const version = packet.version.replace(/^5\.5\.5-(?=\d)/, "");
  if (/mariadb/i.test(version)) facts.push(fact("product", "MariaDB", from));
  facts.push(fact("version", version, from), fact("protocolVersion", "10", "handshake, first byte"));
  if ((packet.capabilities & clientSsl) !== 0)
    facts.push(fact("startTls", "offered", "handshake, capability CLIENT_SSL"));
  if (packet.plugin !== null && packet.plugin !== "") {
    facts.push(fact("authentication", [packet.plugin.slice(0, 64)], "handshake, authentication plugin"));
  }
  facts.push(fact("login", "required", "handshake"));
  return facts;
}

/** Errors that servers greet with. */
const errors: Readonly<Record<number, string>> = {
  1040: "too many connections",
  1129: "this address is blocked because of many connection errors",
  1130: "this address is not allowed to connect",
};

function* converse(talk: Talk): Conversation {
  const reading = yield* talk.read(parsePacket);
  if (!reading.ok) return missed(reading, "no MySQL handshake");
  const packet = reading.value;
  if (packet.kind === "handshake") {
    return { outcome: "proved", evidence: "handshake of protocol version 10", facts: describe(packet) };
  }
  const meaning = errors[packet.code];
  const facts = meaning === undefined ? [] : [fact("status", meaning, `error ${packet.code}`)];
  return { outcome: "proved", evidence: `error ${packet.code} in place of the handshake`, facts };
}

/** MySQL's client/server protocol, spoken by MariaDB too. */
export const mysql: Protocol = {
  id: "mysql",
  title: "MySQL",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [{ port: 3306, transport: "tcp", tls: false }],
  text: {
    purpose: "A relational database: MySQL, MariaDB, and what speaks like them.",
    weakProof: null,
    strongProof:
      "A packet with sequence number 0, protocol version 10 and a version text, or one with an error number of the server and a text.",
    claims: [
      { fact: "product", from: "handshake, server version: MariaDB names itself, others do not" },
      { fact: "version", from: "handshake, server version, without the 5.5.5- that MariaDB puts before it" },
      { fact: "startTls", from: "handshake, capability CLIENT_SSL" },
      { fact: "authentication", from: "handshake, authentication plugin" },
      { fact: "status", from: "error number" },
      { fact: "protocolVersion", from: "handshake, first byte" },
      { fact: "login", from: "handshake: a user is always asked for" },
    ],
    effectOnTarget:
      "Nothing is sent. A connection that ends before the login counts as an error of the client's address (max_connect_errors, 100 by default, then the address is blocked) when the server resolves names, and is logged as one warning. A scan makes exactly one connection.",
    wire: [
      {
        from: "server",
        bytes: "5b 00 00 00 0a 35 2e 35 2e 35 2d 31 30 2e 31 31 …00",
        meaning: "length, number 0, protocol 10, version",
      },
    ],
    sources: ["MySQL Source Code Documentation, Protocol::HandshakeV10 and ERR_Packet"],
  },
  recognise: (bytes) => {
    if (bytes.length < 5) return bytes.length >= 4 && bytes[3] !== 0 ? "no" : "more";
    const parsed = parsePacket(bytes);
    return parsed === null ? "no" : parsed === undefined ? "more" : "match";
  },
  probe: converse,
};
