/**
 * @module SMB 2 and 3: the reply to a NEGOTIATE request is the proof. Nobody logs in, and no product is ever named on this wire.
 */
import type { Conversation, Fact, ProbeContext, Protocol, Verdict } from "./protocol.ts";
import { missed, fact, type Parsed, startsLike, type Talk } from "./talk.ts";

/** Bytes of a header ([MS-SMB2] 2.2.1.2). */
const headerLength = 64;

/** Longest reply to a NEGOTIATE that is waited for, bytes: a header, a fixed part of 64, and a token of some hundred. */
const longestReply = 16 * 1024;

/** Dialects by their number ([MS-SMB2] 2.2.3), those that can be asked for without negotiate contexts. */
const dialects: ReadonlyMap<number, string> = new Map([
  [0x0202, "2.0.2"],
  [0x0210, "2.1"],
  [0x0300, "3.0"],
  [0x0302, "3.0.2"],
]);

/** What a server can do, by the bits of Capabilities ([MS-SMB2] 2.2.4). */
const capabilityNames: readonly (readonly [bit: number, name: string])[] = [
  [0x01, "DFS"],
  [0x02, "leasing"],
  [0x04, "large MTU"],
  [0x08, "multichannel"],
  [0x10, "persistent handles"],
  [0x20, "directory leasing"],
  [0x40, "encryption"],
];

/** Object identifiers of mechanisms as they stand in the security buffer (RFC 4178 §4.2.1, RFC 4121 §1, [MS-SPNG] 1.9). */
const mechanisms: readonly (readonly [bytes: readonly number[], name: string])[] = [
  [[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x12, 0x01, 0x02, 0x02], "Kerberos"],
  [[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a], "NTLM"],
  [[0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x1e], "NegoEx"],
];

