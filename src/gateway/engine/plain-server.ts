/**
 * @module HTTP/1.1 towards clients: Node's own server and parser, strict as they are, and what the gateway adds where they leave a choice.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Gateway } from "./gateway.ts";
import { PlainAnswer } from "./plain-answer.ts";
import type { Client } from "./request-head.ts";

/** Longest head of a request, bytes: cookies of many applications under one name add up. */
export const mostHeadBytes = 64 * 1024;
/** A head that is not complete by then is not waited for, milliseconds. */
export const headTimeoutMs = 30_000;
/** How long an idle connection is kept, milliseconds. */
export const idleMs = 60_000;

/** Makes the server; the caller lets it listen. `scheme` is what its connections are. */
export function createPlainServer(gateway: Gateway, scheme: Client["scheme"]): Server {
  const server = createServer({
    maxHeaderSize: mostHeadBytes,
    headersTimeout: headTimeoutMs,
    // An upload may take its time.
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    highWaterMark: 64 * 1024,
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

/** What Node's server tells of a connection. */
const answering = new WeakMap<Socket, ServerResponse>();

/** Connections on which a request was refused: what was sent behind it is not read. */
const refused = new WeakSet<Socket>();

/** Servers that are about to end: each connection ends with the answer that is on its way. */
const draining = new WeakSet<Server>();

/** Keeps no connection that is not being answered, and none behind its answer. */
export function drainPlain(server: Server): void {
  draining.add(server);
  server.closeIdleConnections();
  // It listens nowhere itself: this ends its looking after connections.
  server.close();
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
    if (!socket.writable || answering.get(socket)?.headersSent === true) {
      socket.destroy(error);
      return;
    }
    const [status, message] = problems[error.code ?? ""] ?? [400, "Bad Request"];
    socket.end(`HTTP/1.1 ${status} ${message}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`, () =>
      socket.destroy(),
    );
  });
}

const problems: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, "Request Header Fields Too Large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, "Content Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "Request Timeout"],
  HPE_INVALID_VERSION: [505, "HTTP Version Not Supported"],
};

function clientOf(socket: Socket, scheme: Client["scheme"]): Client {
  return {
    address: plainAddress(socket.remoteAddress ?? ""),
    port: socket.remotePort ?? 0,
    localPort: socket.localPort ?? 0,
    scheme,
  };
}

/** IPv4 inside IPv6 is IPv4 (RFC 4291, section 2.5.5.2). */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
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
