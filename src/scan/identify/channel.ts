/**
 * @module One connection to a door, as conversations use it: sends, waits with patience, encrypts, and bounds everything.
 */
import { connect, Socket } from "node:net";
import type { Conversation, Inbox, Step, TlsFacts } from "../../protocols/index.ts";
import type { PortReason, PortState } from "../engine.ts";
import { encrypt } from "./encrypt.ts";
import { News } from "./news.ts";

/** Most bytes that are taken from one connection. */
export const mostBytes = 256 * 1024;

/** Longest time for one conversation, milliseconds, whatever its patience. */
export const longestConversationMs = 8000;

const empty: Uint8Array = new Uint8Array(0);

/** Where a channel leads. */
export interface ChannelTarget {
  readonly address: string;
  /** Interface index for link-local addresses, 0 for none. */
  readonly scopeId: number;
  readonly port: number;
  /** Name for TLS (SNI); `null` for an address. */
  readonly serverName: string | null;
}

/** Sees what happens on a channel, for recordings. */
export interface ChannelObserver {
  readonly onSend?: (bytes: Uint8Array) => void;
  readonly onReceive?: (bytes: Uint8Array) => void;
  readonly onTls?: (tls: TlsFacts | { readonly failed: string }) => void;
}

/** A TCP connection for conversations. */
export class Channel {
  readonly target: ChannelTarget;
  readonly #observer: ChannelObserver;
  readonly #signal: AbortSignal;
  readonly #news: News;
  #socket: Socket;
  #arrived: Uint8Array[] = [];
  #total = 0;
  #answered = false;
  #state: "open" | "ended" | "reset" | "overflow" = "open";
  /** Set after a handshake. */
  tls: TlsFacts | null = null;

  /** Takes over a connected socket. */
  constructor(socket: Socket, target: ChannelTarget, signal: AbortSignal, observer: ChannelObserver = {}) {
    this.target = target;
    this.#socket = socket;
    this.#signal = signal;
    this.#news = new News(signal);
    this.#observer = observer;
    this.#listen();
  }

  get localAddress(): string {
    return this.#socket.localAddress ?? "0.0.0.0";
  }

  /** False when the other side has ended or reset it. */
  get usable(): boolean {
    return this.#state === "open";
  }

  /**
   * Drives a conversation to its end.
   * @param nowMs clock, milliseconds
   * @param mostPatienceMs longest silence that is waited for the first answer, whatever the conversation would wait
   */
  async drive<Result>(
    conversation: Conversation<Result>,
    nowMs: () => number,
    mostPatienceMs: number = longestConversationMs,
  ): Promise<Result> {
    const deadline = nowMs() + longestConversationMs;
    let step = conversation.next();
    while (step.done !== true) {
      const leftMs = deadline - nowMs();
      step = conversation.next(await this.#do(step.value, this.#answered ? leftMs : Math.min(leftMs, mostPatienceMs)));
    }
    return step.value;
  }

  /** Ends it politely; what comes after is not read. */
  close(): void {
    const socket = this.#socket;
    socket.removeAllListeners("data");
    socket.on("error", ignore);
    if (socket.destroyed) return;
    // What is still unread would turn the end into a reset (RFC 9293 §3.10.4): it is read and dropped, for a short while.
    socket.resume();
    socket.end();
    const timer = setTimeout(() => {
      socket.destroy();
    }, 500);
    timer.unref();
    socket.once("close", () => {
      clearTimeout(timer);
    });
    let dropped = 0;
    socket.on("data", (bytes: Uint8Array) => {
      dropped += bytes.length;
      if (dropped > mostBytes) socket.destroy();
    });
  }

  async #do(step: Step, leftMs: number): Promise<Inbox> {
    if (step.kind === "send") {
      this.#send(step.bytes);
      return { bytes: empty, state: this.#state === "overflow" ? "overflow" : "open" };
    }
    if (step.kind === "startTls") return this.#startTls(step.alpn, leftMs);
    if (this.#arrived.length === 0 && this.#state === "open") {
      await this.#news.wait(Math.max(0, Math.min(step.patienceMs, leftMs)));
    }
    const bytes = this.#take();
    if (bytes.length > 0) this.#answered = true;
    if (bytes.length > 0) this.#observer.onReceive?.(bytes);
    // Time is up although bytes keep coming: for the conversation that is silence.
    if (leftMs <= 0 && this.#state === "open") return { bytes: empty, state: "silent" };
    if (bytes.length === 0 && this.#state === "open") return { bytes, state: "silent" };
    return { bytes, state: this.#state };
  }

  #send(bytes: Uint8Array): void {
    this.#observer.onSend?.(bytes);
    if (this.#state === "open" && this.#socket.writable) this.#socket.write(bytes);
  }

  #take(): Uint8Array {
    const parts = this.#arrived;
    this.#arrived = [];
    if (parts.length <= 1) return parts[0] ?? empty;
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      joined.set(part, offset);
      offset += part.length;
    }
    return joined;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("data", (bytes: Uint8Array) => {
      this.#total += bytes.length;
      if (this.#total > mostBytes) {
        this.#state = "overflow";
        socket.pause();
      } else {
        this.#arrived.push(bytes);
      }
      this.#news.tell();
    });
    socket.on("end", () => {
      this.#finish("ended");
    });
    socket.on("error", () => {
      this.#finish("reset");
    });
    socket.on("close", () => {
      this.#finish("ended");
    });
    if (socket.destroyed) this.#finish("reset");
    socket.resume();
  }

  #finish(state: "ended" | "reset"): void {
    if (this.#state === "open") this.#state = state;
    this.#news.tell();
  }

  async #startTls(alpn: readonly string[], leftMs: number): Promise<Inbox> {
    this.#arrived = [];
    const outcome =
      this.#state === "open"
        ? await encrypt(this.#socket, {
            serverName: this.target.serverName,
            alpn,
            deadlineMs: leftMs,
            signal: this.#signal,
          })
        : { failed: "the connection had ended" };
    if ("failed" in outcome) {
      this.#finish("ended");
      this.#observer.onTls?.(outcome);
      return { bytes: empty, state: "ended", tls: outcome };
    }
    this.#socket = outcome.socket;
    this.tls = outcome.facts;
    this.#observer.onTls?.(outcome.facts);
    this.#listen();
    return { bytes: empty, state: "open", tls: outcome.facts };
  }
}

