/**
 * @module Real listeners for tests, in this process.
 */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { connect, createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from "node:net";

/** Opens a TCP listener and resolves when it listens. Port 0 takes any free one. */
export function listenTcp(options: ListenOptions): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(options, () => resolve(server));
  });
}

/** Port of a listening server. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Connects and resolves with both ends. */
export function connectTo(server: Server, host: string): Promise<{ client: Socket; accepted: Socket }> {
  return new Promise((resolve, reject) => {
    let client: Socket | undefined;
    let accepted: Socket | undefined;
    const settle = (): void => {
      if (client !== undefined && accepted !== undefined) resolve({ client, accepted });
    };
    server.once("connection", (socket) => {
      accepted = socket;
      settle();
    });
    const socket = connect({ port: portOf(server), host }, () => {
      client = socket;
      settle();
    });
    socket.once("error", reject);
  });
}

/** Opens a UDP socket and resolves when it is bound. */
export function bindUdp(type: "udp4" | "udp6", address: string, port = 0): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(type);
    socket.once("error", reject);
    socket.bind(port, address, () => resolve(socket));
  });
}

/** Closes a server and resolves when it is closed. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
