/**
 * @module The kernel's numbers of socket states (include/net/tcp_states.h), by position.
 */
import type { SocketState } from "../../core/index.ts";

/** TCP. 12 is a connection request that waits in the accept queue's antechamber, 13 asks for bound sockets only. */
export const tcpStates: readonly (SocketState | undefined)[] = [
  undefined,
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
  "SYN_RECEIVED",
];

/** UDP borrows two of them. */
export const udpStates: readonly (SocketState | undefined)[] = [
  undefined,
  "ESTABLISHED",
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  "UNCONNECTED",
];