function ignore(): void {
  // The connection is given up; whatever fails now concerns nobody.
}

/** A connection, or why there is none. */
export type OpenedSocket =
  | { readonly ok: true; readonly socket: Socket }
  | { readonly ok: false; readonly state: PortState; readonly reason: PortReason };

/** Reasons by the error codes of connect(2). Everything that is not here is `protocol-error`. */
const reasonOfCode: Readonly<Record<string, readonly [PortState, PortReason]>> = {
  ECONNREFUSED: ["closed", "connection-refused"],
  // A refusal is ECONNREFUSED; this one was accepted first (tcp_reset in net/ipv4/tcp_input.c).
  ECONNRESET: ["open", "syn-ack"],
  EPIPE: ["open", "syn-ack"],
  EHOSTUNREACH: ["filtered", "host-unreachable"],
  EHOSTDOWN: ["filtered", "host-unreachable"],
  ENETUNREACH: ["filtered", "network-unreachable"],
  EADDRNOTAVAIL: ["filtered", "network-unreachable"],
  EACCES: ["filtered", "prohibited"],
  EPERM: ["filtered", "prohibited"],
  ETIMEDOUT: ["filtered", "no-answer"],
  EMFILE: ["unscanned", "no-resources"],
  ENFILE: ["unscanned", "no-resources"],
  ENOBUFS: ["unscanned", "no-resources"],
};

/** Opens a connection; never rejects. */
export function openSocket(target: ChannelTarget, deadlineMs: number, signal: AbortSignal): Promise<OpenedSocket> {
  return new Promise((resolve) => {
    const host = target.scopeId === 0 ? target.address : `${target.address}%${target.scopeId}`;
    const socket = connect({ host, port: target.port, family: target.address.includes(":") ? 6 : 4 });
    const done = (result: OpenedSocket): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      if (!result.ok) {
        socket.on("error", ignore);
        socket.destroy();
      }
      resolve(result);
    };
    const onError = (error: NodeJS.ErrnoException): void => {
      const [state, reason] = reasonOfCode[error.code ?? ""] ?? (["filtered", "protocol-error"] as const);
      done({ ok: false, state, reason });
    };
    const onAbort = (): void => {
      done({ ok: false, state: "unscanned", reason: "not-asked" });
    };
    const timer = setTimeout(() => {
      done({ ok: false, state: "filtered", reason: "no-answer" });
    }, deadlineMs);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    socket.once("error", onError);
    socket.once("connect", () => {
      // A port in the ephemeral range can meet the very socket that asks for it (RFC 9293 §3.5, simultaneous open).
      const met = socket.localPort === target.port && socket.localAddress === socket.remoteAddress;
      done(met ? { ok: false, state: "closed", reason: "connection-refused" } : { ok: true, socket });
    });
  });
}

/** Takes over a file descriptor of a connection. */
export function adoptDescriptor(descriptor: number): Socket {
  const socket = new Socket({ fd: descriptor, readable: true, writable: true });
  socket.on("error", ignore);
  return socket;
}
