/**
 * @module HTTP/1.1 towards clients: Node's own server and parser, strict as they are, and what the gateway adds where they leave a choice.
 */
import { createServer, IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { mostWaitingBytes } from "./connect-target.ts";
import type { Gateway } from "./gateway.ts";
import { PlainAnswer } from "./plain-answer.ts";
import { plainAddress } from "./plain-address.ts";
import type { Client } from "./origin-fields.ts";

/** Longest head of a request, bytes: cookies of many applications under one name add up. */
export const mostHeadBytes = 64 * 1024;
/** A head that is not complete by then is not waited for, milliseconds. */
export const headTimeoutMs = 30_000;
/** Time between two looks for such heads, milliseconds. */
const headLookMs = 5000;
/** How long an idle connection is kept, milliseconds. */
export const idleMs = 60_000;

/** Makes the server; the caller lets it listen. `scheme` is what its connections are. */
export function createPlainServer(gateway: Gateway, scheme: Client["scheme"]): Server {
  const server = createServer({
    IncomingMessage: PlainRequest,
    maxHeaderSize: mostHeadBytes,
    headersTimeout: gateway.patience?.headMs ?? headTimeoutMs,
    connectionsCheckingInterval: gateway.patience?.lookMs ?? headLookMs,
    // An upload may take its time.
    requestTimeout: 0,
    keepAliveTimeout: gateway.patience?.idleMs ?? idleMs,
    highWaterMark: mostWaitingBytes,
    insecureHTTPParser: false,
    // The gateway refuses it itself, and what is sent behind it.
    requireHostHeader: false,
  });
  attachPlain(server, gateway, scheme);
  return server;
}

/**
 * A server that listens nowhere itself: connections are given to it by its `connection` event. Node looks after slow heads and idle
 * connections from the moment of listening on, so it is told that this is now.
 */
export function createInnerPlainServer(gateway: Gateway, scheme: Client["scheme"]): Server {
  const server = createPlainServer(gateway, scheme);
  server.emit("listening");
  return server;
}

/**
 * A request of which Node reads Expect alone (RFC 9110, section 10.1.1): all fields by name, which it would make of each request for that, are
 * nothing the gateway asks for.
 */
class PlainRequest extends IncomingMessage {
  // @ts-expect-error Node has it as a pair of functions on the prototype as well.
  override get headers(): { expect?: string } {
    const { rawHeaders } = this;
    for (let index = 0; index < rawHeaders.length; index += 2)
      if (rawHeaders[index]!.length === 6 && rawHeaders[index]!.toLowerCase() === "expect")
        return { expect: rawHeaders[index + 1]! };
    return none;
  }
}

const none = {};

/** What Node's server tells of a connection. */
const answering = new WeakMap<Socket, ServerResponse>();

/** Connections on which a request was refused: what was sent behind it is not read. */
const refused = new WeakSet<Socket>();

/** Servers that are about to end. */
const draining = new WeakSet<Server>();

/**
 * From now on each connection ends with its next answer, or when it has been idle for as long as it was told that it may be. One that is
 * idle is not ended at once: its client may be asking in this very moment, and would get no answer.
 */
export function drainPlain(server: Server): void {
  draining.add(server);
}

/** Lets the gateway answer what this server receives. */
function attachPlain(server: Server, gateway: Gateway, scheme: Client["scheme"]): void {
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (refused.has(socket)) return;
    answering.set(socket, response);
    if (draining.has(server)) response.shouldKeepAlive = false;
    if (request.httpVersionMajor !== 1) {
      refused.add(socket);
      response.writeHead(505, { Connection: "close", "Content-Length": 0 }).end();
      return;
    }
    gateway.handle({
      request: request as IncomingMessage & { url: string; method: string },
      client: clientOf(socket, scheme),
      body: request,
      trailers: () => request.rawTrailers,
      answer: new PlainAnswer(response, () => refused.add(socket)),
    });
  };
  // None is left out: one beyond Node's usual 2,000 could be the length or the host.
  server.maxHeadersCount = 0;
  server.on("request", onRequest);
  // The server that the request is for decides whether it wants the body.
  server.on("checkContinue", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("connect", (_request, socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", () =>
      socket.destroy(),
    );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Socket, behind: Buffer) => {
    gateway.upgrade(request, socket, behind, clientOf(socket, scheme), () => {
      // Read once more without the wish. The parser has let go of the connection.
      socket.unshift(Buffer.concat([Buffer.from(headWithoutUpgrade(request), "latin1"), behind]));
      server.emit("connection", socket);
    });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    // Behind the last request of a connection, or a refused one: its answer ends it (RFC 9112, section 9.6).
    if (error.code === "HPE_CLOSED_CONNECTION" || refused.has(socket)) return;
    const response = answering.get(socket);
    if (response === undefined || response.writableFinished) return turnAway(socket, error);
    // Behind a request that was read whole: its answer is owed.
    if (response.req.complete) response.once("finish", () => turnAway(socket, error));
    else if (response.headersSent) socket.destroy(error);
    else turnAway(socket, error);
  });
}

/** What was sent is no request: the answer to that, and the end. */
function turnAway(socket: Socket, error: NodeJS.ErrnoException): void {
  if (!socket.writable) return void socket.destroy(error);
  const [status, message] = problems[error.code ?? ""] ?? [400, "Bad Request"];
  socket.end(`HTTP/1.1 ${status} ${message}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () => socket.destroy());
}

const problems: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Content Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  HPE_INVALID_VERSION: [505, "HTTP Version Not Supported"],
};

/** Who is at the other end of a connection stays the same. */
const clients = new WeakMap<Socket, Client>();

function clientOf(socket: Socket, scheme: Client["scheme"]): Client {
  let client = clients.get(socket);
  if (client === undefined) {
    client = {
      address: plainAddress(socket.remoteAddress ?? ""),
      port: socket.remotePort ?? 0,
      localPort: socket.localPort ?? 0,
      scheme,
    };
    clients.set(socket, client);
  }
  return client;
}

function headWithoutUpgrade({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const lower = rawHeaders[index]!.toLowerCase();
    if (lower === "upgrade" || lower === "http2-settings") continue;
    let value = rawHeaders[index + 1]!;
    if (lower === "connection") {
      const tokens = value.split(",").filter((token) => !/^\s*(?:upgrade|http2-settings)?\s*$/i.test(token));
      if (tokens.length === 0) continue;
      value = tokens.join(",");
    }
    text += `${rawHeaders[index]}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
