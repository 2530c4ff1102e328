/**
 * @module PostgreSQL: encryption as far as it goes, then the start of a session that is never finished. No credential is sent.
 */
import {
  encodeStartup,
  parseMessage,
  readDemand,
  readError,
  readNegotiation,
  readParameter,
  sslRequest,
  terminate,
} from "./postgresql-message.ts";
import type { Conversation, Fact, ProbeContext, Protocol, Verdict } from "./protocol.ts";
import { describeEnding, missed, fact, matchPrefix, type Parsed, startsLike, type Talk } from "./talk.ts";

/** Nobody is called that: a name that tells the owner of a log who asked. */
const startup = encodeStartup([
  ["user", "portolan"],
  ["database", "portolan"],
]);

/** Most messages that are read before the session starts: a server sends about fifteen. */
const mostMessages = 64;

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const facts: Fact[] = [];
  if (context.tls === null) {
    const answer = yield* askEncryption(talk, facts);
    if (answer !== null) return answer;
  }
  return yield* start(talk, facts, context.tls === null);
}

/** `null`: go on. */
function* askEncryption(talk: Talk, facts: Fact[]): Conversation<Verdict | null> {
  // It never speaks first: what is there already is another protocol's greeting.
  if (talk.unread.length > 0) return { outcome: "other", evidence: "a greeting before anything was asked" };
  yield* talk.send(sslRequest);
  const reading = yield* talk.read(parseConsent);
  if (!reading.ok) return missed(reading, "no answer to an SSLRequest");
  if (reading.value === "E") {
    const error = yield* talk.read(parseMessage);
    const fields = error.ok ? readError(error.value.body) : null;
    if (fields !== null) return prove("error with SQLSTATE in answer to SSLRequest", [...facts, describeError(fields)]);
    return { outcome: "other", evidence: "no answer to an SSLRequest" };
  }
  facts.push(fact("startTls", reading.value === "S" ? "offered" : "refused", "answer to SSLRequest"));
  // More than the one letter is another protocol's sentence.
  if (talk.unread.length > 0) return { outcome: "other", evidence: "more than an answer to SSLRequest" };
  if (reading.value === "N") return null;
  // Once it agreed, breaking off would make it log an error; so would anything in the clear.
  const tls = yield* talk.startTls();
  if (!("failed" in tls)) return null;
  return { outcome: "suggested", evidence: `S in answer to SSLRequest, but no TLS: ${tls.failed}`, facts };
}

/** The letter `S` or `N`, read; or `E`, left for the parser of messages. */
function parseConsent(bytes: Uint8Array): Parsed<"S" | "N" | "E"> {
  if (bytes[0] === 0x53) return { value: "S", length: 1 };
  if (bytes[0] === 0x4e) return { value: "N", length: 1 };
  return bytes[0] === 0x45 ? { value: "E", length: 0 } : null;
}

/** Starts a session, and reads until the server wants a credential, refuses, or is ready. */
function* start(talk: Talk, facts: Fact[], answered: boolean): Conversation {
  yield* talk.send(startup);
  let negotiated = false;
  let admitted = false;
  let strong = false;
  for (let count = 0; count < mostMessages; count++) {
    const reading = yield* talk.read(parseMessage);
    if (!reading.ok) {
      if (strong) break;
      if (reading.seen.length > 0 || negotiated) return { outcome: "other", evidence: "no PostgreSQL message" };
      const evidence = describeEnding(reading.why);
      if (!answered) return { outcome: "silent", evidence };
      return { outcome: "suggested", evidence: `one letter in answer to SSLRequest, then: ${evidence}`, facts };
    }
    const { type, body } = reading.value;
    if (type === "E") {
      const fields = readError(body);
      if (fields === null) return { outcome: "other", evidence: "an error without SQLSTATE" };
      if (!admitted) facts.push(describeError(fields));
      return prove(`error with SQLSTATE ${fields.get("C")!}`, facts);
    }
    if (type === "v" && !negotiated && !admitted) {
      const version = readNegotiation(body);
      if (version === null) return { outcome: "other", evidence: "a malformed NegotiateProtocolVersion" };
      negotiated = true;
      facts.push(fact("protocolVersion", version, "NegotiateProtocolVersion"));
    } else if (type === "R" && !admitted) {
      const demand = readDemand(body);
      if (demand === null) return { outcome: "other", evidence: "a malformed Authentication message" };
      facts.push(fact("login", demand.methods === null ? "none" : "required", "Authentication message"));
      if (demand.methods !== null) {
        facts.push(fact("authentication", demand.methods, "Authentication message"));
        // Whoever goes now is not logged as a failed login.
        return conclude(negotiated, facts);
      }
      admitted = true;
      strong = negotiated;
    } else if (admitted && type === "S") {
      const parameter = readParameter(body);
      if (parameter === null) break;
      const number = parameter[0] === "server_version" ? /^\d[\w.]*/.exec(parameter[1]) : null;
      if (number !== null) facts.push(fact("version", number[0], "ParameterStatus server_version"));
    } else if (admitted && type === "Z") {
      strong = true;
      break;
    } else if (type !== "N" && !(admitted && type === "K")) {
      break;
    }
  }
  if (!admitted) return { outcome: "other", evidence: "no PostgreSQL message in its place" };
  yield* talk.send(terminate);
  return conclude(strong, facts);
}

