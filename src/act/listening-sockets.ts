/**
 * @module Listening sockets for another program: bound here, handed over by descriptor, never accepted from here.
 *
 * Node's own servers would accept what arrives before the other program is ready, so these are made by the bare calls.
 */
import { PortolanError, formatSocketAddress } from "../core/index.ts";
import { addressFamilies, encodeSocketAddress, loadSocketCalls, socketTypes, type SocketCalls } from "../host/index.ts";

/** As Node's own servers ask for. */
const backlog = 511;

/** Sockets that this process holds until they are closed. */
export interface PassedSockets {
  readonly descriptors: readonly number[];
  readonly close: () => void;
}

/**
 * Opens one socket for each transport and address; TCP ones listen. An address of `::` takes IPv4 as well.
 * @throws SOCKET_PASSING_UNAVAILABLE; LISTEN_FAILED
 */
export function openListeningSockets(
  port: number,
  transports: readonly ("tcp" | "udp")[],
  addresses: readonly string[],
): PassedSockets {
  const calls = loadSocketCalls();
  if (calls === null) {
    throw new PortolanError(
      "SOCKET_PASSING_UNAVAILABLE",
      "Opening a socket for another program takes Linux and the package koffi.",
    );
  }
  const descriptors: number[] = [];
  const close = (): void => {
    for (const descriptor of descriptors.splice(0)) calls.close(descriptor);
  };
  for (const transport of transports) {
    for (const address of addresses) {
      const error = openOne(calls, transport, encodeSocketAddress(address, port), descriptors);
      if (error === null) continue;
      close();
      const where = formatSocketAddress(address, port);
      throw new PortolanError("LISTEN_FAILED", `${where} could not be opened by ${transport} (${error}).`, {
        details: { address, port, error },
      });
    }
  }
  return { descriptors: [...descriptors], close };
}

function openOne(calls: SocketCalls, transport: "tcp" | "udp", address: Buffer, into: number[]): string | null {
  const { socket, setOption, bind, listen, lastError } = calls;
  const isIpv6 = address.length === 28;
  const descriptor = socket(isIpv6 ? addressFamilies.ipv6 : addressFamilies.ipv4, socketTypes[transport], 0);
  if (descriptor < 0) return lastError();
  into.push(descriptor);
  if (isIpv6) setOption(descriptor, "v6only", false);
  if (transport === "tcp") setOption(descriptor, "reuseAddress", true);
  if (bind(descriptor, address, address.length) !== 0) return lastError();
  return transport === "udp" || listen(descriptor, backlog) === 0 ? null : lastError();
}
