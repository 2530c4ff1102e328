/**
 * @module memcached: asked for its version, over TCP and in the frames of its UDP form.
 */
import type { Conversation, ProbeContext, Protocol } from "./protocol.ts";
import {
  missed,
  fact,
  latin1Bytes,
  latin1Text,
  longestLine,
  matchAny,
  matchPrefix,
  parseLine,
  startsLike,
  type Talk,
} from "./talk.ts";

const request = latin1Bytes("version\r\n");

/** Frame header of UDP: request id, sequence number, number of datagrams, reserved, 16 bits each (protocol.txt, "UDP protocol"). */
const frameLength = 8;
/** Of a frame with the first and only datagram, what follows the request id. */
const frameTail = [0, 0, 0, 1, 0, 0];

function makeDatagram(context: ProbeContext): Uint8Array {
  const bytes = new Uint8Array(frameLength + request.length);
  bytes.set(context.random(2), 0);
  bytes[5] = 1;
  bytes.set(request, frameLength);
  return bytes;
}

const versionReply = /^VERSION (\d+\.\d+[\w.+-]*)(?: .*)?$/;

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const isUdp = context.transport === "udp";
  const sent = isUdp ? makeDatagram(context) : request;
  yield* talk.send(sent);
  const reading = yield* talk.read((bytes) => {
    if (!isUdp) return parseLine(bytes);
    if (bytes.length <= frameLength || bytes.length > frameLength + longestLine) return null;
    // Our request id, and the only datagram of its answer.
    if (bytes[0] !== sent[0] || bytes[1] !== sent[1] || bytes[5] !== 1) return null;
    return { value: latin1Text(bytes.subarray(frameLength)).replace(/\r\n$/, ""), length: bytes.length };
  });
  if (!reading.ok) return missed(reading);
  const version = versionReply.exec(reading.value)?.[1];
  if (version === undefined) return { outcome: "other", evidence: "no VERSION in the answer" };
  if (!isUdp) yield* talk.send("quit\r\n");
  return {
    outcome: "proved",
    evidence: isUdp ? "VERSION in a frame with our request id" : "VERSION in answer to version",
    facts: [fact("product", "memcached", "VERSION reply"), fact("version", version, "VERSION reply")],
  };
}

/** memcached, protocol.txt of its sources. */
export const memcached: Protocol = {
  id: "memcached",
  title: "memcached",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 11211, transport: "tcp", tls: false },
    { port: 11211, transport: "udp", tls: false },
  ],
  text: {
    purpose: "Keeps values in memory by key, for programs that would otherwise compute or fetch them again.",
    weakProof: null,
    strongProof: "A line VERSION and a version number in answer to version; over UDP in a frame with our request id.",
    claims: [
      { fact: "product", from: "VERSION reply" },
      { fact: "version", from: "VERSION reply" },
    ],
    effectOnTarget: "Nothing is kept. With -vv the server prints the command.",
    wire: [
      {
        from: "client",
        bytes: "version\\r\\n",
        meaning: "asks for the version; over UDP after 8 bytes of frame header",
      },
      { from: "server", bytes: "VERSION 1.6.18\\r\\n", meaning: "the answer" },
      { from: "client", bytes: "quit\\r\\n", meaning: "ends the connection" },
    ],
    sources: ["memcached, doc/protocol.txt"],
  },
  // What it answers to commands that it does not know, whatever they are.
  recognise: (bytes) =>
    startsLike(bytes, "VERSION ") ? matchPrefix(bytes, "VERSION ") : matchPrefix(bytes, "ERROR\r\n"),
  datagram: makeDatagram,
  probe: converse,
  sniff: (datagram, transport) => {
    const isUdp = transport === "udp";
    // A request is the first and only datagram of its number, and bytes 6 and 7 are reserved.
    if (isUdp && (datagram.length <= frameLength || !frameTail.every((byte, at) => datagram[at + 2] === byte))) {
      return { verdict: "no" };
    }
    const bytes = isUdp ? datagram.subarray(frameLength) : datagram;
    // The binary protocol's request magic with an opcode below 0x26, or the meta commands and verbs of the text protocol.
    if (bytes.length === 0) return { verdict: "more" };
    if (bytes[0] === 0x80)
      return { verdict: bytes.length < 2 ? (isUdp ? "no" : "more") : bytes[1]! < 0x26 ? "match" : "no" };
    const verbs = ["get ", "gets ", "set ", "add ", "replace ", "append ", "incr ", "decr ", "touch ", "mg ", "ms "];
    verbs.push("md ", "mn\r\n", "version\r\n", "stats");
    const verdict = matchAny(bytes, verbs);
    return { verdict: isUdp && verdict === "more" ? "no" : verdict };
  },
};
