/**
 * @module A UDP socket for conversations: each datagram is one message, and a lost one is sent again.
 */
import { createSocket, type Socket } from "node:dgram";
import type { Conversation, Inbox, Step } from "../../protocols/index.ts";
import { longestConversationMs, type ChannelObserver } from "./channel.ts";
import { News } from "./news.ts";

const empty: Uint8Array = new Uint8Array(0);

/** Most datagrams that wait to be read; what comes beyond is dropped, as the kernel would. */
const mostWaiting = 64;

/** Where the datagrams go. */
export interface DatagramTarget {
  readonly address: string;
  readonly scopeId: number;
  readonly port: number;
  /** Local port at which the answer arrives; `null` for any. */
  readonly localPort: number | null;
}

/** A connected UDP socket. */
export class DatagramChannel {
  readonly #socket: Socket;
  readonly #observer: ChannelObserver;
  readonly #signal: AbortSignal;
  readonly #news: News;
  #arrived: Uint8Array[] = [];
  #last: Uint8Array | null = null;
  /** The kernel said that nobody receives there (ICMP port unreachable). */
  refused = false;
  /** At least one datagram came back. */
  answered = false;

  private constructor(socket: Socket, signal: AbortSignal, observer: ChannelObserver) {
    this.#socket = socket;
    this.#signal = signal;
    this.#news = new News(signal);
    this.#observer = observer;
    socket.on("message", (message) => {
      this.answered = true;
      if (this.#arrived.length < mostWaiting) this.#arrived.push(new Uint8Array(message));
      this.#news.tell();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#note(error);
    });
  }

  /**
   * Opens a socket to the target; or says by its code why that was not possible (EACCES for a privileged local port,
   * EADDRINUSE for a taken one).
   */
  static open(
    target: DatagramTarget,
    signal: AbortSignal,
    observer: ChannelObserver = {},
  ): Promise<DatagramChannel | { readonly failed: string }> {
    return new Promise((resolve) => {
      const socket = createSocket(target.address.includes(":") ? "udp6" : "udp4");
      const fail = (error: NodeJS.ErrnoException): void => {
        socket.close();
        resolve({ failed: error.code ?? "failed" });
      };
      socket.once("error", fail);
      const connect = (): void => {
        const host = target.scopeId === 0 ? target.address : `${target.address}%${target.scopeId}`;
        socket.connect(target.port, host, () => {
          socket.removeListener("error", fail);
          resolve(new DatagramChannel(socket, signal, observer));
        });
      };
      if (target.localPort === null) connect();
      else socket.bind(target.localPort, connect);
    });
  }

  get localAddress(): string {
    try {
      return this.#socket.address().address;
    } catch {
      return "0.0.0.0";
    }
  }

  /**
   * Drives a conversation to its end.
   * @param mostPatienceMs longest silence that is waited for the first answer, both times that it is asked for together
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
      step = conversation.next(await this.#do(step.value, this.answered ? leftMs : Math.min(leftMs, mostPatienceMs)));
    }
    return step.value;
  }

  close(): void {
    this.#socket.removeAllListeners("message");
    this.#socket.close();
  }

  async #do(step: Step, leftMs: number): Promise<Inbox> {
    if (step.kind === "startTls") return { bytes: empty, state: "ended", tls: { failed: "no TLS over datagrams" } };
    if (step.kind === "send") {
      this.#last = step.bytes;
      this.#send(step.bytes);
      return { bytes: empty, state: "open" };
    }
    const patienceMs = Math.max(0, Math.min(step.patienceMs, leftMs));
    if (this.#arrived.length === 0 && !this.refused) await this.#news.wait(patienceMs / 2);
    // Datagrams get lost: the question is asked once more, word for word.
    if (this.#arrived.length === 0 && !this.refused && this.#last !== null && !this.#signal.aborted) {
      this.#send(this.#last);
      await this.#news.wait(patienceMs / 2);
    }
    const bytes = this.#arrived.shift();
    if (bytes === undefined) return { bytes: empty, state: this.refused ? "reset" : "silent" };
    this.#observer.onReceive?.(bytes);
    return { bytes, state: "open" };
  }

  #send(bytes: Uint8Array): void {
    this.#observer.onSend?.(bytes);
    this.#socket.send(bytes, (error: NodeJS.ErrnoException | null) => {
      if (error !== null) this.#note(error);
    });
  }

  #note(error: NodeJS.ErrnoException): void {
    if (error.code === "ECONNREFUSED") this.refused = true;
    this.#news.tell();
  }
}
