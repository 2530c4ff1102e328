/**
 * @module The listening server under the application: an address, a port, limits.
 */
import { getRequestListener } from "@hono/node-server";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hono } from "hono";
import { PortolanError, formatSocketAddress } from "../../core/index.ts";

/** Connections at the same time; a browser has six to a server. */
const mostConnections = 256;
/** Longest time for a request's header, milliseconds. */
const headersTimeoutMs = 10_000;

/** A server that listens. */
export interface ListeningServer {
  readonly port: number;
  /** Ends every connection and the listening. */
  readonly close: () => Promise<void>;
}

/**
 * Listens for the application.
 * @param address an IP address without brackets
 * @param port 0 takes a free one
 * @throws LISTEN_FAILED
 */
export async function listen(app: Hono, address: string, port: number): Promise<ListeningServer> {
  const answer = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const limits = { headersTimeout: headersTimeoutMs, requestTimeout: 60_000, keepAliveTimeout: 5000 };
  const server = createServer(limits, (request, response) => void answer(request, response));
  server.maxConnections = mostConnections;
  server.listen({ host: address, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw explainFailure(address, port, cause as NodeJS.ErrnoException);
  }
  return { port: (server.address() as AddressInfo).port, close: () => closeServer(server) };
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function explainFailure(address: string, port: number, cause: NodeJS.ErrnoException): PortolanError {
  const place = formatSocketAddress(address, port);
  const hints: Readonly<Record<string, string>> = {
    EADDRINUSE: `portolan who ${port} says who holds it; without --port a free one is taken.`,
    EACCES: `Ports below 1024 need a privilege here; take a higher one.`,
    EADDRNOTAVAIL: "portolan interfaces lists the addresses of this machine.",
  };
  const hint = hints[cause.code ?? ""];
  return new PortolanError("LISTEN_FAILED", `The page cannot listen at ${place}: ${cause.code ?? cause.message}.`, {
    details: { address, port, ...(hint === undefined ? {} : { hint }) },
    cause,
  });
}
