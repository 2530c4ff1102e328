/**
 * @module Sockets for experiments on this machine: a listener, connections to it, and attempts that the kernel may refuse.
 */
import { createSocket } from "node:dgram";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { getSystemErrorMap } from "node:util";
import { PortolanError, toPort, type Port } from "../core/index.ts";

/** How long a connection to this machine itself may take, milliseconds. */
const connectDeadlineMs = 5000;

/** One end of a connection. */
export interface SocketEnd {
  readonly address: string;
  readonly port: Port;
}

/** The kernel's refusal. */
export interface Refusal {
  /** Its symbol, e.g. `EADDRINUSE`. */
  readonly code: string;
  /** Its number on this system as errno.h has it, from 1; `null` when the failure is not the kernel's. */
  readonly errno: number | null;
  /** What the number means, as the system words it. */
  readonly meaning: string;
}

/** A bound socket. */
export interface BoundSocket extends SocketEnd {
  /** Closes it, and every connection to it. Resolves when closed. */
  close(): Promise<void>;
}

/** A listener to which connections can be opened. */
export interface ExperimentServer extends BoundSocket {
  /**
   * Opens a TCP connection to it from this process and waits until both ends stand.
   * @throws LISTEN_FAILED when the connection does not come about within five seconds
   */
  connect(): Promise<{ readonly client: SocketEnd; readonly server: SocketEnd }>;
}

/** What came of asking the kernel for a port. */
export type Attempt<Bound extends BoundSocket = BoundSocket> =
  | { readonly ok: true; readonly bound: Bound }
  | { readonly ok: false; readonly refusal: Refusal };

/**
 * Asks for a TCP port at one address and listens on it.
 * @param port 0 for any free one
 */
export function tryToListen(address: string, port: number): Promise<Attempt<ExperimentServer>> {
  return new Promise((resolve) => {
    const server = createServer();
    const sockets = new Set<Socket>();
    server.on("connection", (socket) => {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
      socket.on("error", () => undefined);
    });
    server.once("error", (error) => resolve({ ok: false, refusal: describeRefusal(error) }));
    // `exclusive`: a cluster's primary process must not answer in the kernel's place.
    server.listen({ host: address, port, exclusive: true, ipv6Only: true }, () => {
      server.unref();
      const bound = endOf(server.address() as AddressInfo);
      const close = (): Promise<void> =>
        new Promise((closed) => {
          server.close(() => closed());
          for (const socket of sockets) socket.destroy();
        });
      resolve({ ok: true, bound: { ...bound, close, connect: () => connectTo(server, bound, sockets) } });
    });
  });
}

/**
 * Asks for a UDP port at one address.
 * @param port 0 for any free one
 */
export function tryToBindUdp(address: string, port: number): Promise<Attempt> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", ipv6Only: address.includes(":") });
    socket.once("error", (error) => {
      socket.close();
      resolve({ ok: false, refusal: describeRefusal(error) });
    });
    socket.bind({ address, port, exclusive: true }, () => {
      socket.unref();
      const close = (): Promise<void> => new Promise((closed) => socket.close(() => closed()));
      resolve({ ok: true, bound: { ...endOf(socket.address()), close } });
    });
  });
}

/** The client end is closed with the server's sockets, of which it becomes one. */
function connectTo(
  server: Server,
  target: SocketEnd,
  sockets: Set<Socket>,
): Promise<{ readonly client: SocketEnd; readonly server: SocketEnd }> {
  return new Promise((resolve, reject) => {
    const client = connect({ host: target.address, port: target.port });
    sockets.add(client);
    const accepted = new Map<string, Socket>();
    const settle = (): void => {
      // Somebody else may connect at the same moment: the right one comes from this very client.
      const socket = accepted.get(`${client.localAddress} ${client.localPort}`);
      if (client.connecting || socket === undefined) return;
      finish();
      resolve({
        client: { address: client.localAddress!, port: toPort(client.localPort!) },
        server: { address: socket.localAddress!, port: toPort(socket.localPort!) },
      });
    };
    const onConnection = (socket: Socket): void => {
      accepted.set(`${socket.remoteAddress} ${socket.remotePort}`, socket);
      settle();
    };
    const fail = (cause: Error): void => {
      finish();
      client.destroy();
      const place = `${target.address} port ${target.port}`;
      reject(new PortolanError("LISTEN_FAILED", `No connection to ${place} came about: ${cause.message}.`, { cause }));
    };
    const deadline = setTimeout(() => fail(new Error("no answer in time")), connectDeadlineMs);
    const finish = (): void => {
      clearTimeout(deadline);
      server.off("connection", onConnection);
    };
    server.on("connection", onConnection);
    client.on("error", fail);
    client.once("close", () => sockets.delete(client));
    client.once("connect", settle);
  });
}

function endOf({ address, port }: { address: string; port: number }): SocketEnd {
  return { address, port: toPort(port) };
}

function describeRefusal(error: NodeJS.ErrnoException): Refusal {
  const errno = typeof error.errno === "number" ? error.errno : undefined;
  const entry = errno === undefined ? undefined : getSystemErrorMap().get(errno);
  return {
    code: error.code ?? "UNKNOWN",
    errno: errno === undefined ? null : Math.abs(errno),
    meaning: entry?.[1] ?? error.message,
  };
}
