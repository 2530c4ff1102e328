/**
 * @module RDP: the confirmation of a connection, with the security that the server chose, is the proof. Nobody logs in.
 */
import type { Conversation, Fact, Protocol, Verdict } from "./protocol.ts";
import { missed, fact, type Parsed, startsLike, type Talk } from "./talk.ts";

/** Longest packet that is waited for in this place, bytes: 19 are usual. */
const longestPacket = 512;

/** What was asked for: TLS, CredSSP, and CredSSP with early answer ([MS-RDPBCGR] 2.2.1.1.1). */
const requested = 0x0b;

/** An X.224 Connection Request with a negotiation request ([MS-RDPBCGR] 2.2.1.1). */
const connectionRequest = Uint8Array.of(3, 0, 0, 19, 14, 0xe0, 0, 0, 0, 0, 0, 1, 0, 8, 0, requested, 0, 0, 0);

/** selectedProtocol ([MS-RDPBCGR] 2.2.1.2.1). */
const levels: ReadonlyMap<number, string> = new Map([
  [0, "RDP's own encryption"],
  [1, "TLS"],
  [2, "CredSSP"],
  [8, "CredSSP with early answer"],
]);

/** failureCode ([MS-RDPBCGR] 2.2.1.2.2). */
const failures: ReadonlyMap<number, string> = new Map([
  [1, "TLS required"],
  [2, "TLS not allowed"],
  [3, "no certificate"],
  [4, "inconsistent flags"],
  [5, "CredSSP required"],
  [6, "TLS with user authentication required"],
]);

/** A Connection Confirm: its negotiation part, `null` for none. */
type Confirm = { readonly type: number; readonly value: number } | null;

/** TPKT and X.224 Connection Confirm ([MS-RDPBCGR] 2.2.1.2, RFC 1006 §6). */
function parseConfirm(bytes: Uint8Array): Parsed<Confirm> {
  const start = startOfPacket(bytes, 0xd0);
  if (start === "no") return null;
  const length = bytes.length < 4 ? Infinity : bytes[2]! * 256 + bytes[3]!;
  if (bytes.length < length) return undefined;
  if (length === 11) return { value: null, length };
  // Class 0, then type, flags, length 8 and a number.
  if (length !== 19 || bytes[10] !== 0 || bytes[13] !== 8 || bytes[14] !== 0) return null;
  const value = new DataView(bytes.buffer, bytes.byteOffset).getUint32(15, true);
  return { value: { type: bytes[11]!, value }, length };
}

/** `03 00`, length, and an X.224 packet of that kind whose own length fits. */
function startOfPacket(bytes: Uint8Array, kind: number): "match" | "no" | "more" {
  if (!startsLike(bytes, Uint8Array.of(3, 0))) return "no";
  if (bytes.length < 4) return bytes.length > 2 && bytes[2]! > longestPacket >> 8 ? "no" : "more";
  const length = bytes[2]! * 256 + bytes[3]!;
  if (length < 11 || length > longestPacket) return "no";
  // The length indicator does not count itself, and ends at 254 (ISO 8073 §13.2.1).
  if (bytes.length > 4 && bytes[4] !== length - 5) return "no";
  if (bytes.length > 5 && bytes[5] !== kind) return "no";
  return bytes.length > 5 ? "match" : "more";
}

function* converse(talk: Talk): Conversation {
  if (talk.unread.length > 0) return { outcome: "other", evidence: "a greeting before anything was asked" };
  yield* talk.send(connectionRequest);
  const reading = yield* talk.read(parseConfirm);
  if (!reading.ok) return missed(reading, "no X.224 Connection Confirm");
  return yield* judge(talk, reading.value);
}

function* judge(talk: Talk, confirm: Confirm): Conversation {
  const from = "Connection Confirm";
  if (confirm === null) {
    // Every service on ISO transport (RFC 1006) confirms like this.
    return { outcome: "suggested", evidence: "an X.224 Connection Confirm without negotiation", facts: [] };
  }
  const { type, value } = confirm;
  if (type === 3) {
    const failure = failures.get(value);
    if (failure === undefined) return { outcome: "other", evidence: "an unknown failure code" };
    return prove(`negotiation refused: ${failure}`, [fact("status", failure, `${from}, failureCode`)]);
  }
  const level = levels.get(value);
  if (type !== 2 || level === undefined) return { outcome: "other", evidence: "an unknown negotiation response" };
  const facts = [fact("capabilities", [level], `${from}, selectedProtocol`)];
  if ((value & requested) !== 0) {
    facts.push(fact("startTls", "required", `${from}, selectedProtocol`));
    if (value !== 1) facts.push(fact("login", "required by NLA", `${from}, selectedProtocol`));
    yield* talk.startTls();
  }
  return prove(`Connection Confirm with ${level}`, facts);
}

function prove(evidence: string, facts: readonly Fact[]): Verdict {
  return { outcome: "proved", evidence, facts };
}

/** RDP, [MS-RDPBCGR]. */
export const rdp: Protocol = {
  id: "rdp",
  title: "RDP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 3389, transport: "tcp", tls: false }],
  text: {
    purpose: "The screen, keyboard and mouse of another machine, as Windows shares them.",
    weakProof: "A Connection Confirm without negotiation: very old servers, and everything else on ISO transport.",
    strongProof: "A Connection Confirm with a negotiation response (type 02) or failure (type 03).",
    claims: [
      { fact: "capabilities", from: "Connection Confirm, selectedProtocol: how the connection is protected" },
      { fact: "startTls", from: "Connection Confirm, selectedProtocol: TLS or CredSSP, which runs inside TLS" },
      { fact: "login", from: "Connection Confirm, selectedProtocol: CredSSP wants a login before anything else (NLA)" },
      { fact: "status", from: "Connection Confirm, failureCode" },
      { fact: "tls", from: "handshake after the Connection Confirm" },
      { fact: "certificate", from: "handshake after the Connection Confirm" },
    ],
    effectOnTarget:
      "One connection that ends after the TLS handshake and before a login. xrdp logs some lines of errors for every connection that does not become a session, also for one that is only opened and closed; nothing that can be sent prevents it.",
    wire: [
      {
        from: "client",
        bytes: "03 00 00 13 0e e0 00 00 00 00 00 01 00 08 00 0b 00 00 00",
        meaning: "X.224 Connection Request: TLS or CredSSP, please",
      },
      {
        from: "server",
        bytes: "03 00 00 13 0e d0 00 00 12 34 00 02 1f 08 00 02 00 00 00",
        meaning: "Connection Confirm, type 02: CredSSP it is. TLS follows",
      },
    ],
    sources: ["[MS-RDPBCGR] 2.2.1.1", "[MS-RDPBCGR] 2.2.1.2", "RFC 1006 §6"],
  },
  recognise: (bytes) => startOfPacket(bytes, 0xd0),
  probe: converse,
  sniff: (bytes) => ({ verdict: startOfPacket(bytes, 0xe0) }),
};
