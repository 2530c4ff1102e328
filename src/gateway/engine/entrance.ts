/**
 * @module A door of the gateway: what a connection speaks is told by its first bytes, and the server that speaks it takes over. They are put
 * back untouched.
 */
import type { Server as PlainServer } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type Server, type Socket } from "node:net";
import type { Server as SecureServer } from "node:tls";
import { mostWaitingBytes } from "./connect-target.ts";

/** Who takes a connection. */
export interface Speakers {
  /** HTTP/1.1 without TLS. */
  readonly plain: PlainServer;
  /** HTTP/2 without TLS, by who knows beforehand (RFC 9113, section 3.3): gRPC's clients. */
  readonly streams?: Http2Server | undefined;
  /** TLS; absent without certificates. */
  readonly secure?: SecureServer | undefined;
  /** Who says nothing for so long is not waited for, milliseconds. */
  readonly silenceMs: number;
}

/** Content type of a TLS handshake record (RFC 8446, section 5.1). */
const tlsHandshake = 0x16;
/** No request begins so but HTTP/2's preface (RFC 9113, section 3.4; the method is reserved). */
const preface = Buffer.from("PRI", "latin1");

/** What begins so. `undefined` as long as it can be either. */
export function speakerOf(first: Buffer): "secure" | "streams" | "plain" | undefined {
  if (first[0] === tlsHandshake) return "secure";
  const length = Math.min(first.length, preface.length);
  if (!first.subarray(0, length).equals(preface.subarray(0, length))) return "plain";
  return length === preface.length ? "streams" : undefined;
}

/** Makes the server; the caller lets it listen. */
export function createEntrance(speakers: Speakers): Server {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, highWaterMark: mostWaitingBytes } as Parameters<typeof createServer>[0] &
      object,
    (socket) => admit(socket, speakers),
  );
  return server;
}

function admit(socket: Socket, speakers: Speakers): void {
  let held: Buffer | undefined;
  const onReadable = (): void => {
    const read = socket.read() as Buffer | null;
    if (read === null) return;
    const first = held === undefined ? read : Buffer.concat([held, read]);
    const speaker = speakerOf(first);
    if (speaker === undefined) {
      held = first;
      return;
    }
    release();
    socket.unshift(first);
    const server = speaker === "secure" ? speakers.secure : speaker === "streams" ? speakers.streams : undefined;
    // What nobody here speaks is bad HTTP, and answered as such.
    if (server === undefined) return void speakers.plain.emit("connection", socket);
    // Neither TLS nor HTTP/2 knows a connection that is open in one direction.
    socket.allowHalfOpen = false;
    server.emit("connection", socket);
  };
  const giveUp = (): void => void socket.destroy();
  const release = (): void => {
    socket.off("readable", onReadable);
    socket.off("error", giveUp);
    socket.off("end", giveUp);
    socket.off("timeout", giveUp);
    socket.setTimeout(0);
  };
  socket.on("readable", onReadable);
  socket.once("error", giveUp);
  socket.once("end", giveUp);
  socket.once("timeout", giveUp);
  socket.setTimeout(speakers.silenceMs);
}
