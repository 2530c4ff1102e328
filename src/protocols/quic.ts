/**
 * @module QUIC: explained, and told by a client's first datagram. What speaks HTTP/3 there is not asked yet.
 */
import type { Protocol } from "./protocol.ts";

/** A client pads its first datagram to at least that (RFC 9000 §14.1), bytes. */
const leastInitial = 1200;

/** Longest connection id (RFC 9000 §17.2), and the shortest that a client may invent (§7.2), bytes. */
const longestId = 20;
const shortestFirstId = 8;

/** Packet type Initial by version: RFC 9000 §17.2.2, RFC 9369 §3.2. */
const initialTypes: ReadonlyMap<number, number> = new Map([
  [0x00000001, 0],
  [0x6b3343cf, 1],
]);

/** The first packet of a client, in a datagram of its own. */
function isInitial(datagram: Uint8Array): boolean {
  if (datagram.length < leastInitial) return false;
  const first = datagram[0]!;
  // Long header, and the bit that is always set (RFC 9000 §17.2).
  if ((first & 0xc0) !== 0xc0) return false;
  const version = new DataView(datagram.buffer, datagram.byteOffset).getUint32(1);
  // Version 0 is a server's answer to an unknown version.
  if (version === 0) return false;
  const type = initialTypes.get(version);
  if (type !== undefined && ((first >> 4) & 3) !== type) return false;
  const destination = datagram[5]!;
  if (destination < shortestFirstId || destination > longestId) return false;
  return datagram[6 + destination]! <= longestId;
}

/** QUIC, RFC 9000. */
export const quic: Protocol = {
  id: "quic",
  title: "QUIC",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 443, transport: "udp", tls: false }],
  text: {
    purpose: "Encrypted streams over UDP, mostly for HTTP/3.",
    weakProof: null,
    strongProof: "None is asked for: a gateway tells it by the client's first datagram.",
    claims: [],
    effectOnTarget: null,
    wire: [
      {
        from: "client",
        bytes: "c3 00 00 00 01 08 …",
        meaning: "long header, Initial, version 1, an id of 8 bytes; padded to 1,200 bytes or more",
      },
    ],
    sources: ["RFC 9000 §14.1", "RFC 9000 §17.2", "RFC 9369 §3.2"],
  },
  sniff: (bytes, transport) => ({ verdict: transport === "udp" && isInitial(bytes) ? "match" : "no" }),
};
