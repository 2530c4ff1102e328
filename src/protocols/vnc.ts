/**
 * @module VNC (RFB): the server names its protocol version, and nothing is answered.
 */
import type { Conversation, Protocol } from "./protocol.ts";
import { missed, fact, matchPrefix, parseExactly, latin1Text, type Talk } from "./talk.ts";

/** RFC 6143 §7.1.1: twelve bytes. */
const versionMessage = /^RFB (\d{3})\.(\d{3})\n$/;

function* converse(talk: Talk): Conversation {
  const reading = yield* talk.read(parseExactly(12));
  if (!reading.ok) return missed(reading, "no RFB version message");
  const match = versionMessage.exec(latin1Text(reading.value));
  if (match === null) return { outcome: "other", evidence: "no RFB version message" };
  const version = `${Number(match[1])}.${Number(match[2])}`;
  return {
    outcome: "proved",
    evidence: `version message RFB ${match[1]}.${match[2]}`,
    facts: [fact("protocolVersion", version, "version message")],
  };
}

/** VNC, RFC 6143. */
export const vnc: Protocol = {
  id: "vnc",
  title: "VNC",
  speaksFirst: "server",
  over: "transport",
  usualPorts: [5900, 5901, 5902, 5903].map((port) => ({ port, transport: "tcp", tls: false })),
  text: {
    purpose: "The screen, keyboard and mouse of another machine. Port 5900 plus the number of the display.",
    weakProof: null,
    strongProof: "Twelve bytes: RFB, a blank, the protocol's version as 003.008, and a line feed.",
    claims: [{ fact: "protocolVersion", from: "version message" }],
    effectOnTarget:
      "The connection ends after the server's first message. TigerVNC and RealVNC count it as an unfinished one and block an address after five in a row for a while.",
    wire: [{ from: "server", bytes: "RFB 003.008\\n", meaning: "the highest version that the server speaks" }],
    sources: ["RFC 6143 §7.1.1"],
  },
  recognise: (bytes) => matchPrefix(bytes, "RFB "),
  probe: converse,
  sniff: (bytes) => ({ verdict: matchPrefix(bytes, "RFB ") }),
};
