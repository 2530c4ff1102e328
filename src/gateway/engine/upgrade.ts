/**
 * @module A connection that becomes a WebSocket: the handshake is read on both sides, then bytes go to and fro untouched (RFC 6455).
 */
import { createHash, randomBytes } from "node:crypto";
import { ServerResponse, request as startRequest, type IncomingMessage } from "node:http";
import type { ServerHttp2Stream } from "node:http2";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { endWhenSilent, joinSockets } from "./join.ts";
import { readAnswerFields, type RequestHead } from "./request-head.ts";
import { headersOf } from "./stream-answer.ts";

/** Who has said that it sends no more hears what the other side says, until that falls silent for so long, milliseconds. */
const halfClosedMs = 5000;
/** What a client sends before the server has agreed is kept up to here, bytes; then it waits. */
const mostEarlyBytes = 64 * 1024;

/** What becomes of it. */
export interface UpgradeOutcome {
  onAnswer(status: number): void;
  /** Bytes from the server, and to it, after the handshake. */
  onDone(receivedBytes: number, sentBytes: number): void;
  onFailure(error: Error): void;
}

/** Who wants a WebSocket, by whichever protocol. */
export interface Upgrading {
  readonly duplex: Duplex;
  /** What came behind the head. */
  readonly behind: Buffer;
  /** Fields that the server is asked with beside the client's own. */
  readonly fields: readonly string[];
  /** Whether the server's agreement is one. */
  agrees(incoming: IncomingMessage): boolean;
  /** Tells the client that the server agrees. */
  accept(message: string, fields: readonly string[], protocol: string): void;
  /** Passes on what the server answers instead. */
  decline(incoming: IncomingMessage, done: () => void): void;
  /** Answers in the server's place. */
  refuse(status: number, message: string): void;
}

/** By HTTP/1.1: a connection of its own. */
export function plainUpgrading(request: IncomingMessage, socket: Duplex, behind: Buffer): Upgrading {
  return {
    duplex: socket,
    behind,
    fields: [],
    agrees: () => true,
    accept: (message, fields, protocol) => {
      let text = `HTTP/1.1 101 ${message}\r\n`;
      for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
      socket.write(`${text}Connection: Upgrade\r\nUpgrade: ${protocol}\r\n\r\n`, "latin1");
    },
    decline: (incoming, done) => {
      const response = new ServerResponse(request);
      response.shouldKeepAlive = false;
      response.assignSocket(socket as Socket);
      const { fields } = readAnswerFields(incoming.rawHeaders);
      response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, [...fields, "Connection", "close"]);
      incoming.pipe(response);
      incoming.once("error", () => socket.destroy());
      response.once("finish", () => {
        socket.end();
        done();
      });
    },
    refuse: (status, message) => {
      const text = `HTTP/1.1 ${status} ${message}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`;
      if (socket.writable) socket.end(text, () => socket.destroy());
      else socket.destroy();
    },
  };
}

/** What the accepted key is made with (RFC 6455, section 1.3). */
const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** By HTTP/2: a stream, whose client sends no key because the frame layer needs no proof (RFC 8441, section 5.1). */
export function streamUpgrading(stream: ServerHttp2Stream): Upgrading {
  const key = randomBytes(16).toString("base64");
  const accept = createHash("sha1").update(`${key}${acceptSuffix}`).digest("base64");
  const answer = (status: number, fields: readonly string[], endStream: boolean): void => {
    if (stream.destroyed || stream.headersSent) return;
    try {
      stream.respond({ ...headersOf(fields), ":status": status }, { endStream });
    } catch {
      stream.close();
    }
  };
  return {
    duplex: stream,
    behind: Buffer.alloc(0),
    fields: ["Sec-WebSocket-Key", key],
    agrees: (incoming) => incoming.headers["sec-websocket-accept"] === accept,
    accept: (_message, fields) => {
      const own: string[] = [];
      for (let index = 0; index < fields.length; index += 2)
        if (fields[index]!.toLowerCase() !== "sec-websocket-accept") own.push(fields[index]!, fields[index + 1]!);
      answer(200, own, false);
    },
    decline: (incoming, done) => {
      answer(incoming.statusCode ?? 502, readAnswerFields(incoming.rawHeaders).fields, false);
      incoming.pipe(stream);
      incoming.once("error", () => stream.close());
      stream.once("finish", () => {
        stream.close();
        done();
      });
    },
    // The client's side is still open, and nobody reads it any more.
    refuse: (status) => {
      answer(status, ["content-length", "0"], true);
      stream.close();
    },
  };
}

