/**
 * @module Connections to the servers of routes, kept for the next request.
 */
import Pool from "undici/lib/dispatcher/pool.js";
import { formatTarget, type Target } from "../route.ts";
import { TargetConnector } from "./connect-target.ts";
import type { Connections } from "./exchange.ts";
import { StreamSessions } from "./stream-sessions.ts";

/** One server. */
export interface Upstream {
  readonly connector: TargetConnector;
  /** By HTTP/1.1. */
  readonly connections: Connections;
  /** By HTTP/2. */
  readonly sessions: StreamSessions;
  /** It speaks nothing but HTTP/2. */
  streamsOnly: boolean;
}

/** How long an idle connection is kept, milliseconds; a server that says less in Keep-Alive gets less. */
const keepAliveMs = 4000;
/** Longest head of an answer, bytes. */
const mostHeadBytes = 256 * 1024;

/** The servers that were asked until now. */
export class Upstreams {
  readonly #known = new Map<string, Upstream>();

  /** The connections to a server. */
  of(target: Target): Upstream {
    const key = formatTarget(target);
    let upstream = this.#known.get(key);
    if (upstream === undefined) {
      const connector = new TargetConnector(target);
      upstream = {
        connector,
        connections: openPool(connector),
        sessions: new StreamSessions(connector),
        streamsOnly: target.protocol === "h2c",
      };
      this.#known.set(key, upstream);
    }
    return upstream;
  }

  /** Lets go of servers that no route leads to any more; what is being answered is answered. */
  keepOnly(targets: readonly Target[]): void {
    const kept = new Set(targets.map(formatTarget));
    for (const [key, { connections, sessions }] of this.#known) {
      if (kept.has(key)) continue;
      this.#known.delete(key);
      void connections.close().catch(() => undefined);
      sessions.close();
    }
  }

  /** Ends every connection. */
  async close(): Promise<void> {
    const all = [...this.#known.values()];
    this.#known.clear();
    for (const { sessions } of all) sessions.destroy();
    await Promise.all(all.map(({ connections }) => connections.destroy().catch(() => undefined)));
  }
}

function openPool(connector: TargetConnector): Connections {
  const { protocol, port } = connector.target;
  // The connector knows where: the origin only says whether there is TLS.
  return new Pool(`${protocol === "https" ? "https" : "http"}://upstream.invalid:${port}`, {
    connections: null,
    pipelining: 1,
    // A programmer who looks at a breakpoint keeps a request waiting; who no longer waits ends it.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: keepAliveMs,
    maxHeaderSize: mostHeadBytes,
    allowH2: false,
    connect: (_options, done) => {
      connector.connect((error, socket) => (socket === null ? done(error!, null) : done(null, socket)));
    },
  }) as unknown as Connections;
}
