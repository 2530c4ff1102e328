/**
 * @module TLS: the handshake is the proof; what is inside is asked afterwards. Also reads a client's hello for the gateway.
 */
import type { Conversation, Protocol, Sniff } from "./protocol.ts";
import { latin1Text, type Talk } from "./talk.ts";

/** Longest ClientHello with its record headers that is waited for, bytes. */
const longestHello = 16 * 1024;

/** Largest fragment of a record (RFC 8446 §5.1), bytes. */
const longestFragment = 16 * 1024;

function* converse(talk: Talk): Conversation {
  const tls = yield* talk.startTls(["h2", "http/1.1"]);
  if ("failed" in tls) {
    // A refusal in TLS's own words: a name, a version or a certificate is missed.
    return /_ALERT_|_UNRECOGNIZED_NAME$/.test(tls.failed)
      ? { outcome: "suggested", evidence: `an alert of TLS refused the handshake: ${tls.failed}`, facts: [] }
      : { outcome: "other", evidence: `no TLS handshake: ${tls.failed}` };
  }
  return { outcome: "proved", evidence: `handshake of ${tls.version} with ${tls.cipher}`, facts: [] };
}

/** A server's alert or the start of its handshake (RFC 8446 §5.1, §6). */
function recogniseServer(bytes: Uint8Array): "match" | "no" | "more" {
  const isAlert = bytes[0] === 0x15;
  if (!isAlert && bytes[0] !== 0x16) return "no";
  if (bytes.length > 1 && bytes[1] !== 3) return "no";
  if (bytes.length > 2 && bytes[2]! > 4) return "no";
  if (bytes.length < 6) return "more";
  const length = bytes[3]! * 256 + bytes[4]!;
  if (isAlert) return length === 2 && (bytes[5] === 1 || bytes[5] === 2) ? "match" : "no";
  return length >= 4 && length <= longestFragment && bytes[5] === 2 ? "match" : "no";
}

/** What the record layer has of the handshake message: its bytes so far, and how many it will have. */
interface HelloBytes {
  readonly bytes: Uint8Array;
  /** The handshake header and its body. */
  readonly total: number;
}

/**
 * Reads a ClientHello that may be split over records (RFC 8446 §4.1.2, §5.1): server name (RFC 6066 §3) and ALPN (RFC 7301 §3.1).
 * Answers `no` as soon as it can no longer be one, and for one longer than 16 KiB.
 */
function sniffHello(bytes: Uint8Array): Sniff {
  const hello = gatherHandshake(bytes);
  if (hello === "no" || hello === "more") return { verdict: hello };
  return readHello(new HelloReader(hello));
}

/** Joins the fragments of the records that hold the first handshake message. */
function gatherHandshake(bytes: Uint8Array): HelloBytes | "no" | "more" {
  const gathered = new Uint8Array(Math.min(bytes.length, longestHello));
  let length = 0;
  let total = Infinity;
  let at = 0;
  while (length < total) {
    if (at >= longestHello) return "no";
    // Record header: type 22, version 3.x, length.
    if (at < bytes.length && bytes[at] !== 0x16) return "no";
    if (at + 1 < bytes.length && bytes[at + 1] !== 3) return "no";
    if (at + 2 < bytes.length && bytes[at + 2]! > 4) return "no";
    if (at + 5 > bytes.length) break;
    const fragment = bytes[at + 3]! * 256 + bytes[at + 4]!;
    if (fragment === 0 || fragment > longestFragment) return "no";
    const end = Math.min(at + 5 + fragment, bytes.length, longestHello);
    gathered.set(bytes.subarray(at + 5, end), length);
    length += end - (at + 5);
    if (length > 0 && gathered[0] !== 1) return "no";
    if (length >= 4) {
      total = 4 + gathered[1]! * 65_536 + gathered[2]! * 256 + gathered[3]!;
      if (total + 5 > longestHello) return "no";
    }
    at += 5 + fragment;
    if (at > bytes.length) break;
  }
  if (length === 0) return bytes.length >= longestHello ? "no" : "more";
  if (length < total && bytes.length >= longestHello) return "no";
  return { bytes: gathered.subarray(0, Math.min(length, total)), total };
}

/** Walks through a message of known length of which only the start may be there. */
class HelloReader {
  readonly #bytes: Uint8Array;
  at = 0;
  /** End of the innermost vector that is being read. */
  end: number;

  constructor({ bytes, total }: HelloBytes) {
    this.#bytes = bytes;
    this.end = total;
  }

  /** `no`: the message ends before; `more`: not there yet. */
  missing(count: number): "no" | "more" | null {
    if (this.at + count > this.end) return "no";
    return this.at + count > this.#bytes.length ? "more" : null;
  }

  /** Big-endian number of the bytes that `missing` said are there. */
  number(count: number): number {
    let value = 0;
    for (let index = 0; index < count; index++) value = value * 256 + this.#bytes[this.at++]!;
    return value;
  }

  slice(count: number): Uint8Array {
    const part = this.#bytes.subarray(this.at, this.at + count);
    this.at += count;
    return part;
  }
}

/** Fields of a ClientHello in their order; the first that is wrong or missing decides. */
function readHello(reader: HelloReader): Sniff {
  const head = reader.missing(4 + 2);
  if (head !== null) return { verdict: head };
  reader.number(4);
  if (reader.number(1) !== 3) return { verdict: "no" };
  reader.number(1);
  const random = reader.missing(32);
  if (random !== null) return { verdict: random };
  reader.slice(32);
  for (const vector of helloVectors) {
    const missing = skipVector(reader, vector);
    if (missing !== null) return { verdict: missing };
  }
  // Extensions may be left out before TLS 1.3.
  if (reader.at === reader.end) return { verdict: "match" };
  const counted = reader.missing(2);
  if (counted !== null) return { verdict: counted };
  if (reader.number(2) !== reader.end - reader.at) return { verdict: "no" };
  return readExtensions(reader);
}

