/**
 * @module A relay of UDP. Each client has a socket of its own towards the server, so that answers find their way back; it is closed when
 * nothing moved for a while, for nobody says that an exchange is over.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { formatSocketAddress } from "../../core/index.ts";
import { plainAddress } from "../engine/plain-address.ts";
import { forwardRule } from "./forward-chooser.ts";
import { RelayTally, type RelayCounts } from "./relay-counts.ts";
import type { RelayHub } from "./relay-hub.ts";
import type { ForwardWish, RelayPlace } from "./relay-wish.ts";
import { failed } from "./resting-listener.ts";
import type { RunningRelay } from "./running-relay.ts";
import { UdpSession, type SessionOwner } from "./udp-session.ts";

/** An exchange without a word for so long is over, milliseconds, when the wish does not say. RFC 4787, section 4.3, asks NATs for two minutes. */
const usualIdleMs = 120_000;
/** Most bytes that may wait to be sent; a datagram beyond that is dropped, as the network would. */
const mostQueuedBytes = 4 * 1024 * 1024;

/**
 * Listens, and relays until it is closed. Of more clients than the wish allows the one that has been silent for longest gives way,
 * or, while that one waits for its first answer, the new one is not heard.
 * @throws LISTEN_FAILED, whose `details.error` is the system's
 */
export async function startUdpRelay(wish: ForwardWish, hub: RelayHub): Promise<RunningRelay> {
  const { address, port } = wish.listen;
  const opened = await bind(address, port)
    .catch((error: unknown) => {
      const { code } = error as NodeJS.ErrnoException;
      if (address === "::" && (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT")) return bind("0.0.0.0", port);
      throw error;
    })
    .catch((error: unknown) => Promise.reject(failed(address, port, error, "udp")));
  return new UdpRelay(wish, hub, opened);
}

async function bind(address: string, port: number): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.bind({ address, port, exclusive: true });
  await once(socket, "listening");
  return socket;
}

class UdpRelay implements RunningRelay, SessionOwner {
  readonly wish: ForwardWish;
  readonly hub: RelayHub;
  readonly tally = new RelayTally();
  readonly place: RelayPlace;
  readonly #socket: Socket;
  /** By client, the one that was silent for longest first. */
  readonly #sessions = new Map<string, UdpSession>();
  readonly #mostSessions: number;
  readonly #idleMs: number;
  readonly #sweeping: NodeJS.Timeout;
  #closed = false;
  answered: string | null = null;

  constructor(wish: ForwardWish, hub: RelayHub, socket: Socket) {
    this.wish = wish;
    this.hub = hub;
    this.#socket = socket;
    const { address, port } = socket.address();
    this.place = { transport: "udp", address, port: port as RelayPlace["port"] };
    this.#mostSessions = Math.min(wish.mostConnections, wish.mostToTarget);
    this.#idleMs = wish.idleMs ?? usualIdleMs;
    this.#sweeping = setInterval(() => this.#sweep(), Math.min(1000, Math.max(20, this.#idleMs / 4)));
    // What goes wrong with one client's datagram is not another one's business.
    socket.on("error", () => undefined);
    socket.on("message", (datagram, { address: from, port: fromPort }) => this.#take(datagram, from, fromPort));
  }

  counts(): RelayCounts {
    return this.tally.read(this.#sessions.values());
  }

  #take(datagram: Buffer, address: string, port: number): void {
    const key = `${address} ${port}`;
    let session = this.#sessions.get(key);
    if (session === undefined) {
      const begun = this.#begin(key, address, port);
      if (begun === null) return;
      session = begun;
    }
    this.moved(session);
    session.send(datagram);
  }

  #begin(key: string, address: string, port: number): UdpSession | null {
    const { tally, hub } = this;
    tally.total += 1;
    const before = hub.sessionFrom(`${plainAddress(address)} ${port}`);
    if (before?.comesFrom(this) === true) {
      tally.refused += 1;
      return null;
    }
    const isFull = this.#sessions.size >= this.#mostSessions;
    if ((isFull && !this.#endOldest()) || (!hub.takeSession() && !(this.#endOldest() && hub.takeSession()))) {
      tally.refused += 1;
      return null;
    }
    const session = new UdpSession(this, { key, address, port }, before ?? null);
    tally.open += 1;
    this.#sessions.set(key, session);
    return session;
  }

  /** @returns whether there was one that could go: who still waits for a first answer stays, or nobody would get any */
  #endOldest(): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined || oldest.isWaiting()) return false;
    oldest.end("gave way to another client");
    return true;
  }

  moved(session: UdpSession): void {
    session.movedMs = performance.now();
    this.#sessions.delete(session.client.key);
    this.#sessions.set(session.client.key, session);
  }

  answer(datagram: Buffer, { client }: UdpSession): void {
    if (this.#closed || this.#socket.getSendQueueSize() > mostQueuedBytes) return;
    this.#socket.send(datagram, client.port, client.address, () => undefined);
  }

  ended(session: UdpSession, failure: string | null): void {
    const { tally, hub, wish, place } = this;
    this.#sessions.delete(session.client.key);
    tally.open -= 1;
    hub.leaveSession();
    const { address, port } = session.client;
    if (!hub.wanted) return;
    hub.tell({
      atMs: session.startedAtMs,
      kind: wish.kind,
      transport: "udp",
      listen: formatSocketAddress(place.address, place.port),
      client: formatSocketAddress(plainAddress(address), port),
      reason: { protocol: null, name: null, alpn: [], rule: forwardRule },
      target: session.tally.target,
      pid: process.pid,
      elapsedMs: session.movedMs - session.startedMs,
      receivedBytes: session.receivedBytes,
      sentBytes: session.sentBytes,
      failure,
    });
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const session of this.#sessions.values()) {
      if (nowMs - session.movedMs < this.#idleMs) return;
      session.end(null);
    }
  }

  close(): Promise<void> {
    // Nobody can tell which exchange is over: none is waited for.
    if (this.#closed) return Promise.resolve();
    clearInterval(this.#sweeping);
    for (const session of this.#sessions.values()) session.end("stopped");
    this.#closed = true;
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}
