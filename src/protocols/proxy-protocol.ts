/**
 * @module The PROXY protocol: explained, and told by a connection's first bytes. Not probed: it asks nothing and is answered nothing.
 */
import type { Protocol, Sniff } from "./protocol.ts";
import { proxySignature } from "./proxy-header.ts";
import { matchPrefix } from "./talk.ts";

/** How version 1 goes on. */
const openings: readonly (Uint8Array | string)[] = [proxySignature, "PROXY TCP4 ", "PROXY TCP6 ", "PROXY UNKNOWN"];

function sniff(bytes: Uint8Array): Sniff["verdict"] {
  const verdicts = openings.map((opening) => matchPrefix(bytes, opening));
  return verdicts.find((verdict) => verdict === "match") ?? verdicts.find((verdict) => verdict === "more") ?? "no";
}

/** PROXY protocol, versions 1 and 2. */
export const proxyProtocol: Protocol = {
  id: "proxy-protocol",
  title: "PROXY protocol",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [],
  text: {
    purpose: "A line before the first byte by which a proxy tells the server behind it who the client is.",
    weakProof: null,
    strongProof: "None is asked for: a gateway tells it by the connection's first bytes.",
    claims: [],
    effectOnTarget: null,
    wire: [
      {
        from: "client",
        bytes: "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\\r\\n",
        meaning: "version 1: source and destination, addresses and ports",
      },
      {
        from: "client",
        bytes: "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a 21 11 00 0c …",
        meaning: "version 2: signature, command PROXY, TCP over IPv4, 12 bytes of addresses and ports",
      },
    ],
    sources: ["The PROXY protocol, versions 1 & 2 (HAProxy), §2.1 and §2.2"],
  },
  sniff: (bytes, transport) => ({ verdict: transport === "tcp" ? sniff(bytes) : "no" }),
};
