/**
 * @module What the relays of one process share: who wants to be told of connections, how many descriptors are left, and which connections are
 * their own, so that one that comes back is known.
 */
import type { Socket } from "node:net";
import { descriptorOf } from "../../host/index.ts";
import { readDescriptorLimit } from "../engine/descriptor-room.ts";
import { plainAddress } from "../engine/plain-address.ts";
import type { RelayTrace } from "./relay-wish.ts";
import type { UdpSession } from "./udp-session.ts";

/** Kept back for the process's own files and questions at its control socket. */
const ownDescriptors = 32;
/** This share of all, and at least so many, are kept back from clients for connections to servers: who got in is to be served. */
const upstreamShare = 1 / 16;
const fewestUpstream = 32;
/** One socket a session, and a session lives on silence: UDP has at most this share of all descriptors. */
const datagramShare = 1 / 2;
/** When nothing of the relays closes, they look again after so long, milliseconds: others in the process may have closed something. */
const lookMs = 1000;
/** So long a connection that has ended may come to another relay, milliseconds: it waited in the kernel's queue. */
const lingerMs = 10_000;
/** Most bytes of datagrams that all sessions keep together: whoever sends may send as many as they like, to a server that never answers. */
const mostKeptBytes = 4 * 1024 * 1024;

/** Who rests when there is no room, and goes on when there is. */
export interface Rester {
  /** Where it listens. */
  readonly port: number;
  rest(): void;
  goOn(): void;
}

/** One for all relays of a process. */
export class RelayHub {
  readonly nowMs: () => number;
  /** How long a PROXY header may take from the connection on, milliseconds. */
  readonly proxyMs: number;
  readonly #limit = readDescriptorLimit() ?? Number.POSITIVE_INFINITY;
  readonly #listeners = new Set<(trace: RelayTrace) => void>();
  readonly #resters = new Set<Rester>();
  /** By both ends of the connection, as whoever takes it sees it. */
  readonly #clients = new Map<string, Passage>();
  readonly #servers = new Map<string, Passage>();
  #ports: ReadonlySet<number> = new Set();
  readonly #sessionsFrom = new Map<string, UdpSession>();
  #sessions = 0;
  #keptBytes = 0;
  #exhausted = false;
  #goingOn = false;

  constructor({ nowMs = Date.now, proxyMs = 5000 }: { nowMs?: () => number; proxyMs?: number } = {}) {
    this.nowMs = nowMs;
    this.proxyMs = proxyMs;
  }

  /** Whether anybody wants to be told. What is not told costs nothing. */
  get wanted(): boolean {
    return this.#listeners.size > 0;
  }

  /** @returns ends it */
  listen(listener: (trace: RelayTrace) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(trace: RelayTrace): void {
    for (const listener of this.#listeners) listener(trace);
  }

  /**
   * Whether a connection took one of the descriptors that are not for clients. The kernel gives the lowest free number (POSIX.1-2024,
   * section 2.6), so that it says how many are in use at least.
   */
  isLast(socket: Socket): boolean {
    const kept = ownDescriptors + Math.max(fewestUpstream, Math.floor(this.#limit * upstreamShare));
    return (descriptorOf(socket) ?? 0) >= this.#limit - kept;
  }

  /** From now on every relay rests until something closes. */
  exhaust(): void {
    if (this.#exhausted) return;
    this.#exhausted = true;
    for (const rester of this.#resters) rester.rest();
    setTimeout(() => this.released(), lookMs).unref();
  }

  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Something closed: there may be room. */
  released(): void {
    if (!this.#exhausted || this.#goingOn) return;
    this.#goingOn = true;
    // Once for everything that closes in the same moment.
    setImmediate(() => {
      this.#goingOn = false;
      this.#exhausted = false;
      for (const rester of this.#resters) rester.goOn();
    });
  }

  /** @returns takes it out */
  add(rester: Rester): () => void {
    const count = (): void => {
      this.#ports = new Set([...this.#resters].map(({ port }) => port));
    };
    this.#resters.add(rester);
    count();
    return () => {
      this.#resters.delete(rester);
      count();
    };
  }

  /** Takes a session of UDP in, where there is room for one. @returns whether there is */
  takeSession(): boolean {
    if (this.#sessions >= this.#limit * datagramShare - ownDescriptors) return false;
    this.#sessions += 1;
    return true;
  }

  leaveSession(): void {
    this.#sessions -= 1;
  }

  /** Bytes of datagrams that sessions keep, of which nobody has got them for sure. */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  /** @returns whether a datagram of so many bytes may be kept */
  keep(bytes: number): boolean {
    if (this.#keptBytes + bytes > mostKeptBytes) return false;
    this.#keptBytes += bytes;
    return true;
  }

  forgetKept(bytes: number): void {
    this.#keptBytes -= bytes;
  }

  /** @param from address and port that its datagrams to the server come from */
  addSession(from: string, session: UdpSession): void {
    this.#sessionsFrom.set(from, session);
  }

  removeSession(from: string): void {
    this.#sessionsFrom.delete(from);
  }

  /** The session of this process whose datagrams come from there. */
  sessionFrom(from: string): UdpSession | undefined {
    return this.#sessionsFrom.get(from);
  }

  /** A client came to a relay. */
  came(way: string, passage: Passage): void {
    this.#clients.set(way, passage);
    const before = this.#servers.get(way);
    if (before === undefined) return;
    passage.before = before;
    endLoop(passage);
  }

  /** Whether a relay of this process listens at that port, at some address. */
  isOwn(port: number): boolean {
    return this.#ports.has(port);
  }

  /** A relay went on to a server. The kernel may tell the other end of the same connection first. */
  went(way: string, port: number, passage: Passage): void {
    if (!this.isOwn(port)) return;
    this.#servers.set(way, passage);
    const after = this.#clients.get(way);
    if (after === undefined) return;
    after.before = passage;
    endLoop(after);
  }

  /** It is over. What leads to a relay of this process may still be waiting there to be taken, closed or not. */
  forget(clientWay: string | null, serverWay: string | null): void {
    if (clientWay !== null) this.#clients.delete(clientWay);
    const passage = serverWay === null ? undefined : this.#servers.get(serverWay);
    if (serverWay === null || passage === undefined) return;
    const timer = setTimeout(() => {
      if (this.#servers.get(serverWay) === passage) this.#servers.delete(serverWay);
    }, lingerMs);
    timer.unref();
  }
}

/** One connection's way through a relay. */
export interface Passage {
  readonly relay: object;
  /** The passage through a relay of this process that it came from; `null` for a client of somebody else. */
  before: Passage | null;
  /** It comes to a relay that it came from: round without end, if nobody ended it. */
  readonly onLoop: () => void;
}

/** Longer chains than this are nobody's. */
const mostPassages = 64;

function endLoop(passage: Passage): void {
  let { before } = passage;
  for (let step = 0; before !== null; step += 1, { before } = before)
    if (before.relay === passage.relay || step === mostPassages) return passage.onLoop();
}

/** How a client came. */
export function wayOf({ remoteAddress = "", remotePort, localAddress = "", localPort }: Socket): string {
  return `${plainAddress(remoteAddress)} ${remotePort} ${plainAddress(localAddress)} ${localPort}`;
}

/** How a connection to a server comes to whoever takes it. */
export function wayBack({ remoteAddress = "", remotePort, localAddress = "", localPort }: Socket): string {
  return `${plainAddress(localAddress)} ${localPort} ${plainAddress(remoteAddress)} ${remotePort}`;
}
