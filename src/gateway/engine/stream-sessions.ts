/**
 * @module Connections to a server that speaks HTTP/2, kept for the next request: many at once on one.
 */
import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  type OutgoingHttpHeaders,
} from "node:http2";
import type { Socket } from "node:net";
import type { TargetConnector } from "./connect-target.ts";

/** How long a connection without requests is kept, milliseconds. */
const idleMs = 30_000;
/** Bytes that a server may send on one stream before they are taken. */
const windowBytes = 1024 * 1024;
/** Requests on one connection as long as the server has not said how many it takes (RFC 9113, section 6.5.2). */
const usualStreams = 100;

type Taker = (error: Error | null, session: StreamSession | null) => void;

/** A connection that speaks HTTP/2. */
export class StreamSession {
  readonly #session: ClientHttp2Session;
  #streams = 0;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  /** Whether it takes one more request. */
  get hasRoom(): boolean {
    const { closed, destroyed, remoteSettings } = this.#session;
    const most = Math.max(1, remoteSettings?.maxConcurrentStreams ?? usualStreams);
    return !closed && !destroyed && this.#streams < most;
  }

  get isIdle(): boolean {
    return this.#streams === 0;
  }

  /** Begins a request. Throws what Node throws. */
  request(headers: OutgoingHttpHeaders, options: ClientSessionRequestOptions): ClientHttp2Stream {
    const stream = this.#session.request(headers, options);
    this.#streams += 1;
    stream.once("close", () => (this.#streams -= 1));
    return stream;
  }

  close(): void {
    if (!this.#session.closed) this.#session.close();
  }

  destroy(): void {
    this.#session.destroy();
  }
}

/** The connections to one server. */
export class StreamSessions {
  readonly scheme: "http" | "https";
  readonly #connector: TargetConnector;
  readonly #open = new Set<StreamSession>();
  readonly #waiting = new Set<Taker>();
  #connecting = false;
  #closed = false;

  constructor(connector: TargetConnector) {
    this.#connector = connector;
    this.scheme = connector.target.protocol === "https" ? "https" : "http";
  }

  /**
   * A connection with room for one more request.
   * @param taker called once
   * @returns gives the wish up
   */
  take(taker: Taker): () => void {
    for (const session of this.#open) {
      if (!session.hasRoom) continue;
      taker(null, session);
      return () => undefined;
    }
    this.#waiting.add(taker);
    this.#connect();
    return () => this.#waiting.delete(taker);
  }

  /** Answers what was begun, then ends. */
  close(): void {
    this.#closed = true;
    for (const session of this.#open) session.close();
  }

  /** Ends at once. */
  destroy(): void {
    this.#closed = true;
    for (const session of this.#open) session.destroy();
  }

  #connect(): void {
    if (this.#connecting) return;
    this.#connecting = true;
    this.#connector.connect(
      (error, socket) => {
        if (socket === null) this.#serve(error!);
        else this.#begin(socket);
      },
      { speaks: "h2" },
    );
  }

  #begin(socket: Socket): void {
    const session = connect(`${this.scheme}://upstream.invalid`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: windowBytes },
      maxSessionMemory: 64,
    });
    const own = new StreamSession(session);
    let settled = false;
    const settle = (error: Error | null): void => {
      if (settled) return;
      settled = true;
      this.#serve(error);
    };
    session.on("error", settle);
    session.once("close", () => {
      this.#open.delete(own);
      settle(new Error("the server closed the connection before it spoke HTTP/2"));
    });
    session.once("goaway", () => this.#open.delete(own));
    session.setTimeout(idleMs, () => {
      if (own.isIdle) own.close();
    });
    // Its SETTINGS are the proof that it speaks HTTP/2 (RFC 9113, section 3.4), and say how many requests it takes.
    session.once("remoteSettings", () => {
      this.#open.add(own);
      settle(null);
      if (this.#closed) own.close();
    });
  }

  /** Whoever waits gets room, or waits for the next connection, or learns why there is none. */
  #serve(error: Error | null): void {
    this.#connecting = false;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const taker of waiting) {
      if (error === null) this.take(taker);
      else taker(error, null);
    }
  }
}
