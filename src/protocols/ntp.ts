/**
 * @module NTP: the server's answer repeats the client's own random time stamp.
 */
import type { Conversation, Fact, ProbeContext, Protocol } from "./protocol.ts";
import { describeEnding, fact, latin1Text, type Talk } from "./talk.ts";

const messageLength = 48;

/** Leap 0, version 4, mode 3 (client); everything else zero but the transmit time stamp, which is random (RFC 5905 §7.3). */
function makeRequest(context: ProbeContext): Uint8Array {
  const bytes = new Uint8Array(messageLength);
  bytes[0] = 0x23;
  bytes.set(context.random(8), 40);
  return bytes;
}

/** Kinds of reference clocks that stratum 1 servers name (RFC 5905 §7.3, figure 12); others are not printed. */
const clockNames = /^[A-Z0-9]{2,4}$/;

function describe(answer: Uint8Array): Fact[] {
  const version = (answer[0]! >> 3) & 7;
  const stratum = answer[1]!;
  const facts = [fact("protocolVersion", String(version), "version field")];
  if (stratum > 0 && stratum < 16) facts.push(fact("stratum", stratum, "stratum field"));
  if (stratum === 1) {
    const clock = latin1Text(answer.subarray(12, 16)).replace(/\0+$/, "");
    if (clockNames.test(clock)) facts.push(fact("identity", clock, "reference identifier"));
  }
  if (stratum === 16 || answer[0]! >> 6 === 3)
    facts.push(fact("status", "not synchronised", "leap indicator and stratum"));
  return facts;
}

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const request = makeRequest(context);
  yield* talk.send(request);
  const reading = yield* talk.read((bytes) => ({ value: bytes, length: bytes.length }));
  if (!reading.ok) return { outcome: "silent", evidence: describeEnding(reading.why) };
  const answer = reading.value;
  if (answer.length < messageLength || (answer[0]! & 7) !== 4) return { outcome: "other", evidence: "no NTP answer" };
  for (let index = 0; index < 8; index++) {
    if (answer[24 + index] !== request[40 + index]) return { outcome: "other", evidence: "an answer to somebody else" };
  }
  if (answer[1] === 0) {
    const kiss = latin1Text(answer.subarray(12, 16));
    const facts = clockNames.test(kiss) ? [fact("status", kiss, "kiss code")] : [];
    return { outcome: "proved", evidence: "mode 4 and our time stamp as origin, with a kiss code", facts };
  }
  return { outcome: "proved", evidence: "mode 4, and our time stamp as origin", facts: describe(answer) };
}

/** NTP, RFC 5905. */
export const ntp: Protocol = {
  id: "ntp",
  title: "NTP",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 123, transport: "udp", tls: false }],
  text: {
    purpose: "Sets the clock of a device by another's.",
    weakProof: null,
    strongProof: "An answer in mode 4 whose origin time stamp is the random one that was sent.",
    claims: [
      { fact: "protocolVersion", from: "version field" },
      { fact: "stratum", from: "stratum field: 1 has a clock of its own, 2 asks a 1, and so on" },
      { fact: "identity", from: "reference identifier of a stratum 1 server: the kind of its clock" },
      { fact: "status", from: "kiss code, or leap indicator and stratum 16" },
    ],
    effectOnTarget: "One request among others; servers with rate limits count it.",
    wire: [
      { from: "client", bytes: "23 00 … 00 R R R R R R R R", meaning: "version 4, mode 3, random transmit time stamp" },
      { from: "server", bytes: "24 02 …", meaning: "version 4, mode 4, stratum 2, our time stamp as origin" },
    ],
    sources: ["RFC 5905 §7.3", "RFC 5905 §7.4 (kiss codes)"],
  },
  datagram: makeRequest,
  probe: converse,
  sniff: (bytes, transport) => {
    if (transport !== "udp") return { verdict: "no" };
    const first = bytes[0];
    if (first === undefined) return { verdict: "more" };
    const version = (first >> 3) & 7;
    return {
      verdict: bytes.length >= messageLength && (first & 7) === 3 && version >= 1 && version <= 4 ? "match" : "no",
    };
  },
};