/** A NEGOTIATE request ([MS-SMB2] 2.2.3) behind its length ([MS-SMB2] 2.1). */
function encodeNegotiate(clientGuid: Uint8Array): Uint8Array {
  const length = headerLength + 36 + 2 * dialects.size;
  const bytes = new Uint8Array(4 + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  bytes.set([0xfe, 0x53, 0x4d, 0x42], 4);
  // StructureSize 64, CreditRequest 1, everything else 0: command NEGOTIATE, message 0, no session.
  view.setUint16(4 + 4, headerLength, true);
  view.setUint16(4 + 14, 1, true);
  const body = 4 + headerLength;
  view.setUint16(body, 36, true);
  view.setUint16(body + 2, dialects.size, true);
  // SecurityMode: signing is possible.
  view.setUint16(body + 4, 1, true);
  bytes.set(clientGuid.subarray(0, 16), body + 12);
  let at = body + 36;
  for (const dialect of dialects.keys()) {
    view.setUint16(at, dialect, true);
    at += 2;
  }
  return bytes;
}

/** One message behind its length, of SMB 1 or 2. */
function parseMessage(bytes: Uint8Array): Parsed<DataView> {
  const verdict = startOfMessage(bytes);
  if (verdict === "no") return null;
  const length = bytes.length < 4 ? Infinity : bytes[2]! * 256 + bytes[3]!;
  if (bytes.length < 4 + length) return undefined;
  return { value: new DataView(bytes.buffer, bytes.byteOffset + 4, length), length: 4 + length };
}

/** Length and magic of a message from a server. */
function startOfMessage(bytes: Uint8Array): "match" | "no" | "more" {
  if (!startsLike(bytes, Uint8Array.of(0, 0))) return "no";
  if (bytes.length >= 4) {
    const length = bytes[2]! * 256 + bytes[3]!;
    if (length < 35 || length > longestReply) return "no";
  }
  if (bytes.length < 5) return "more";
  if (bytes[4] !== 0xfe && bytes[4] !== 0xff) return "no";
  if (!startsLike(bytes.subarray(5), "SMB")) return "no";
  return bytes.length >= 8 ? "match" : "more";
}

function* converse(talk: Talk, context: ProbeContext): Conversation {
  if (talk.unread.length > 0) return { outcome: "other", evidence: "a greeting before anything was asked" };
  yield* talk.send(encodeNegotiate(context.random(16)));
  const reading = yield* talk.read(parseMessage);
  if (reading.ok) return describe(reading.value);
  return missed(reading, "no SMB message");
}

function describe(message: DataView): Verdict {
  if (message.getUint8(0) === 0xff) return describeOld(message);
  if (message.byteLength < headerLength + 9) return { outcome: "other", evidence: "an SMB message that is too short" };
  const isReply =
    message.getUint16(4, true) === headerLength &&
    message.getUint16(12, true) === 0 &&
    // Flags: SMB2_FLAGS_SERVER_TO_REDIR.
    (message.getUint32(16, true) & 1) === 1 &&
    message.getBigUint64(24, true) === 0n;
  if (!isReply) return { outcome: "other", evidence: "an SMB message that is no reply to NEGOTIATE" };
  const status = message.getUint32(8, true);
  const size = message.getUint16(headerLength, true);
  if (status !== 0 && size === 9) {
    const text = `0x${status.toString(16).padStart(8, "0")}`;
    return {
      outcome: "proved",
      evidence: `NEGOTIATE refused with status ${text}`,
      facts: [fact("status", text, "SMB2 header, Status")],
    };
  }
  if (status !== 0 || size !== 65 || message.byteLength < headerLength + 64) {
    return { outcome: "other", evidence: "a malformed reply to NEGOTIATE" };
  }
  const number = message.getUint16(headerLength + 4, true);
  const dialect = dialects.get(number);
  if (dialect === undefined) return { outcome: "other", evidence: "a dialect that was not offered" };
  return {
    outcome: "proved",
    evidence: `reply to NEGOTIATE with dialect ${dialect}`,
    facts: readFacts(message, dialect),
  };
}

function readFacts(message: DataView, dialect: string): readonly Fact[] {
  const facts = [fact("protocolVersion", dialect, "NEGOTIATE reply, DialectRevision")];
  const mode = message.getUint16(headerLength + 2, true);
  const bits = message.getUint32(headerLength + 24, true);
  const names = capabilityNames.filter(([bit]) => (bits & bit) !== 0).map(([, name]) => name);
  const signing = (mode & 2) !== 0 ? "signing required" : "signing optional";
  facts.push(fact("capabilities", [signing, ...names], "NEGOTIATE reply, SecurityMode and Capabilities"));
  const offset = message.getUint16(headerLength + 56, true);
  const length = message.getUint16(headerLength + 58, true);
  if (offset >= headerLength + 64 && offset + length <= message.byteLength) {
    const token = new Uint8Array(message.buffer, message.byteOffset + offset, length);
    const found = mechanisms.filter(([bytes]) => contains(token, bytes)).map(([, name]) => name);
    if (found.length > 0) facts.push(fact("authentication", found, "NEGOTIATE reply, security buffer"));
  }
  return facts;
}

/** SMB 1 in answer to SMB 2: a header with command NEGOTIATE and the reply bit ([MS-CIFS] 2.2.3.1). */
function describeOld(message: DataView): Verdict {
  const isReply = message.getUint8(4) === 0x72 && (message.getUint8(9) & 0x80) !== 0;
  if (!isReply) return { outcome: "other", evidence: "an SMB 1 message that is no reply to NEGOTIATE" };
  const facts = [fact("protocolVersion", "1", "SMB header")];
  return { outcome: "suggested", evidence: "a reply to NEGOTIATE in SMB 1", facts };
}

function contains(bytes: Uint8Array, wanted: readonly number[]): boolean {
  for (let start = 0; start + wanted.length <= bytes.length; start++) {
    if (wanted.every((byte, index) => bytes[start + index] === byte)) return true;
  }
  return false;
}

/** SMB 2 and 3, [MS-SMB2]. */
export const smb: Protocol = {
  id: "smb",
  title: "SMB",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 445, transport: "tcp", tls: false }],
  text: {
    purpose: "Files and printers of another machine, as Windows shares them.",
    weakProof: "A reply to NEGOTIATE in SMB 1.",
    strongProof: "A reply to NEGOTIATE in SMB 2 with a dialect that was offered, or one that refuses all of them.",
    claims: [
      { fact: "protocolVersion", from: "NEGOTIATE reply, DialectRevision: the newest that both have, up to 3.0.2" },
      { fact: "capabilities", from: "NEGOTIATE reply, SecurityMode and Capabilities" },
      { fact: "authentication", from: "NEGOTIATE reply, object identifiers in the security buffer" },
      { fact: "status", from: "SMB2 header, Status, where it is an error" },
    ],
    effectOnTarget: "One connection without a session. Samba logs nothing at its usual level.",
    wire: [
      {
        from: "client",
        bytes: "00 00 00 6c fe 53 4d 42 40 00 …",
        meaning: "length, then an SMB2 header with command 0, NEGOTIATE",
      },
      {
        from: "client",
        bytes: "24 00 04 00 01 00 … 02 02 10 02 00 03 02 03",
        meaning: "its body: four dialects, signing possible, a random client id",
      },
      {
        from: "server",
        bytes: "00 00 … fe 53 4d 42 40 00 … 41 00 01 00 02 03",
        meaning: "the reply: signing enabled but not required, dialect 3.0.2",
      },
    ],
    sources: ["[MS-SMB2] 2.1", "[MS-SMB2] 2.2.1.2", "[MS-SMB2] 2.2.3", "[MS-SMB2] 2.2.4"],
  },
  recognise: startOfMessage,
  probe: converse,
  sniff: (bytes) => ({ verdict: startOfMessage(bytes) }),
};
