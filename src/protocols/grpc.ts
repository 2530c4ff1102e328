/**
 * @module gRPC on HTTP/2: the status that answers a call of a method that does not exist.
 */
import { describeFailure } from "./http2.ts";
import { requestHttp2 } from "./http2-connection.ts";
import type { Conversation, ProbeContext, Protocol } from "./protocol.ts";
import { serverFacts } from "./http-facts.ts";
import { fact, type Talk } from "./talk.ts";

/** UNIMPLEMENTED: what the specification demands for an unknown method. */
const unimplemented = 12;

/** A message of no bytes: not compressed, length 0. */
const emptyMessage = new Uint8Array(5);

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const answer = yield* requestHttp2(
    talk,
    context,
    {
      method: "POST",
      path: "/portolan.Unknown/Probe",
      fields: [
        ["te", "trailers"],
        ["content-type", "application/grpc"],
      ],
    },
    emptyMessage,
  );
  if (!answer.isHttp2) return describeFailure(answer);
  if (answer.fields === null) return { outcome: "other", evidence: "HTTP/2, without a response to a call" };
  const inTrailers = answer.trailers.get("grpc-status");
  const status = inTrailers ?? answer.fields.get("grpc-status");
  if (status === undefined || !/^\d{1,2}$/.test(status)) {
    return { outcome: "other", evidence: `HTTP/2 status ${answer.fields.get(":status")} without grpc-status` };
  }
  const from = inTrailers === undefined ? "grpc-status field" : "grpc-status trailer";
  return {
    outcome: "proved",
    evidence: `grpc-status ${status}${Number(status) === unimplemented ? " (unimplemented)" : ""} to an unknown method`,
    facts: [fact("status", Number(status), from), ...serverFacts(answer.fields.get("server"))],
  };
}

/** gRPC over HTTP/2. */
export const grpc: Protocol = {
  id: "grpc",
  title: "gRPC",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 50_051, transport: "tcp", tls: false }],
  text: {
    purpose: "Calls of methods between programs, typed by Protocol Buffers, as requests of HTTP/2.",
    weakProof: null,
    strongProof:
      "A grpc-status field or trailer in answer to a call of a method that does not exist; 12, unimplemented, is the expected one.",
    claims: [
      { fact: "status", from: "grpc-status field or trailer" },
      { fact: "product", from: "server field, the first product" },
      { fact: "version", from: "server field, after the first product's slash" },
    ],
    effectOnTarget: "One call of /portolan.Unknown/Probe, which no server has. It is counted as a failed call.",
    wire: [
      {
        from: "client",
        bytes: "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n",
        meaning: "preface of HTTP/2, then SETTINGS",
      },
      {
        from: "client",
        bytes: "00 00 98 01 04 00 00 00 01",
        meaning: "HEADERS: POST /portolan.Unknown/Probe, te: trailers, content-type: application/grpc",
      },
      { from: "client", bytes: "00 00 05 00 01 00 00 00 01 00 00 00 00 00", meaning: "DATA: one message of no bytes" },
      {
        from: "server",
        bytes: "00 00 46 01 05 00 00 00 01 88",
        meaning: "HEADERS that end the stream: :status 200, content-type: application/grpc, grpc-status: 12",
      },
    ],
    sources: [
      "gRPC over HTTP2 (grpc/doc/PROTOCOL-HTTP2.md), Responses",
      "gRPC status codes (grpc/doc/statuscodes.md)",
      "RFC 9113 §8.1",
    ],
  },
  worthAsking: (page, port) => {
    const type = page.headers.get("content-type") ?? "";
    const hinted =
      type.startsWith("application/grpc") || [...page.headers.keys()].some((name) => name.startsWith("grpc-"));
    return hinted || page.status === 415 || (port === 50_051 && page.httpVersion === "2");
  },
  probe: converse,
};
