/**
 * @module TLS towards browsers: a certificate for the name that is asked for, and HTTP/2 for who offers it (RFC 7301).
 */
import { createServer as createHttpServer, type Server as PlainServer } from "node:http";
import type { Http2Server } from "node:http2";
import { createServer, type SecureContext, type Server, type TLSSocket } from "node:tls";
import type { CertificateSource } from "../certificates/open-certificates.ts";
import { readRequestHead } from "./request-head.ts";

/** Where certificates come from. */
export type Certificates = Pick<CertificateSource, "contextFor" | "ownCredentials">;

/** Longest time for a handshake, milliseconds. */
const handshakeTimeoutMs = 10_000;

/** The certificate for who names nobody is good for 90 days, and made anew so often, milliseconds. */
const renewalMs = 20 * 86_400_000;

/** A server of TLS; connections are given to it by its `connection` event. */
export interface SecureDoor {
  readonly server: Server;
  /** Lets go of its timer. */
  end(): void;
}

/** Makes one. */
export async function createSecureServer(
  certificates: Certificates,
  speakers: { readonly plain: PlainServer; readonly streams: Http2Server },
): Promise<SecureDoor> {
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
    ...(await certificates.ownCredentials()),
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
  const renew = async (): Promise<void> => {
    // What cannot be made anew now is good for some weeks yet.
    const credentials = await certificates.ownCredentials().catch(() => undefined);
    if (credentials !== undefined) server.setSecureContext({ ...credentials, minVersion: "TLSv1.2" });
  };
  const timer = setInterval(() => void renew(), renewalMs).unref();
  return { server, end: () => clearInterval(timer) };
}

/** What answers HTTP at the door of TLS: a browser that was given the wrong scheme is sent to the right one. */
export function createRedirectServer(): PlainServer {
  const server = createHttpServer({ requireHostHeader: false }, (request, response) => {
    const head = readRequestHead(request as never, "https");
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
