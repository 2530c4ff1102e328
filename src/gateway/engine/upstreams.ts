/**
 * @module Connections to the servers of routes, kept for the next request.
 */
import Pool from "undici/lib/dispatcher/pool.js";
import { formatTarget, type Target } from "../route.ts";
import { TargetConnector } from "./connect-target.ts";
import type { AnswerHandler, Connections, DispatchOptions } from "./exchange.ts";
import { KeptConnections } from "./kept-connections.ts";
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
  /** The same by the routes' own objects, which last until the routes are read anew. */
  #byTarget = new WeakMap<Target, Upstream>();

  /** The connections to a server. */
  of(target: Target): Upstream {
    const known = this.#byTarget.get(target);
    if (known !== undefined) return known;
    const upstream = this.#open(target);
    this.#byTarget.set(target, upstream);
    return upstream;
  }

  #open(target: Target): Upstream {
    const key = formatTarget(target);
    let upstream = this.#known.get(key);
    if (upstream === undefined) {
      const connector = new TargetConnector(target);
      upstream = {
        connector,
        connections: new TargetConnections(connector),
        sessions: new StreamSessions(connector),
        streamsOnly: target.protocol === "h2c",
      };
      this.#known.set(key, upstream);
    }
    return upstream;
  }

  /** Lets go of servers that no route leads to any more; what is being answered is answered. */
  keepOnly(targets: readonly Target[]): void {
    this.#byTarget = new WeakMap();
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
    this.#byTarget = new WeakMap();
    await Promise.all(all.map(({ connections }) => connections.destroy().catch(() => undefined)));
  }
}

/** The methods that may be asked again when a kept connection was closed in the same moment (RFC 9110, section 9.2.2). */
export const repeatable: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Looks over connections of our own, everything else through the pool. */
class TargetConnections implements Connections {
  readonly #kept: KeptConnections;
  readonly #pool: Connections;

  constructor(connector: TargetConnector) {
    this.#kept = new KeptConnections(connector, { keepAliveMs, mostHeadBytes });
    this.#pool = openPool(connector);
  }

  dispatch(options: DispatchOptions, handler: AnswerHandler): boolean {
    if (options.body !== null || !options.isPlain || !repeatable.has(options.method))
      return this.#pool.dispatch(options, handler);
    this.#kept.dispatch(options, handler);
    return true;
  }

  async close(): Promise<void> {
    await Promise.all([this.#kept.close(), this.#pool.close()]);
  }

  async destroy(): Promise<void> {
    this.#kept.destroy();
    await this.#pool.destroy();
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
