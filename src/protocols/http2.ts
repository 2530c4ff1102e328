/**
 * @module HTTP/2: with prior knowledge in the clear (h2c) or inside TLS. The server's SETTINGS are the proof.
 */
import { pageFacts } from "./http-facts.ts";
import { connectionPreface, recogniseSettings, requestHttp2, type Http2Answer } from "./http2-connection.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol, Verdict } from "./protocol.ts";
import { describeEnding, fact, matchPrefix, utf8Text, type Talk } from "./talk.ts";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const answer = yield* requestHttp2(talk, context, { method: "GET", path: "/", fields: [["accept", "*/*"]] });
  if (!answer.isHttp2) return describeFailure(answer);
  const page = pageOf(answer);
  const settings = "SETTINGS on stream 0";
  if (page === null) {
    return { outcome: "proved", evidence: settings, facts: [fact("protocolVersion", "2", "frame layout")] };
  }
  return {
    outcome: "proved",
    evidence: `${settings}, and status ${page.status} to GET /`,
    facts: pageFacts(page),
    page,
  };
}

/** Verdict where no SETTINGS came. */
export function describeFailure({ why }: Http2Answer): Verdict {
  return why === null || why === "malformed" || why === "overflow"
    ? { outcome: "other", evidence: "an answer that does not start with SETTINGS" }
    : { outcome: "silent", evidence: describeEnding(why) };
}

/** The response as a page. The connection was closed after it. */
function pageOf({ fields, body }: Http2Answer): HttpPage | null {
  if (fields === null) return null;
  const headers = new Map([...fields].filter(([name]) => !name.startsWith(":")));
  return {
    httpVersion: "2",
    status: Number(fields.get(":status")),
    headers,
    body: utf8Text(body),
    keepsAlive: false,
  };
}

/** HTTP/2, RFC 9113. */
export const http2: Protocol = {
  id: "http2",
  title: "HTTP/2",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [
    { port: 443, transport: "tcp", tls: true },
    { port: 8443, transport: "tcp", tls: true },
    { port: 50_051, transport: "tcp", tls: false },
  ],
  text: {
    purpose: "The web with many requests at once on one connection, in binary frames. gRPC runs on it.",
    weakProof: null,
    strongProof:
      "The first frame from the server is SETTINGS on stream 0, which nobody else answers to the connection preface.",
    claims: [
      { fact: "protocolVersion", from: "layout of the frames" },
      { fact: "status", from: ":status field of the response to GET /" },
      { fact: "product", from: "server field, the first product" },
      { fact: "version", from: "server field, after the first product's slash" },
      { fact: "identity", from: "server field, where no product is clear" },
      { fact: "title", from: "title element of the page" },
      { fact: "location", from: "location field of a redirect, which is not followed" },
      { fact: "login", from: "www-authenticate field, the scheme" },
    ],
    effectOnTarget:
      "One request for / in the access log, from the agent portolan, then an orderly GOAWAY. A server of HTTP/1 alone sees a request with the method PRI and may log it as malformed.",
    wire: [
      { from: "client", bytes: "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n", meaning: "connection preface" },
      { from: "client", bytes: "00 00 00 04 00 00 00 00 00", meaning: "SETTINGS, none changed" },
      {
        from: "client",
        bytes: "00 00 61 01 05 00 00 00 01",
        meaning: "HEADERS of stream 1, whole and without a body: GET / in literals without compression",
      },
      {
        from: "server",
        bytes: "00 00 06 04 00 00 00 00 00 00 03 00 00 00 64",
        meaning: "SETTINGS: at most 100 streams",
      },
      { from: "client", bytes: "00 00 00 04 01 00 00 00 00", meaning: "SETTINGS acknowledged" },
      { from: "server", bytes: "00 00 1F 01 04 00 00 00 01 88", meaning: "HEADERS of stream 1: :status 200 …" },
      { from: "client", bytes: "00 00 08 07 00 00 00 00 00 00 00 00 00 00 00 00 00", meaning: "GOAWAY without error" },
    ],
    sources: ["RFC 9113 §3.4", "RFC 9113 §4.1", "RFC 9113 §6.5", "RFC 9113 §6.8", "RFC 7541 §5", "RFC 7541 §6"],
  },
  recognise: recogniseSettings,
  probe: converse,
  sniff: (bytes, transport) => ({ verdict: transport === "tcp" ? matchPrefix(bytes, connectionPreface) : "no" }),
};
