/**
 * @module What a socket is: transport, addresses, state, and what the kernel tells of it.
 */
import type { Known } from "./known.ts";
import type { Port } from "./port.ts";

/** Transports of the port registry (RFC 6335 §1): each has its own 65,536 ports. */
export type Transport = "tcp" | "udp" | "sctp" | "dccp";

/** Every transport, in the registry's order. */
export const transports: readonly Transport[] = ["tcp", "udp", "sctp", "dccp"];

/** IP version of a socket. */
export type IpFamily = "ipv4" | "ipv6";

/**
 * State of a socket, by the names of RFC 9293 §3.3.2 as Linux spells them (include/net/tcp_states.h).
 * UDP knows two: `UNCONNECTED` (receives from anybody) and `ESTABLISHED` (connected to one peer).
 * `BOUND` is a TCP socket that holds a port but does not listen (only netlink reports it, Linux 6.8 and later).
 */
export const socketStates = [
  "ESTABLISHED",
  "SYN_SENT",
  "SYN_RECEIVED",
  "FIN_WAIT_1",
  "FIN_WAIT_2",
  "TIME_WAIT",
  "CLOSED",
  "CLOSE_WAIT",
  "LAST_ACK",
  "LISTEN",
  "CLOSING",
  "UNCONNECTED",
  "BOUND",
] as const;

/** One of the states above. */
export type SocketState = (typeof socketStates)[number];

/** One end of a socket: an IP address in canonical text (RFC 5952 for IPv6, no zone) and a port. */
export interface SocketAddress {
  readonly address: string;
  readonly port: Port;
}

/** What a TCP connection has carried so far (struct tcp_info, include/uapi/linux/tcp.h). */
export interface SocketTraffic {
  /** Bytes sent and acknowledged by the other end (tcpi_bytes_acked, RFC 4898 tcpEStatsAppHCThruOctetsAcked). */
  readonly bytesAcknowledged: number;
  /** Bytes sent, those sent again included (tcpi_bytes_sent); `null` before Linux 4.19. */
  readonly bytesSent: number | null;
  /** Bytes received in order (tcpi_bytes_received, RFC 4898 tcpEStatsAppHCThruOctetsReceived). */
  readonly bytesReceived: number;
  /** Smoothed round-trip time in microseconds (tcpi_rtt, RFC 6298), `null` as long as none was measured. */
  readonly roundTripMicroseconds: number | null;
  /** Its mean deviation in microseconds (tcpi_rttvar). */
  readonly roundTripDeviationMicroseconds: number | null;
  /** Milliseconds since data was last sent (tcpi_last_data_sent). */
  readonly idleSendMs: number;
  /** Milliseconds since data was last received (tcpi_last_data_recv). */
  readonly idleReceiveMs: number;
}

/** One socket as the kernel reports it. */
export interface Socket {
  readonly transport: Transport;
  readonly family: IpFamily;
  readonly state: SocketState;
  readonly local: SocketAddress;
  /** The other end; `null` when there is none (listening, unconnected). */
  readonly remote: SocketAddress | null;
  /** IPv6 only: `true` when IPv4 traffic does not reach it (ipv6(7), IPV6_V6ONLY). `null` for IPv4 sockets, where the option does not exist. */
  readonly v6only: Known<boolean> | null;
  /** Name of the network interface it is bound to (SO_BINDTODEVICE, or the zone of a link-local address), `null` when to none. */
  readonly boundInterface: Known<string | null>;
  /** Inode number in the kernel's socket file system; 0 when no process can hold it any more (TIME_WAIT, SYN_RECEIVED). */
  readonly inode: number;
  /** User id that created it. */
  readonly uid: number;
  /**
   * LISTEN: connections that wait to be accepted, now. Otherwise: bytes received that the process has not read.
   */
  readonly receiveQueue: number;
  /**
   * LISTEN: how many connections may wait (the backlog), which only netlink tells. Otherwise: bytes sent and not acknowledged.
   */
  readonly sendQueue: Known<number>;
  /** Only when a snapshot was asked for `traffic`: what the connection carried; unknown where the reader cannot tell. */
  readonly traffic?: Known<SocketTraffic>;
}

/** True for a socket that takes new traffic from anybody: TCP in LISTEN, UDP without a peer. */
export function isListening(socket: Pick<Socket, "state">): boolean {
  return socket.state === "LISTEN" || socket.state === "UNCONNECTED";
}
