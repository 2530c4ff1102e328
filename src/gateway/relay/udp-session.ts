/**
 * @module What one client and the server say to each other over UDP.
 */
import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns";
import { isIP } from "node:net";
import type { RelayTally, TargetTally } from "./relay-counts.ts";
import type { RelayHub } from "./relay-hub.ts";
import type { ForwardWish } from "./relay-wish.ts";

const loopbacks: readonly string[] = ["127.0.0.1", "::1"];
/** Datagrams that are kept until it is known where they go; the network may lose what is beyond. */
const mostKept = 64;
/** So long a first answer is waited for before another client may take the place, milliseconds. */
const patienceMs = 1000;
/**
 * A connected socket keeps the address that it got: when the network changes it is one that this machine has no more (EINVAL on Linux), or from
 * which nothing leads to the server. Another socket gets another one.
 */
const lostWays: ReadonlySet<string> = new Set(["EINVAL", "EADDRNOTAVAIL", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"]);

/** The relay of a session. */
export interface SessionOwner {
  readonly wish: ForwardWish;
  readonly hub: RelayHub;
  readonly tally: RelayTally;
  /** Of the loopback addresses the one that answered last; `null` as long as none did. */
  answered: string | null;
  /** Something moved. */
  moved(session: UdpSession): void;
  /** Sends a datagram of the server to the client. */
  answer(datagram: Buffer, session: UdpSession): void;
  ended(session: UdpSession, failure: string | null): void;
}

/** Who asks. */
export interface UdpClient {
  readonly key: string;
  readonly address: string;
  readonly port: number;
}

/** See the module. */
export class UdpSession {
  readonly client: UdpClient;
  readonly tally: TargetTally;
  readonly startedMs = performance.now();
  readonly startedAtMs: number;
  movedMs = this.startedMs;
  receivedBytes = 0;
  sentBytes = 0;
  readonly #owner: SessionOwner;
  /** The session of this process whose server this relay is. */
  readonly #before: UdpSession | null;
  /** Addresses that are still to be tried. */
  #places: string[] = [];
  #socket: Socket | null = null;
  #from: string | null = null;
  #connected = false;
  #isAnswered = false;
  /** Nobody is there, at any address, or no way leads there any more: the next datagram looks again. */
  #isDead = false;
  /** Datagrams that nobody has got for sure. */
  #kept: Buffer[] = [];
  #failure: string | null = null;
  #over = false;

  constructor(owner: SessionOwner, client: UdpClient, before: UdpSession | null) {
    this.client = client;
    this.#owner = owner;
    this.#before = before;
    this.startedAtMs = owner.hub.nowMs();
    const { target } = owner.wish;
    this.tally = owner.tally.of(target);
    this.tally.open += 1;
    this.tally.total += 1;
    this.#find(target.host);
  }

  /** Whether its client is, at the end of a chain of relays of this process, that relay's own. */
  comesFrom(owner: SessionOwner): boolean {
    if (this.#owner === owner) return true;
    return this.#before?.comesFrom(owner) ?? false;
  }

  /** Whether it has asked just now and has not been answered yet. */
  isWaiting(): boolean {
    return !this.#isAnswered && performance.now() - this.movedMs < patienceMs;
  }

  send(datagram: Buffer): void {
    this.sentBytes += datagram.length;
    if (this.#isDead) {
      this.#isDead = false;
      this.#isAnswered = false;
      this.#forgetKept();
      this.#keep(datagram);
      return this.#find(this.#owner.wish.target.host);
    }
    if (!this.#connected || (!this.#isAnswered && this.#places.length > 0)) this.#keep(datagram);
    if (this.#connected) this.#pass(datagram);
  }

  #keep(datagram: Buffer): void {
    if (this.#kept.length >= mostKept || !this.#owner.hub.keep(datagram.length)) return;
    this.#kept.push(datagram);
  }

  #forgetKept(): void {
    for (const { length } of this.#kept) this.#owner.hub.forgetKept(length);
    this.#kept = [];
  }

  #pass(datagram: Buffer): void {
    this.#socket?.send(datagram, (error) => {
      if (error !== null) this.#fail(codeOf(error));
    });
  }

  #find(host: string): void {
    if (host === "localhost") {
      this.#places = this.#owner.answered === loopbacks[1] ? loopbacks.toReversed() : [...loopbacks];
      this.#open();
    } else if (isIP(host.replace(/%.*/, "")) !== 0) {
      this.#places = [host];
      this.#open();
    } else
      lookup(host, (error, address) => {
        if (this.#over) return;
        if (error !== null) return this.end(codeOf(error));
        this.#places = [address];
        this.#open();
      });
  }

  /** Goes to the next address. */
  #open(): void {
    const place = this.#places.shift()!;
    const { wish, hub } = this.#owner;
    this.#closeSocket();
    const socket = createSocket(place.includes(":") ? "udp6" : "udp4");
    this.#socket = socket;
    this.#connected = false;
    const isCurrent = (): boolean => this.#socket === socket && !this.#over;
    socket.on("error", (error) => {
      if (!isCurrent()) return;
      if (this.#connected) this.#fail(codeOf(error));
      else this.end(this.#failure ?? codeOf(error));
    });
    socket.on("message", (datagram) => {
      if (!isCurrent()) return;
      this.#isAnswered = true;
      this.#forgetKept();
      this.#failure = null;
      this.#owner.answered = place;
      this.receivedBytes += datagram.length;
      this.#owner.moved(this);
      this.#owner.answer(datagram, this);
    });
    // Connected, it hears nobody but the server, and is told when nobody is there (ICMP).
    socket.connect(wish.target.port, place, (error?: Error | null) => {
      if (!isCurrent()) return;
      // No network leads there (ENETUNREACH), or this machine lacks the family: Node says so here, and to nobody else.
      if (error instanceof Error) return this.#goOnElsewhere(codeOf(error));
      this.#connected = true;
      const { address, port } = socket.address();
      this.#from = `${address} ${port}`;
      hub.addSession(this.#from, this);
      for (const datagram of this.#kept) this.#pass(datagram);
      if (this.#places.length === 0) this.#forgetKept();
    });
  }

  /** A datagram was not taken. The server may come back: the exchange goes on until it has been silent for long. */
  #fail(why: string): void {
    if (this.#over) return;
    this.#failure ??= why;
    if (why === "ECONNREFUSED" && !this.#isAnswered) this.#goOnElsewhere(why);
    if (lostWays.has(why)) this.#isDead = true;
  }

  /** Nobody is at this address. */
  #goOnElsewhere(why: string): void {
    this.#failure ??= why;
    if (this.#places.length > 0) this.#open();
    else this.#isDead = true;
  }

  end(failure: string | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#forgetKept();
    this.#closeSocket();
    // That it was stopped is no news of one whose server was not there.
    const why = failure === "stopped" ? (this.#failure ?? failure) : (failure ?? this.#failure);
    if (why !== null && why !== "stopped") this.#owner.tally.failed += 1;
    this.tally.open -= 1;
    this.tally.receivedBytes += this.receivedBytes;
    this.tally.sentBytes += this.sentBytes;
    this.#owner.ended(this, why);
  }

  #closeSocket(): void {
    if (this.#from !== null) this.#owner.hub.removeSession(this.#from);
    this.#from = null;
    this.#socket?.close();
    this.#socket = null;
  }
}

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