interface VectorLimits {
  readonly sizeOfLength: number;
  readonly least: number;
  readonly most: number;
  readonly unit: number;
}

const helloVectors: readonly VectorLimits[] = [
  // legacy_session_id, cipher_suites, legacy_compression_methods
  { sizeOfLength: 1, least: 0, most: 32, unit: 1 },
  { sizeOfLength: 2, least: 2, most: 65_534, unit: 2 },
  { sizeOfLength: 1, least: 1, most: 255, unit: 1 },
];

function skipVector(reader: HelloReader, limits: VectorLimits): "no" | "more" | null {
  const counted = reader.missing(limits.sizeOfLength);
  if (counted !== null) return counted;
  const length = reader.number(limits.sizeOfLength);
  if (length < limits.least || length > limits.most || length % limits.unit !== 0) return "no";
  const missing = reader.missing(length);
  if (missing === null) reader.slice(length);
  return missing;
}

function readExtensions(reader: HelloReader): Sniff {
  const seen = new Set<number>();
  let serverName: string | undefined;
  let alpn: readonly string[] | undefined;
  while (reader.at < reader.end) {
    const header = reader.missing(4);
    if (header !== null) return { verdict: header };
    const type = reader.number(2);
    const length = reader.number(2);
    // One of a kind (RFC 8446 §4.2).
    if (seen.has(type)) return { verdict: "no" };
    seen.add(type);
    const missing = reader.missing(length);
    if (missing !== null) return { verdict: missing };
    const body = reader.slice(length);
    if (type === 0) {
      const name = readServerName(body);
      if (name === null) return { verdict: "no" };
      if (name !== "") serverName = name;
    } else if (type === 16) {
      const names = readAlpn(body);
      if (names === null) return { verdict: "no" };
      alpn = names;
    }
  }
  return {
    verdict: "match",
    ...(serverName === undefined ? {} : { serverName }),
    ...(alpn === undefined ? {} : { alpn }),
  };
}

/** First host name of the list in lower case; empty when none is plain ASCII; `null` when the list is malformed (RFC 6066 §3). */
function readServerName(body: Uint8Array): string | null {
  if (body.length < 2 || body[0]! * 256 + body[1]! !== body.length - 2 || body.length === 2) return null;
  let found = "";
  for (let at = 2; at < body.length;) {
    if (at + 3 > body.length) return null;
    const length = body[at + 1]! * 256 + body[at + 2]!;
    const end = at + 3 + length;
    if (length === 0 || end > body.length) return null;
    const name = latin1Text(body.subarray(at + 3, end));
    if (body[at] === 0 && found === "" && /^[\x21-\x7e]{1,255}$/.test(name)) found = name.toLowerCase();
    at = end;
  }
  return found;
}

/** Protocol names in the client's order; `null` when the list is malformed (RFC 7301 §3.1). */
function readAlpn(body: Uint8Array): readonly string[] | null {
  if (body.length < 2 || body[0]! * 256 + body[1]! !== body.length - 2 || body.length === 2) return null;
  const names: string[] = [];
  for (let at = 2; at < body.length;) {
    const length = body[at]!;
    const end = at + 1 + length;
    if (length === 0 || end > body.length) return null;
    names.push(latin1Text(body.subarray(at + 1, end)));
    at = end;
  }
  return names;
}

/** TLS 1.0 to 1.3, RFC 8446 and RFC 5246. */
export const tls: Protocol = {
  id: "tls",
  title: "TLS (HTTPS)",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 443, transport: "tcp", tls: true },
    { port: 8443, transport: "tcp", tls: true },
  ],
  text: {
    purpose:
      "Encrypts a connection and shows who is at its other end. On port 443 HTTP is inside (HTTPS); other protocols use it the same way on ports of their own.",
    weakProof: "The handshake is refused by an alert of TLS, for want of a server name, a version or a certificate.",
    strongProof: "A handshake that is finished: ServerHello, certificate and both Finished messages fit together.",
    claims: [
      { fact: "tls", from: "ServerHello: version, cipher suite, chosen ALPN protocol" },
      {
        fact: "certificate",
        from: "Certificate message: subject, issuer, names, validity, SHA-256 of its DER form. Nothing is checked against an authority",
      },
    ],
    effectOnTarget:
      "One finished handshake without a client certificate. Servers that ask for one may log that none came. A service that is not TLS sees a few hundred bytes that it cannot read.",
    wire: [
      {
        from: "client",
        bytes: "16 03 01 02 00 01 00 01 FC 03 03",
        meaning:
          "record of a handshake, ClientHello; inside: 32 random bytes, cipher suites, server name, ALPN h2 and http/1.1",
      },
      { from: "server", bytes: "16 03 03 00 7A 02 00 00 76 03 03", meaning: "record of a handshake, ServerHello" },
      { from: "server", bytes: "15 03 03 00 02 02 28", meaning: "or an alert: fatal, handshake_failure" },
    ],
    sources: ["RFC 8446 §4.1.2", "RFC 8446 §4.1.3", "RFC 8446 §5.1", "RFC 8446 §6", "RFC 6066 §3", "RFC 7301 §3.1"],
  },
  recognise: recogniseServer,
  probe: converse,
  sniff: (bytes, transport) => (transport === "tcp" ? sniffHello(bytes) : { verdict: "no" }),
};
