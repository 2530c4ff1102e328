/**
 * @module Whether a port can be bound right now, by binding it for an instant without listening.
 */
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { addressToNumber } from "../core/index.ts";
import { loadNativeAccess, type Koffi, type NativeAccess } from "../host/index.ts";

/** Sockets that a port must be free for. */
export interface ProbedSockets {
  readonly transports: readonly ("tcp" | "udp")[];
  /** IP addresses, canonical, without zone; `null` for every address of both families. */
  readonly addresses: readonly string[] | null;
}

/** Tries a port: `null` when it is free, else the name of the error, `EADDRINUSE` mostly. */
export type PortProbe = (port: number, options?: { reuseAddress?: boolean }) => string | null | Promise<string | null>;

const errorNames: Readonly<Record<number, string>> = {
  13: "EACCES",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
};

/** The address that meets every other: an IPv6 wildcard takes IPv4 as well; without IPv6 it is the IPv4 wildcard. */
function everywhere(hasIpv6: boolean): string {
  return hasIpv6 ? "::" : "0.0.0.0";
}

/** A probe for these sockets: natively where koffi loads, else through Node's own servers. */
export function createPortProbe(sockets: ProbedSockets): PortProbe {
  const access = process.platform === "linux" ? loadNativeAccess() : null;
  return access === null ? createNodeProbe(sockets) : createNativeProbe(access, sockets);
}

/** SOL_SOCKET, SO_REUSEADDR; IPPROTO_IPV6, IPV6_V6ONLY; SOCK_CLOEXEC (asm-generic/socket.h, linux/in6.h). */
const socketLevel = 1;
const reuseAddressOption = 2;
const ipv6Level = 41;
const v6onlyOption = 26;
const closeOnExec = 0x80000;
const on = Buffer.from([1, 0, 0, 0]);
const off = Buffer.alloc(4);

interface SocketCalls {
  readonly koffi: Koffi;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setsockopt: (descriptor: number, level: number, option: number, value: Buffer, size: number) => number;
  readonly bind: (descriptor: number, address: Buffer, size: number) => number;
  readonly close: (descriptor: number) => number;
}

let calls: SocketCalls | undefined;

function declareCalls({ koffi, library }: NativeAccess): SocketCalls {
  return {
    koffi,
    socket: library.func("int socket(int family, int type, int protocol)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int option, void *value, uint32_t size)"),
    bind: library.func("int bind(int fd, void *address, uint32_t size)"),
    close: library.func("int close(int fd)"),
  };
}

interface Wanted {
  readonly type: number;
  readonly isIpv6: boolean;
  /** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)), its port still 0. */
  readonly address: Buffer;
}

function createNativeProbe(access: NativeAccess, { transports, addresses }: ProbedSockets): PortProbe {
  calls ??= declareCalls(access);
  const { koffi, socket, setsockopt, bind, close } = calls;
  const wanted = transports.flatMap((transport) =>
    (addresses ?? [everywhere(hasIpv6())]).map((text): Wanted => {
      const type = (transport === "tcp" ? 1 : 2) | closeOnExec;
      return { type, isIpv6: text.includes(":"), address: socketAddress(text) };
    }),
  );
  return (port, { reuseAddress = false } = {}) => {
    for (const { type, isIpv6, address } of wanted) {
      const descriptor = socket(isIpv6 ? 10 : 2, type, 0);
      if (descriptor < 0) return nameOf(koffi.errno());
      if (isIpv6) setsockopt(descriptor, ipv6Level, v6onlyOption, off, 4);
      if (reuseAddress) setsockopt(descriptor, socketLevel, reuseAddressOption, on, 4);
      address.writeUInt16BE(port, 2);
      const error = bind(descriptor, address, address.length) === 0 ? null : nameOf(koffi.errno());
      close(descriptor);
      if (error !== null) return error;
    }
    return null;
  };

  function hasIpv6(): boolean {
    const descriptor = socket(10, 1 | closeOnExec, 0);
    if (descriptor >= 0) close(descriptor);
    return descriptor >= 0;
  }
}

function nameOf(errno: number): string {
  return errorNames[errno] ?? `errno ${errno}`;
}

function socketAddress(text: string): Buffer {
  const isIpv6 = text.includes(":");
  const bytes = Buffer.alloc(isIpv6 ? 28 : 16);
  bytes.writeUInt16LE(isIpv6 ? 10 : 2, 0);
  const hex = addressToNumber(text)
    .toString(16)
    .padStart(isIpv6 ? 32 : 8, "0");
  bytes.write(hex, isIpv6 ? 8 : 4, "hex");
  return bytes;
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