/** Passes the handshake on over a connection of its own, and joins the two when the server agrees. */
export function passUpgrade(client: Upgrading, head: RequestHead, upstream: Socket, outcome: UpgradeOutcome): void {
  const { duplex, behind } = client;
  const outgoing = startRequest({
    createConnection: () => upstream,
    method: "GET",
    path: head.target,
    headers: [
      ...head.fields,
      ...client.fields,
      "Connection",
      "Upgrade",
      "Upgrade",
      head.upgrade ?? "websocket",
    ] as never,
    setHost: false,
  });
  let settled = false;
  const fail = (error: Error): void => {
    if (settled) return;
    settled = true;
    outgoing.destroy();
    outcome.onFailure(error);
  };
  const onGone = (): void => {
    if (settled) return;
    settled = true;
    outgoing.destroy();
    duplex.destroy();
    outcome.onDone(0, 0);
  };
  // A connection that nobody reads does not tell of its end, as a stream does. What comes early waits for the server's answer.
  const early: Buffer[] = [behind];
  let earlyBytes = behind.length;
  const onEarly = (chunk: Buffer): void => {
    early.push(chunk);
    earlyBytes += chunk.length;
    if (earlyBytes > mostEarlyBytes) duplex.pause();
  };
  const listenNoMore = (): void => {
    duplex.off("close", onGone).off("end", onGone).off("data", onEarly);
  };
  duplex.once("close", onGone);
  if (duplex instanceof Socket) duplex.once("end", onGone).on("data", onEarly);
  outgoing.once("error", fail);
  outgoing.once("upgrade", (incoming: IncomingMessage, joined: Socket, first: Buffer) => {
    if (!client.agrees(incoming)) {
      joined.destroy();
      return fail(new Error("the server's Sec-WebSocket-Accept does not fit"));
    }
    settled = true;
    listenNoMore();
    outcome.onAnswer(incoming.statusCode ?? 101);
    const { fields } = readAnswerFields(incoming.rawHeaders);
    client.accept(
      incoming.statusMessage || "Switching Protocols",
      fields,
      incoming.headers.upgrade ?? head.upgrade ?? "websocket",
    );
    if (first.length > 0) duplex.write(first);
    for (const chunk of early) if (chunk.length > 0) joined.write(chunk);
    join(duplex, joined, outcome);
  });
  outgoing.once("response", (incoming: IncomingMessage) => {
    // Refused: an answer like any other, after which the connection ends.
    settled = true;
    listenNoMore();
    outcome.onAnswer(incoming.statusCode ?? 502);
    let received = 0;
    incoming.on("data", (chunk: Buffer) => (received += chunk.length));
    duplex.once("close", () => outgoing.destroy());
    client.decline(incoming, () => outcome.onDone(received, 0));
  });
  outgoing.end();
}

function join(client: Duplex, server: Socket, outcome: UpgradeOutcome): void {
  if (client instanceof Socket) {
    client.setNoDelay(true);
    const joined = joinSockets(client, server, {
      idleMs: null,
      halfClosedMs,
      onDone: () => outcome.onDone(joined.receivedBytes, joined.sentBytes),
    });
    return;
  }
  joinStream(client, server, outcome);
}

/** A stream of HTTP/2 and a connection. */
function joinStream(client: Duplex, server: Socket, outcome: UpgradeOutcome): void {
  let open = 2;
  server.allowHalfOpen = true;
  const link = (one: Duplex, other: Duplex): void => {
    one.on("error", () => other.destroy());
    // An end is passed on behind what came before it, and the other side may still have something to say. But who is gone looks no different.
    one.once("end", () => endWhenSilent(other as Socket, halfClosedMs));
    one.once("close", () => {
      if (!one.readableEnded) other.destroy();
      open -= 1;
      if (open === 0) outcome.onDone(server.bytesRead, server.bytesWritten);
    });
  };
  link(client, server);
  link(server, client);
  client.pipe(server);
  server.pipe(client);
}
