/**
 * @module What a relay is to do: take connections at one place and pass their bytes on, to one server (a forward) or to the one that their
 * first bytes ask for (a share).
 */
import type { Port } from "../../core/index.ts";

/** Where a relay listens. */
export interface RelayPlace {
  readonly transport: "tcp" | "udp";
  /** IP address without brackets; `127.0.0.1` unless told otherwise. */
  readonly address: string;
  readonly port: Port;
}

/** Where it leads. */
export interface RelayTarget {
  /** Name or IP address without brackets; `localhost` is this machine's loopback of either family, whichever answers. */
  readonly host: string;
  readonly port: Port;
}

/** Version of the PROXY protocol (HAProxy's specification, sections 2.1 and 2.2). */
export type ProxyVersion = 1 | 2;

/** What all relays can be told. */
export interface RelayTerms {
  /** Clients begin with a header of the PROXY protocol, of either version; who does not is refused. */
  readonly acceptProxy: boolean;
  /** A connection on which nothing moves for so long is ended, milliseconds; `null` for never, and for two minutes over UDP. */
  readonly idleMs: number | null;
  /**
   * Most connections at once of this listener; more wait in the kernel's queue, which holds 511, and are taken when there is room. Where the
   * listener cannot rest (it takes Linux and koffi) they are refused by a reset. Over UDP the client that was silent for longest gives way.
   */
  readonly mostConnections: number;
  /** Most connections at once to one target; more are refused by a reset. */
  readonly mostToTarget: number;
}

/** One place that leads to one server. */
export interface ForwardWish extends RelayTerms {
  readonly kind: "forward";
  readonly listen: RelayPlace;
  readonly target: RelayTarget;
  /** The server is told who the client is, before the first byte. */
  readonly sendProxy: ProxyVersion | null;
}

/** Which connections of a share go where. All that is not `null` must fit. */
export interface ShareRule {
  /** Identifier of the protocol that begins so (`ssh`, `tls`, `http`, `http2`, `postgresql`, …); `null` for any with the name. */
  readonly protocol: string | null;
  /** Name by SNI of TLS or `Host` of HTTP, in lower case; `*.` before it means every name below. */
  readonly name: string | null;
  /** One of the protocols that TLS offers (RFC 7301). */
  readonly alpn: string | null;
  readonly target: RelayTarget;
  readonly sendProxy: ProxyVersion | null;
}

/** One place that leads to the server that a connection's first bytes ask for. TCP alone. */
export interface ShareWish extends RelayTerms {
  readonly kind: "share";
  readonly listen: RelayPlace;
  /** The first that fits is taken, but a name goes before a protocol alone. */
  readonly rules: readonly ShareRule[];
  /** Where who says nothing goes, and after how long, milliseconds; `null` ends the connection then. */
  readonly silent: { readonly target: RelayTarget; readonly sendProxy: ProxyVersion | null } | null;
  readonly silentMs: number;
  /** Where bytes go that no rule knows; `null` ends the connection. */
  readonly fallback: { readonly target: RelayTarget; readonly sendProxy: ProxyVersion | null } | null;
}

export type RelayWish = ForwardWish | ShareWish;

/** What a connection was seen to be, and why it goes where it goes. */
export interface RelayReason {
  /** What its first bytes are: a protocol's identifier; `null` when they tell none, or were not looked at. */
  readonly protocol: string | null;
  /** Name by SNI or `Host`. */
  readonly name: string | null;
  readonly alpn: readonly string[];
  /** Why: the one target there is, the rule's number from 1 and its words, silence, or nothing that fits. */
  readonly rule: string;
}

/** What a {@link Chooser} says to what came so far. */
export type RelayChoice =
  | { readonly kind: "more" }
  | {
      readonly kind: "target";
      readonly target: RelayTarget;
      readonly sendProxy: ProxyVersion | null;
      readonly reason: RelayReason;
    }
  | { readonly kind: "close"; readonly reason: RelayReason };

/**
 * Decides where connections of one listener go. Pure: the listener reads, waits and connects.
 */
export interface Chooser {
  /** How long a client may say nothing, and again after each piece that does not decide it, milliseconds; 0 when bytes are not looked at. */
  readonly waitMs: number;
  /** @param bytes everything that came so far, behind a PROXY header; `silent`: the wait is over; `ended`: the client sends no more */
  choose(bytes: Uint8Array, state: "open" | "silent" | "ended"): RelayChoice;
}

/** One connection (or, over UDP, one client's exchange) of a relay, when it has ended. */
export interface RelayTrace {
  readonly atMs: number;
  readonly kind: "forward" | "share";
  readonly transport: "tcp" | "udp";
  /** Where the relay listens, `127.0.0.1:8080`. */
  readonly listen: string;
  /** Address and port of the client, as its PROXY header says where there is one. */
  readonly client: string;
  readonly reason: RelayReason;
  /** `localhost:5500`; `null` when it was led nowhere. */
  readonly target: string | null;
  /** Process of the relay. */
  readonly pid: number;
  readonly elapsedMs: number;
  /** Bytes from the server to the client. */
  readonly receivedBytes: number;
  /** Bytes from the client to the server. */
  readonly sentBytes: number;
  /** Why it did not come to its own end. */
  readonly failure: string | null;
}
