/**
 * @module TLS towards browsers: a certificate for the name that is asked for, and HTTP/2 for who offers it (RFC 7301).
 */
import { createServer as createHttpServer, type Server as PlainServer } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import { readRequestHead } from "./request-head.ts";

/** Where certificates come from. */
export interface Certificates {
  /** For a name of a ClientHello (RFC 6066, section 3); `undefined` when none is issued for it. */
  contextFor(servername: string): Promise<SecureContext | undefined>;
  /** For who names nobody, as who connects to an address does. PEM. */
  readonly nameless: { readonly key: string; readonly cert: string };
}

/** Longest time for a handshake, milliseconds. */
const handshakeTimeoutMs = 10_000;

/** Makes the server; connections are given to it by its `connection` event. */
export function createSecureServer(
  certificates: Certificates,
  speakers: { readonly plain: PlainServer; readonly streams: Http2Server },
): Server {
  const find = async (name: string, done: (error: Error | null, context?: SecureContext) => void): Promise<void> => {
    try {
      // Without a context of its own the name gets the nameless one, and the browser says that it does not fit.
      const context = await certificates.contextFor(name);
      done(null, context);
    } catch (error) {
      done(error as Error);
    }
  };
  const server = createServer({
    ...certificates.nameless,
    ALPNProtocols: ["h2", "http/1.1"],
    minVersion: "TLSv1.2",
    handshakeTimeout: handshakeTimeoutMs,
    SNICallback: (servername, done) => void find(servername.toLowerCase(), done),
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    if (socket.alpnProtocol === "h2") speakers.streams.emit("connection", socket);
    else speakers.plain.emit("connection", socket);
  });
  // Who does not trust the certificate breaks off here, and so does every scanner.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

/** What answers HTTP at the door of TLS: a browser that was given the wrong scheme is sent to the right one. */
export function createRedirectServer(): PlainServer {
  const server = createHttpServer({ requireHostHeader: false }, (request, response) => {
    const head = readRequestHead(request as never);
    response.setHeader("Connection", "close");
    if ("status" in head || head.authority === "" || head.target === "*") {
      response.writeHead(400, { "Content-Length": 0 }).end();
      return;
    }
    // 308 keeps the method (RFC 9110, section 15.4.9).
    response.writeHead(308, { Location: `https://${head.authority}${head.target}`, "Content-Length": 0 }).end();
  });
  server.on("clientError", (_error, socket) => socket.destroy());
  server.on("upgrade", (_request, socket) => socket.destroy());
  server.on("connect", (_request, socket) => socket.destroy());
  return server;
}
