/**
 * @module What is known of one TCP door while it is asked, and what may still be spent on it.
 */
import type { Socket } from "node:net";
import type { HttpPage, ProbeContext, Protocol } from "../../protocols/index.ts";
import { Channel, openSocket, type ChannelObserver, type ChannelTarget } from "./channel.ts";

/** Most connections to one door, the scan's own included. */
export const mostConnections = 16;

/** Longest time for one door, milliseconds. */
export const longestIdentificationMs = 30_000;

/** How long a protocol is waited for that is asked without a hint, milliseconds, and four times the round trip. */
const blindMs = 600;

/** A door to identify. */
export interface TcpDoor extends ChannelTarget {
  /** As the user named the target, for Host headers. */
  readonly host: string;
  /** A connection that is open already, `null` to open one. */
  readonly connection: Socket | null;
  /** Milliseconds; `null` when not measured. */
  readonly roundTripMs: number | null;
}

/** How to identify. */
export interface IdentifyOptions {
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly random: (count: number) => Uint8Array;
  /** `usual`: only listen, and ask the port's usual protocols. Default `full`. */
  readonly depth?: "full" | "usual";
  /** Watches the channels, for recordings: called once for each connection. */
  readonly observe?: (protocol: Protocol | null) => ChannelObserver;
}

/** What is known so far, and what may still be spent. */
export class Inquiry {
  readonly door: TcpDoor;
  readonly options: IdentifyOptions;
  readonly asked: string[] = [];
  readonly startedMs: number;
  connections = 0;
  /** First bytes that nobody explained. */
  unexplained: Uint8Array | null = null;
  #given: Socket | null;

  constructor(door: TcpDoor, options: IdentifyOptions) {
    this.door = door;
    this.options = options;
    this.startedMs = options.nowMs();
    this.#given = door.connection;
  }

  get exhausted(): boolean {
    return (
      this.options.signal.aborted ||
      this.connections >= mostConnections ||
      this.options.nowMs() - this.startedMs > longestIdentificationMs
    );
  }

  get blindPatienceMs(): number {
    return blindMs + 4 * Math.min(this.door.roundTripMs ?? 0, 500);
  }

  /** The next connection: first the scan's own. */
  async connect(): Promise<Channel | null> {
    const { signal } = this.options;
    const given = this.#given;
    this.#given = null;
    if (given === null && this.exhausted) return null;
    this.connections += 1;
    if (given !== null) return new Channel(given, this.door, signal, this.options.observe?.(null));
    const opened = await openSocket(this.door, this.#connectDeadlineMs(), signal);
    return opened.ok ? new Channel(opened.socket, this.door, signal, this.options.observe?.(null)) : null;
  }

  context(channel: Channel, page: HttpPage | null): ProbeContext {
    return {
      transport: "tcp",
      port: this.door.port,
      host: this.door.host,
      localAddress: channel.localAddress,
      tls: channel.tls,
      page,
      random: this.options.random,
    };
  }

  #connectDeadlineMs(): number {
    return Math.min(3000, 500 + 4 * (this.door.roundTripMs ?? 500));
  }
}
