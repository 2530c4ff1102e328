/**
 * @module What the relays of one process share: who wants to be told of connections, how many descriptors are left, and which connections are
 * their own, so that one that comes back is known.
 */
import type { Socket } from "node:net";
import { descriptorOf } from "../../host/index.ts";
import { readDescriptorLimit } from "../engine/descriptor-room.ts";
import { plainAddress } from "../engine/plain-address.ts";
import type { RelayTrace } from "./relay-wish.ts";

/** Kept back for the process's own files and questions at its control socket. */
const ownDescriptors = 32;
/** This share of all, and at least so many, are kept back from clients for connections to servers: who got in is to be served. */
const upstreamShare = 1 / 16;
const fewestUpstream = 32;
/** One socket a session, and a session lives on silence: UDP has at most this share of all descriptors. */
const datagramShare = 1 / 2;
/** When nothing of the relays closes, they look again after so long, milliseconds: others in the process may have closed something. */
const lookMs = 1000;

/** Who rests when there is no room, and goes on when there is. */
export interface Rester {
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
  readonly #ways = new Map<string, () => void>();
  #sessions = 0;
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
    this.#resters.add(rester);
    return () => this.#resters.delete(rester);
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

  /**
   * Remembers a connection by both its ends. When the same connection is there from its other end, it leads from a relay of this process to
   * one of this process: round, without end, if nobody ends it.
   * @param way of a client as it came, or of a connection to a server turned round: {@link wayOf}, {@link wayBack}
   * @param onLoop called when that turns out later
   * @returns forgets it; `null` when it is there already, whose `onLoop` was called
   */
  remember(way: string, onLoop: () => void): (() => void) | null {
    const other = this.#ways.get(way);
    if (other !== undefined) {
      other();
      return null;
    }
    this.#ways.set(way, onLoop);
    return () => this.#ways.delete(way);
  }
}

/** How a client came. */
export function wayOf({ remoteAddress = "", remotePort, localAddress = "", localPort }: Socket): string {
  return `${plainAddress(remoteAddress)} ${remotePort} ${plainAddress(localAddress)} ${localPort}`;
}

/** How a connection to a server comes to whoever takes it. */
export function wayBack({ remoteAddress = "", remotePort, localAddress = "", localPort }: Socket): string {
  return `${plainAddress(localAddress)} ${localPort} ${plainAddress(remoteAddress)} ${remotePort}`;
}
