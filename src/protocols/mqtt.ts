/**
 * @module MQTT: a client without name asks to be let in, and the broker answers.
 */
import type { Conversation, Fact, Protocol } from "./protocol.ts";
import { missed, fact, matchPrefix, type Parsed, type Talk } from "./talk.ts";

/**
 * CONNECT of MQTT 3.1.1: protocol name and level 4, clean session, keep alive 60 s, no client identifier, no user, no password
 * (MQTT 3.1.1 §3.1).
 */
const connect = Uint8Array.of(0x10, 0x0c, 0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 2, 0, 60, 0, 0);
const disconnect = Uint8Array.of(0xe0, 0);

/** What a broker says to it: MQTT 3.1.1 §3.2.2.3. */
const returnCodes = [
  "accepted",
  "unacceptable protocol version",
  "identifier rejected",
  "server unavailable",
  "bad user name or password",
  "not authorised",
];

/** Reasons for a refusal in MQTT 5 §3.2.2.2. */
const refusals: ReadonlySet<number> = new Set([
  0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8c, 0x90, 0x95, 0x97, 0x99, 0x9a, 0x9b, 0x9c,
  0x9d, 0x9f,
]);

interface Acknowledgement {
  /** 4 for MQTT 3.1.1, 5 for a refusal in the form of MQTT 5. */
  readonly level: 4 | 5;
  readonly code: number;
}

function parseAcknowledgement(bytes: Uint8Array): Parsed<Acknowledgement> {
  if (bytes.length > 0 && bytes[0] !== 0x20) return null;
  const [, length, flags, code] = bytes;
  if (length !== undefined && (length < 2 || length > 127)) return null;
  if (length === undefined || flags === undefined || code === undefined || bytes.length < 2 + length) return undefined;
  // Session present is 0 for a clean session and for every refusal (MQTT 3.1.1 §3.2.2.2).
  if (flags !== 0) return null;
  if (length === 2 && code < returnCodes.length) return { value: { level: 4, code }, length: 4 };
  // MQTT 5 §3.2.2.2: a reason, then the length of the properties and these.
  const isRefusal = length > 2 && refusals.has(code) && bytes[4] === length - 3;
  return isRefusal ? { value: { level: 5, code }, length: 2 + length } : null;
}

function* converse(talk: Talk): Conversation {
  yield* talk.send(connect);
  const reading = yield* talk.read(parseAcknowledgement);
  if (!reading.ok) return missed(reading);
  const { level, code } = reading.value;
  if (level === 4 && code === 0) yield* talk.send(disconnect);
  const facts: Fact[] = [];
  const from = "CONNACK return code";
  if (level === 4 && code !== 1) facts.push(fact("protocolVersion", "3.1.1", "CONNACK"));
  if (level === 5) facts.push(fact("protocolVersion", "5", "CONNACK in the form of MQTT 5"));
  if (code === 4 || code === 5 || code === 0x86 || code === 0x87) facts.push(fact("login", "required", from));
  if (level === 4 && code === 0) facts.push(fact("login", "none", from));
  const meaning = returnCodes[code] ?? `reason 0x${code.toString(16)}`;
  return { outcome: "proved", evidence: `CONNACK: ${meaning}`, facts };
}

/** Length of the remaining-length field and its value; MQTT 3.1.1 §2.2.3. */
function remainingLength(bytes: Uint8Array): { readonly size: number } | "more" | "no" {
  for (let index = 1; index <= 4; index++) {
    const byte = bytes[index];
    if (byte === undefined) return "more";
    if (byte < 128) return { size: index };
  }
  return "no";
}

/** MQTT, OASIS standards 3.1.1 and 5. */
export const mqtt: Protocol = {
  id: "mqtt",
  title: "MQTT",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 1883, transport: "tcp", tls: false },
    { port: 8883, transport: "tcp", tls: true },
  ],
  text: {
    purpose: "Passes messages between devices and programs through a broker, by topic.",
    weakProof: null,
    strongProof: "A CONNACK packet of the right length with a return code of the standard; a refusal counts.",
    claims: [
      { fact: "protocolVersion", from: "CONNACK" },
      { fact: "login", from: "CONNACK return code" },
    ],
    effectOnTarget:
      "A client without identifier, user or password comes and goes; Mosquitto writes that down as a notice, and as a refusal where it demands a login.",
    wire: [
      {
        from: "client",
        bytes: "10 0c 00 04 4d 51 54 54 04 02 00 3c 00 00",
        meaning: "CONNECT, MQTT 3.1.1, clean session, no identifier",
      },
      { from: "server", bytes: "20 02 00 05", meaning: "CONNACK: not authorised" },
      { from: "client", bytes: "e0 00", meaning: "DISCONNECT, when it was accepted" },
    ],
    sources: ["MQTT 3.1.1 §3.1, §3.2", "MQTT 5.0 §3.2.2.2"],
  },
  recognise: (bytes) => {
    const parsed = parseAcknowledgement(bytes);
    return parsed === null ? "no" : parsed === undefined ? "more" : "match";
  },
  probe: converse,
  sniff: (bytes) => {
    if (bytes.length === 0) return { verdict: "more" };
    if (bytes[0] !== 0x10) return { verdict: "no" };
    const remaining = remainingLength(bytes);
    if (typeof remaining === "string") return { verdict: remaining };
    const name = bytes.subarray(1 + remaining.size);
    const isMqtt = matchPrefix(name, Uint8Array.of(0, 4, 0x4d, 0x51, 0x54, 0x54));
    // MQTT 3.1, before the standard, was called MQIsdp.
    return { verdict: isMqtt === "no" ? matchPrefix(name, "\0\u0006MQIsdp") : isMqtt };
  },
};
