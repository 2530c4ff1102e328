/**
 * @module WebSocket: the hash that answers our key is the proof.
 */
import { describeMiss, fetchPage } from "./http-message.ts";
import type { Conversation, HttpPage, ProbeContext, Protocol } from "./protocol.ts";
import { encodeBase64, hashSha1 } from "./sha1.ts";
import { fact, latin1Bytes, type Talk } from "./talk.ts";

/** Joined to the key before hashing (RFC 6455 §1.3). */
const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

function* converse(talk: Talk, context: ProbeContext): Conversation {
  const key = encodeBase64(context.random(16));
  const reading = yield* fetchPage(talk, context, {
    path: "/",
    headers: [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
      ["Sec-WebSocket-Version", "13"],
      ["Sec-WebSocket-Key", key],
    ],
  });
  if (!reading.ok) return describeMiss(reading);
  const { status, headers } = reading.page;
  if (status !== 101) return { outcome: "other", evidence: `status ${status} to an upgrade to WebSocket` };
  const accept = headers.get("sec-websocket-accept");
  if (accept !== encodeBase64(hashSha1(latin1Bytes(key + magic)))) {
    return { outcome: "other", evidence: "status 101 without the hash of our key" };
  }
  const chosen = headers.get("sec-websocket-protocol");
  yield* talk.send(closeFrame(context.random(4)));
  return {
    outcome: "proved",
    evidence: "status 101 with the hash of our key",
    facts: chosen === undefined ? [] : [fact("capabilities", [chosen.slice(0, 256)], "Sec-WebSocket-Protocol header")],
  };
}

/** Close with status 1000, masked as every frame of a client (RFC 6455 §5.5.1, §5.3). */
function closeFrame(mask: Uint8Array): Uint8Array {
  return Uint8Array.from([0x88, 0x82, ...mask, 0x03 ^ mask[0]!, 0xe8 ^ mask[1]!]);
}

/** What servers answer to a request that does not ask for an upgrade. */
function asksForUpgrade(page: HttpPage): boolean {
  const upgrade = page.headers.get("upgrade")?.toLowerCase() ?? "";
  if (upgrade.split(/[\s,]+/).includes("websocket") || page.headers.has("sec-websocket-version")) return true;
  if (page.status === 426) return true;
  return page.status >= 400 && page.status < 500 && /websocket/i.test(page.body.slice(0, 2048));
}

/** WebSocket, RFC 6455. */
export const websocket: Protocol = {
  id: "websocket",
  title: "WebSocket",
  speaksFirst: "client",
  // Some servers (mosquitto) close the connection on any request that is no upgrade: no page ever stands before it.
  over: "transport",
  usualPorts: [{ port: 9001, transport: "tcp", tls: false }],
  text: {
    purpose: "Messages in both directions between a page and its server, on a connection that began as HTTP.",
    weakProof: null,
    strongProof: "Status 101 whose Sec-WebSocket-Accept is the SHA-1 of our random key and a fixed text, in Base64.",
    claims: [{ fact: "capabilities", from: "Sec-WebSocket-Protocol header, the chosen subprotocol" }],
    effectOnTarget:
      "A client appears and leaves with status 1000 at once. It is asked where a page says that an upgrade is wanted, and on port 9001 and its neighbours.",
    wire: [
      {
        from: "client",
        bytes:
          "GET / HTTP/1.1\\r\\n\u2026Connection: Upgrade\\r\\nUpgrade: websocket\\r\\nSec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n\\r\\n",
        meaning: "upgrade, with 16 random bytes in Base64",
      },
      {
        from: "server",
        bytes:
          "HTTP/1.1 101 Switching Protocols\\r\\n\u2026Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n",
        meaning: "the hash of that key",
      },
      {
        from: "client",
        bytes: "88 82 00 00 00 00 03 E8",
        meaning: "close frame, status 1000, here with a mask of zeros",
      },
    ],
    sources: ["RFC 6455 §1.3", "RFC 6455 §4.1", "RFC 6455 §4.2.2", "RFC 6455 §5.5.1", "RFC 3174"],
  },
  worthAsking: asksForUpgrade,
  probe: converse,
};
