/**
 * @module Whether a port can be bound right now, by binding it for an instant without listening.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { addressFamilies, encodeSocketAddress, loadSocketCalls, socketTypes, type SocketCalls } from "../host/index.ts";

/** Sockets that a port must be free for. */
export interface ProbedSockets {
  readonly transports: readonly ("tcp" | "udp")[];
  /** IP addresses, canonical, without zone; `null` for every address of both families. */
  readonly addresses: readonly string[] | null;
}

/** Tries a port: `null` when it is free, else the name of the error, `EADDRINUSE` mostly. */
export type PortProbe = (port: number, options?: { reuseAddress?: boolean }) => string | null | Promise<string | null>;

/** The address that meets every other: an IPv6 wildcard takes IPv4 as well; without IPv6 it is the IPv4 wildcard. */
function everywhere(hasIpv6: boolean): string {
  return hasIpv6 ? "::" : "0.0.0.0";
}

/** A probe for these sockets: natively where koffi loads, else through Node's own servers. */
export function createPortProbe(sockets: ProbedSockets): PortProbe {
  const calls = loadSocketCalls();
  return calls === null ? createNodeProbe(sockets) : createNativeProbe(calls, sockets);
}

function createNativeProbe(calls: SocketCalls, { transports, addresses }: ProbedSockets): PortProbe {
  const { socket, setOption, bind, close, lastError } = calls;
  const wanted = transports.flatMap((transport) =>
    (addresses ?? [everywhere(hasIpv6(calls))]).map((text) => {
      const isIpv6 = text.includes(":");
      const family = isIpv6 ? addressFamilies.ipv6 : addressFamilies.ipv4;
      return { type: socketTypes[transport], family, isIpv6, address: encodeSocketAddress(text, 0) };
    }),
  );
  return (port, { reuseAddress = false } = {}) => {
    for (const { type, family, isIpv6, address } of wanted) {
      const descriptor = socket(family, type, 0);
      if (descriptor < 0) return lastError();
      if (isIpv6) setOption(descriptor, "v6only", false);
      if (reuseAddress) setOption(descriptor, "reuseAddress", true);
      address.writeUInt16BE(port, 2);
      const error = bind(descriptor, address, address.length) === 0 ? null : lastError();
      close(descriptor);
      if (error !== null) return error;
    }
    return null;
  };
}

function hasIpv6({ socket, close }: SocketCalls): boolean {
  const descriptor = socket(addressFamilies.ipv6, socketTypes.tcp, 0);
  if (descriptor >= 0) close(descriptor);
  return descriptor >= 0;
}

/**
 * By Node alone. libuv sets SO_REUSEADDR on every TCP server, so that this looks less strictly than the native way: a port that another
 * program has bound with that option, without listening yet, is taken for free.
 */
function createNodeProbe({ transports, addresses }: ProbedSockets): PortProbe {
  return async (port) => {
    for (const transport of transports) {
      for (const address of addresses ?? ["::"]) {
        let error = await tryWithNode(transport, address, port);
        if (addresses === null && error === "EAFNOSUPPORT") error = await tryWithNode(transport, "0.0.0.0", port);
        if (error !== null) return error;
      }
    }
    return null;
  };
}

function tryWithNode(transport: "tcp" | "udp", address: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    if (transport === "tcp") {
      const server = createServer();
      server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      server.listen({ port, host: address, exclusive: true }, () => server.close(() => resolve(null)));
      return;
    }
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address, exclusive: true }, () => socket.close(() => resolve(null)));
  });
}
