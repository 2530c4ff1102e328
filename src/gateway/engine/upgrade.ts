/**
 * @module A connection that becomes a WebSocket: the handshake is read on both sides, then bytes go to and fro untouched (RFC 6455).
 */
import { ServerResponse, request as startRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { readAnswerFields, type RequestHead } from "./request-head.ts";

/** Who has said that it sends no more hears what the other side says, until that falls silent for so long, milliseconds. */
const halfClosedMs = 5000;
/** What a client sends before the server has agreed is kept up to here, bytes; then it waits. */
const mostEarlyBytes = 64 * 1024;

/** What becomes of it. */
export interface UpgradeOutcome {
  onAnswer(status: number): void;
  /** Bytes from the server, and to it, after the handshake. */
  onDone(receivedBytes: number, sentBytes: number): void;
  onFailure(error: Error, begun: boolean): void;
}

/** What a request for another protocol left: its connection, and what came behind its head. */
export interface Upgrading {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly behind: Buffer;
}

/** Passes the handshake on over a connection of its own, and joins the two when the server agrees. */
export function passUpgrade(
  { request, socket, behind }: Upgrading,
  head: RequestHead,
  upstream: Socket,
  outcome: UpgradeOutcome,
): void {
  const outgoing = startRequest({
    createConnection: () => upstream,
    method: request.method,
    path: head.target,
    headers: [...head.fields, "Connection", "Upgrade", "Upgrade", head.upgrade ?? "websocket"] as never,
    setHost: false,
  });
  let settled = false;
  const fail = (error: Error): void => {
    if (settled) return;
    settled = true;
    outgoing.destroy();
    outcome.onFailure(error, false);
  };
  const onGone = (): void => {
    if (settled) return;
    settled = true;
    outgoing.destroy();
    socket.destroy();
    outcome.onDone(0, 0);
  };
  // A connection that nobody reads does not tell of its end. What comes early waits for the server's answer.
  const early: Buffer[] = [behind];
  let earlyBytes = behind.length;
  const onEarly = (chunk: Buffer): void => {
    early.push(chunk);
    earlyBytes += chunk.length;
    if (earlyBytes > mostEarlyBytes) socket.pause();
  };
  const listenNoMore = (): void => {
    socket.off("close", onGone).off("end", onGone).off("data", onEarly);
  };
  socket.once("close", onGone).once("end", onGone).on("data", onEarly);
  outgoing.once("error", fail);
  outgoing.once("upgrade", (incoming: IncomingMessage, joined: Socket, first: Buffer) => {
    settled = true;
    listenNoMore();
    outcome.onAnswer(incoming.statusCode ?? 101);
    const { fields } = readAnswerFields(incoming.rawHeaders);
    let text = `HTTP/1.1 101 ${incoming.statusMessage || "Switching Protocols"}\r\n`;
    for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`;
    text += `Connection: Upgrade\r\nUpgrade: ${incoming.headers.upgrade ?? head.upgrade ?? "websocket"}\r\n\r\n`;
    socket.write(text, "latin1");
    if (first.length > 0) socket.write(first);
    for (const chunk of early) if (chunk.length > 0) joined.write(chunk);
    join(socket, joined, outcome);
  });
  outgoing.once("response", (incoming: IncomingMessage) => {
    // Refused: an answer like any other, after which the connection ends.
    settled = true;
    listenNoMore();
    outcome.onAnswer(incoming.statusCode ?? 502);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as Socket);
    const { fields } = readAnswerFields(incoming.rawHeaders);
    response.writeHead(incoming.statusCode ?? 502, incoming.statusMessage, [...fields, "Connection", "close"]);
    incoming.pipe(response);
    let received = 0;
    incoming.on("data", (chunk: Buffer) => (received += chunk.length));
    incoming.once("error", () => socket.destroy());
    socket.once("close", () => outgoing.destroy());
    response.once("finish", () => {
      socket.end();
      outcome.onDone(received, 0);
    });
  });
  outgoing.end();
}

function join(client: Duplex, server: Socket, outcome: UpgradeOutcome): void {
  let open = 2;
  (client as Partial<Socket>).setNoDelay?.(true);
  (client as Partial<Socket>).setTimeout?.(0);
  server.allowHalfOpen = true;
  const link = (one: Duplex, other: Duplex): void => {
    one.on("error", () => other.destroy());
    // An end is passed on behind what came before it, and the other side may still have something to say. But who is gone looks no different.
    one.once("end", () => endWhenSilent(other as Socket));
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

function endWhenSilent(socket: Socket): void {
  socket.setTimeout(halfClosedMs, () => {
    // Who takes what is still to come at their leisure is not silent.
    if (socket.writableLength === 0) socket.destroy();
    else socket.setTimeout(halfClosedMs);
  });
}