function conclude(strong: boolean, facts: readonly Fact[]): Verdict {
  if (strong) return prove("NegotiateProtocolVersion and Authentication in answer to protocol 3.9999", facts);
  return { outcome: "suggested", evidence: "an Authentication message without a word on protocol 3.9999", facts };
}

function prove(evidence: string, facts: readonly Fact[]): Verdict {
  return { outcome: "proved", evidence, facts };
}

function describeError(fields: ReadonlyMap<string, string>): Fact {
  return fact("status", `${fields.get("C")!}: ${fields.get("M")!}`, "ErrorResponse");
}

/** An error as servers of protocol 3 and 2 write it. */
function recogniseError(bytes: Uint8Array): "match" | "no" | "more" {
  const old = matchPrefix(bytes, "EFATAL:");
  if (old !== "no") return old;
  if (!startsLike(bytes, Uint8Array.of(0x45, 0, 0))) return "no";
  if (bytes.length > 5 && bytes[5] !== 0x53) return "no";
  if (bytes.length < 11) return "more";
  return ["FATAL\0", "ERROR\0", "PANIC\0"].some((word) => startsLike(bytes.subarray(6), word)) ? "match" : "no";
}

/** SSLRequest, GSSENCRequest, CancelRequest, or a StartupMessage of protocol 3. */
function sniffStart(bytes: Uint8Array): "match" | "no" | "more" {
  if (!startsLike(bytes, Uint8Array.of(0, 0))) return "no";
  if (bytes.length < 4) return "more";
  const length = bytes[2]! * 256 + bytes[3]!;
  // MAX_STARTUP_PACKET_LENGTH in src/include/libpq/pqcomm.h.
  if (length < 8 || length > 10_000) return "no";
  if (bytes.length === 4) return "more";
  const code = bytes.subarray(4, 8);
  const starts = (...known: number[]): boolean => startsLike(code, Uint8Array.of(...known));
  const fits =
    length === 8
      ? starts(0x04, 0xd2, 0x16, 0x2f) || starts(0x04, 0xd2, 0x16, 0x30)
      : starts(0, 3) || (length === 16 && starts(0x04, 0xd2, 0x16, 0x2e));
  if (!fits) return "no";
  return code.length === 4 ? "match" : "more";
}

/** PostgreSQL, protocol 3. */
export const postgresql: Protocol = {
  id: "postgresql",
  title: "PostgreSQL",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 5432, transport: "tcp", tls: false }],
  text: {
    purpose: "A relational database, and others that took over its protocol.",
    weakProof:
      "One letter, S or N, in answer to an SSLRequest; or an Authentication message that says nothing of the version.",
    strongProof:
      "NegotiateProtocolVersion and Authentication in answer to protocol 3.9999, or an error with a SQLSTATE. Before release 11 it is always an error.",
    claims: [
      { fact: "startTls", from: "S (offered) or N (refused) in answer to SSLRequest" },
      { fact: "protocolVersion", from: "NegotiateProtocolVersion, the newest version it has" },
      { fact: "login", from: "Authentication message: none when its code is 0" },
      { fact: "authentication", from: "Authentication message: its code, or names of SASL mechanisms" },
      { fact: "version", from: "ParameterStatus server_version, which only an admitted client is sent" },
      { fact: "status", from: "ErrorResponse: SQLSTATE and message" },
      { fact: "tls", from: "handshake after S" },
      { fact: "certificate", from: "handshake after S" },
    ],
    effectOnTarget:
      "One connection; with log_connections a line that it was received. A server that asks for a password is left without one, which it does not log. A server that lets anybody in, refuses the address, or is older than release 11 logs one FATAL line about the role or database portolan, the address, or the protocol version.",
    wire: [
      { from: "client", bytes: "00 00 00 08 04 d2 16 2f", meaning: "SSLRequest" },
      { from: "server", bytes: "S", meaning: "agreed: the TLS handshake follows, and the rest inside it. N: no" },
      {
        from: "client",
        bytes: "00 00 00 29 00 03 27 0f user\\0portolan\\0database\\0portolan\\0\\0",
        meaning: "StartupMessage, protocol 3.9999",
      },
      {
        from: "server",
        bytes: "v 00 00 00 0c 00 03 00 00 00 00 00 00",
        meaning: "NegotiateProtocolVersion: 3.0, no unknown options",
      },
      {
        from: "server",
        bytes: "R 00 00 00 17 00 00 00 0a SCRAM-SHA-256\\0\\0",
        meaning: "Authentication: SASL with SCRAM-SHA-256. Here the conversation ends",
      },
    ],
    sources: [
      "PostgreSQL documentation, Frontend/Backend Protocol: Message Flow",
      "PostgreSQL documentation, Frontend/Backend Protocol: Message Formats",
    ],
  },
  recognise: recogniseError,
  probe: converse,
  sniff: (bytes) => ({ verdict: sniffStart(bytes) }),
};
