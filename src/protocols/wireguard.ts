/**
 * @module WireGuard: explained, and told by a client's first datagram. It answers only those whose key it knows, so nobody can ask it.
 */
import type { Protocol } from "./protocol.ts";
import { startsLike } from "./talk.ts";

/** Length of a handshake initiation (WireGuard paper §5.4.2), bytes. */
const initiationLength = 148;

/** WireGuard. */
export const wireguard: Protocol = {
  id: "wireguard",
  title: "WireGuard",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 51820, transport: "udp", tls: false }],
  text: {
    purpose: "An encrypted tunnel between two machines that know each other's keys.",
    weakProof: null,
    strongProof:
      "None can be asked for: it keeps silent to strangers. A gateway tells it by the client's first datagram.",
    claims: [],
    effectOnTarget: null,
    wire: [
      {
        from: "client",
        bytes: "01 00 00 00 …",
        meaning: "handshake initiation: type 1, three zeros, 148 bytes in all",
      },
    ],
    sources: ["WireGuard: Next Generation Kernel Network Tunnel, §5.4.2"],
  },
  sniff: (bytes, transport) => ({
    verdict:
      transport === "udp" && bytes.length === initiationLength && startsLike(bytes, Uint8Array.of(1, 0, 0, 0))
        ? "match"
        : "no",
  }),
};
