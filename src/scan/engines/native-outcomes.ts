/**
 * @module Which outcome each error number of connect(2) and send(2) stands for.
 */
import { outcomeCode, type PortReason } from "../engine.ts";

/** Byte of an error number that says nothing final about a door: try again, or look closer. */
export const undecided = 255;

/**
 * Reasons by error number (asm-generic/errno.h). What the kernel makes of an ICMP message: net/ipv4/icmp.c
 * (icmp_err_convert) and net/ipv6/icmp.c (tab_unreach).
 */
const reasons: readonly (readonly [number, PortReason])[] = [
  [1, "prohibited"], // EPERM: our own packet filter
  [13, "prohibited"], // EACCES: ICMPv6 says so, a prohibiting route, or a broadcast address
  [22, "protocol-error"], // EINVAL: a link-local address without its interface, for one
  [71, "protocol-error"], // EPROTO
  [92, "protocol-error"], // ENOPROTOOPT: ICMP says that there is no such protocol
  [93, "protocol-error"], // EPROTONOSUPPORT
  [95, "protocol-error"], // EOPNOTSUPP
  [97, "protocol-error"], // EAFNOSUPPORT
  [100, "network-unreachable"], // ENETDOWN
  [101, "network-unreachable"], // ENETUNREACH
  [64, "network-unreachable"], // ENONET
  [112, "host-unreachable"], // EHOSTDOWN
  [113, "host-unreachable"], // EHOSTUNREACH
];

/** The table for a transport, for the threads. */
export function outcomeTable(transport: "tcp" | "udp"): Uint8Array {
  const table = new Uint8Array(256).fill(undecided);
  for (const [number, reason] of reasons) table[number] = outcomeCode(reason);
  if (transport === "tcp") {
    // A reset before the connection stands is ECONNREFUSED; these come when it stood already (tcp_reset in
    // net/ipv4/tcp_input.c): accepted, and thrown out at once.
    table[104] = outcomeCode("syn-ack"); // ECONNRESET
    table[32] = outcomeCode("syn-ack"); // EPIPE
  }
  table[111] = outcomeCode(transport === "tcp" ? "connection-refused" : "port-unreachable"); // ECONNREFUSED
  return table;
}
