/**
 * @module HTTP/2 towards clients: Node's own server, its streams made requests, and limits for who floods (RFC 9113, section 10.5).
 */
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Gateway } from "./gateway.ts";
import { plainAddress } from "./plain-address.ts";
import { idleMs, mostHeadBytes } from "./plain-server.ts";
import type { Client } from "./origin-fields.ts";
import { StreamAnswer } from "./stream-answer.ts";
import { bodyOf, readStreamRequest } from "./stream-request.ts";

/** What a client may do to one connection. */
export const streamLimits = {
  /** Requests at once. */
  concurrentStreams: 256,
  /** Bytes that a client may send on one stream before they are taken. */
  streamWindowBytes: 256 * 1024,
  /** The same for all streams of a connection. */
  connectionWindowBytes: 4 * 1024 * 1024,
  /** SETTINGS and PING frames in `rateMs`: each is answered, and no client needs many. */
  controlFrames: 100,
  /** Requests in `rateMs` that are taken back before they are answered: a page that is left takes back what it still waits for. */
  takenBack: 1000,
  rateMs: 10_000,
  /** Memory of a connection, MiB; what goes beyond refuses streams. */
  sessionMebibytes: 16,
} as const;

/** So long a client may take to read why its connection ended, milliseconds. */
const lingerMs = 1000;

/** A server of HTTP/2; connections are given to it by its `connection` event. */
export interface StreamServer {
  readonly server: Http2Server;
  /** Takes no more requests; what is open is answered (GOAWAY, RFC 9113, section 6.8). */
  drain(): void;
}

/** Makes one. */
export function createStreamServer(gateway: Gateway, scheme: Client["scheme"]): StreamServer {
  const sessions = new Set<ServerHttp2Session>();
  const server = createServer({
    maxSessionMemory: streamLimits.sessionMebibytes,
    maxHeaderListPairs: 256,
    maxSendHeaderBlockLength: 512 * 1024,
    maxSessionInvalidFrames: 50,
    maxSessionRejectedStreams: 100,
    settings: {
      enableConnectProtocol: true,
      maxConcurrentStreams: streamLimits.concurrentStreams,
      initialWindowSize: streamLimits.streamWindowBytes,
      maxHeaderListSize: mostHeadBytes,
    },
  });
  const clients = new WeakMap<object, Client>();
  // A session is told within the telling of its connection.
  let connection: Socket | undefined;
  server.prependListener("connection", (socket: Socket) => (connection = socket));
  server.on("session", (session) => {
    endWith(session, connection);
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    clients.set(session, clientOf(session, scheme));
    guard(session);
  });
  server.on("sessionError", () => undefined);
  server.on("stream", (stream: ServerHttp2Stream, _headers: IncomingHttpHeaders, flags: number, ...rest: unknown[]) => {
    // A stream that breaks off is told by its `close`.
    stream.on("error", () => undefined);
    const { session } = stream;
    if (session === undefined) return;
    const client = clients.get(session)!;
    const read = readStreamRequest(rest[0] as readonly string[], (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0);
    const answer = new StreamAnswer(stream);
    if ("status" in read) {
      answer.begin(read.status, "", ["content-length", "0"]);
      answer.refuseRest();
      answer.end(undefined, []);
      return;
    }
    if (read.protocol !== undefined) {
      gateway.upgradeStream(read, stream, client);
      return;
    }
    let trailers: readonly string[] = [];
    if (read.hasBody)
      stream.once("trailers", (_trailers, _flags, raw?: readonly string[]) => (trailers = raw ?? trailers));
    gateway.handle({
      request: read,
      client,
      body: read.hasBody ? bodyOf(stream) : Readable.from([]),
      trailers: () => trailers,
      answer,
    });
  });
  return {
    server,
    drain: () => {
      for (const session of sessions) session.close();
    },
  };
}

function clientOf(session: ServerHttp2Session, scheme: Client["scheme"]): Client {
  const { remoteAddress = "", remotePort = 0, localPort = 0 } = session.socket;
  return { address: plainAddress(remoteAddress), port: remotePort, localPort, scheme };
}

/** Who floods does not read, and an end that waits for them would wait for ever. */
function endWith(session: ServerHttp2Session, connection: Socket | undefined): void {
  session.once("close", () => {
    if (connection === undefined || connection.destroyed) return;
    const timer = setTimeout(() => connection.destroy(), lingerMs);
    connection.once("close", () => clearTimeout(timer));
  });
}

/**
 * Ends a connection that asks for much work and has none: one answer for each SETTINGS and PING, and requests that are taken back at once
 * (CVE-2023-44487). CONTINUATION frames without an end, and whatever else is malformed, the library counts.
 */
function guard(session: ServerHttp2Session): void {
  const limit = (most: number): (() => void) => {
    let counted = 0;
    let sinceMs = performance.now();
    return () => {
      const nowMs = performance.now();
      if (nowMs - sinceMs > streamLimits.rateMs) {
        sinceMs = nowMs;
        counted = 0;
      }
      counted += 1;
      if (counted > most && !session.destroyed) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    };
  };
  const countControl = limit(streamLimits.controlFrames);
  const countTakenBack = limit(streamLimits.takenBack);
  session.on("remoteSettings", countControl);
  session.on("ping", countControl);
  session.on("error", () => undefined);
  session.setLocalWindowSize(streamLimits.connectionWindowBytes);
  let open = 0;
  session.on("stream", (stream) => {
    open += 1;
    stream.once("close", () => {
      open -= 1;
      if (stream.aborted) countTakenBack();
    });
  });
  session.setTimeout(idleMs, () => {
    if (open === 0) session.close();
  });
}
