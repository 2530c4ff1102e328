/**
 * @module SOCKS 4, 4a and 5: explained, and told by a client's first bytes. Not probed: to ask a proxy is to use it.
 */
import type { Protocol, Sniff } from "./protocol.ts";

/** Longest user or host name that is waited for, bytes. */
const longestName = 255;

function sniff(bytes: Uint8Array): Sniff["verdict"] {
  if (bytes.length === 0) return "more";
  if (bytes[0] === 5) return sniffFive(bytes);
  return bytes[0] === 4 ? sniffFour(bytes) : "no";
}

/** Version, number of methods, methods (RFC 1928 §3). */
function sniffFive(bytes: Uint8Array): Sniff["verdict"] {
  const count = bytes[1];
  if (count === undefined) return "more";
  if (count === 0) return "no";
  // X'FF' is what a server says to none of them.
  if (bytes.subarray(2, 2 + count).includes(0xff)) return "no";
  return bytes.length >= 2 + count ? "match" : "more";
}

/** Version, CONNECT or BIND, port, address, a user name that a zero ends; in 4a a host name likewise. */
function sniffFour(bytes: Uint8Array): Sniff["verdict"] {
  if (bytes.length > 1 && bytes[1] !== 1 && bytes[1] !== 2) return "no";
  if (bytes.length < 9) return "more";
  const named = bytes[4] === 0 && bytes[5] === 0 && bytes[6] === 0 && bytes[7] !== 0;
  const user = endOfText(bytes, 8);
  if (typeof user === "string") return user;
  if (!named) return "match";
  const host = endOfText(bytes, user);
  if (typeof host === "string") return host;
  return host > user + 1 ? "match" : "no";
}

/** Where the bytes after the zero begin. */
function endOfText(bytes: Uint8Array, start: number): number | "more" | "no" {
  const end = bytes.subarray(start, start + longestName + 1).indexOf(0);
  if (end !== -1) return start + end + 1;
  return bytes.length - start > longestName ? "no" : "more";
}

/** SOCKS, RFC 1928. */
export const socks: Protocol = {
  id: "socks",
  title: "SOCKS",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 1080, transport: "tcp", tls: false }],
  text: {
    purpose: "Asks a proxy to connect to somebody else.",
    weakProof: null,
    strongProof: "None is asked for: a gateway tells it by the client's first bytes.",
    claims: [],
    effectOnTarget: null,
    wire: [
      { from: "client", bytes: "05 02 00 02", meaning: "version 5, two methods: no login, or name and password" },
      { from: "server", bytes: "05 00", meaning: "no login" },
      {
        from: "client",
        bytes: "04 01 00 50 c0 00 02 01 00",
        meaning: "version 4, connect to port 80 of 192.0.2.1, no user name",
      },
    ],
    sources: ["RFC 1928 §3"],
  },
  sniff: (bytes, transport) => ({ verdict: transport === "tcp" ? sniff(bytes) : "no" }),
};
