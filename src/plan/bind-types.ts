/**
 * @module What is asked about a bind, what the answer rests on, and what it says.
 */
import type { Known, Port, Socket } from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import type { Certainty } from "./certainty.ts";

/** A socket that somebody wants to bind. */
export interface BindWish {
  readonly transport: "tcp" | "udp";
  /** Canonical text without zone: `0.0.0.0`, `::`, `127.0.0.1`, `::ffff:127.0.0.1`. */
  readonly address: string;
  readonly port: Port;
  /** IPV6_V6ONLY. Default: the kernel's (net.ipv6.bindv6only, false when it cannot be read). Without meaning for IPv4. */
  readonly v6only?: boolean;
  /** SO_REUSEADDR. Default as libuv, and with it Node, sets it: true for TCP, false for UDP. */
  readonly reuseAddress?: boolean;
  /** SO_REUSEPORT. Default false. */
  readonly reusePort?: boolean;
  /** Interface that it is bound to (SO_BINDTODEVICE, or the zone of a link-local address). Default none. */
  readonly interfaceName?: string | null;
  /** User id that makes the socket; `null` when it is not known. */
  readonly uid: number | null;
}

/** Options of a socket that no snapshot tells, for callers who know them from elsewhere. */
export interface SocketOptions {
  /** SO_REUSEADDR now, unchanged since its bind. */
  readonly reuseAddress: Known<boolean>;
  /** SO_REUSEPORT now, unchanged since its bind. */
  readonly reusePort: Known<boolean>;
  /** IPV6_V6ONLY, where the snapshot does not tell it (connected sockets). */
  readonly v6only?: Known<boolean>;
  /** UDP: place in the order of binding, from 1, later is higher. */
  readonly order?: number;
}

/** What the answer rests on. */
export interface BindWorld {
  /** Sockets of the network namespace in every state, at least those on the wished port. */
  readonly sockets: readonly Socket[];
  /** Interfaces with their addresses; empty when they could not be read. */
  readonly interfaces: readonly NetworkInterface[];
  readonly limits: PortLimits;
  /** As in process.platform. Default `linux`. */
  readonly platform?: string;
  /** Options of a socket of `sockets`. Default: none is known, as the kernel reveals none. */
  readonly optionsOf?: (socket: Socket) => SocketOptions | undefined;
}

/** Error of bind(2) or listen(2). */
export type BindError = "EADDRINUSE" | "EACCES" | "EADDRNOTAVAIL" | "EINVAL";

/**
 * How the addresses of a wish and of a socket in its way meet.
 * - `same-address`: the same one, or both are wildcards of one family.
 * - `it-has-all`: the socket is bound to the wildcard, which covers the wished address.
 * - `you-want-all`: the wish is the wildcard, which covers the socket's address.
 * - `dual-stack`: an IPv6 wildcard without IPV6_V6ONLY, which takes IPv4 as well, meets an IPv4 address.
 */
export type AddressMeeting = "same-address" | "it-has-all" | "you-want-all" | "dual-stack";

/** What decides and is out of sight: an option of the socket, its user, the order of binding (UDP), or who was on the port before (TCP). */
export type HiddenOption =
  | "SO_REUSEADDR"
  | "SO_REUSEPORT"
  | "IPV6_V6ONLY"
  | "SO_BINDTODEVICE"
  | "uid"
  | "order"
  | "history";

/** One socket in the way. */
export interface Obstacle {
  readonly socket: Socket;
  readonly meeting: AddressMeeting;
  /** `yes`: it is in the way. `depends`: only with certain values of `hidden`. */
  readonly certain: Exclude<Certainty, "no">;
  /** Options that decide and nobody can read; empty when it is certain. */
  readonly hidden: readonly HiddenOption[];
  /** Why sharing does not help, one sentence without the holder's name. */
  readonly reason: string;
}

/** What to beware of when it succeeds. */
export type BindWarningKind =
  | "ephemeral"
  | "reserved"
  | "assigned"
  | "convention"
  | "browser-blocked"
  | "other-family"
  | "unseen"
  | "macos-airplay";

/** One thing to beware of. */
export interface BindWarning {
  readonly kind: BindWarningKind;
  /** One sentence. */
  readonly message: string;
}

/** What the kernel would say. */
export interface BindVerdict {
  readonly bind: Certainty;
  /** `null` for UDP, which has no listen(2). A TCP socket whose bind fails cannot listen there either. */
  readonly listen: Certainty | null;
  /** What bind(2) gives when it does not succeed; `null` when it surely does. */
  readonly error: BindError | null;
  /** One sentence: why, or what it depends on. */
  readonly reason: string;
  /** Sockets in the way, certain ones first. */
  readonly obstacles: readonly Obstacle[];
  /** With EADDRNOTAVAIL: addresses of that family that this machine has. Otherwise empty. */
  readonly availableAddresses: readonly string[];
  /** What to beware of when it succeeds; empty when it surely does not. */
  readonly warnings: readonly BindWarning[];
}
