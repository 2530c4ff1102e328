/**
 * @module Relays in the test's own process, and plain servers and clients for their two ends. What was started ends with `closeAll`.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { toPort, type Port } from "../../src/core/index.ts";
import { forwardChooser } from "../../src/gateway/relay/forward-chooser.ts";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
import type { Chooser, ForwardWish, RelayTrace } from "../../src/gateway/relay/relay-wish.ts";
import type { RunningRelay } from "../../src/gateway/relay/running-relay.ts";
import { startTcpRelay } from "../../src/gateway/relay/tcp-relay.ts";
import { startUdpRelay } from "../../src/gateway/relay/udp-relay.ts";

const closers: (() => unknown)[] = [];

/** For `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).toReversed()) await close();
}

/** Is called by `closeAll`. */
export function whenOver(close: () => unknown): void {
  closers.push(close);
}

/** A relay with what it told. */
export interface TestRelay {
  readonly relay: RunningRelay;
  readonly port: Port;
  readonly traces: RelayTrace[];
}

/** Starts a forward. Without a port it takes a free one. */
export async function startForward(
  target: { readonly host?: string; readonly port: number },
  {
    address = "127.0.0.1",
    port = 0,
    transport = "tcp",
    hub = new RelayHub(),
    chooser,
    ...terms
  }: Partial<ForwardWish> & {
    address?: string;
    port?: number;
    transport?: "tcp" | "udp";
    hub?: RelayHub;
    chooser?: Chooser;
  } = {},
): Promise<TestRelay> {
  const wish: ForwardWish = {
    kind: "forward",
    listen: { transport, address, port: toPort(port) },
    target: { host: target.host ?? "127.0.0.1", port: toPort(target.port) },
    acceptProxy: false,
    sendProxy: null,
    idleMs: null,
    mostConnections: 100,
    mostToTarget: 100,
    ...terms,
  };
  const relay =
    transport === "udp"
      ? await startUdpRelay(wish, hub)
      : await startTcpRelay(wish, chooser ?? forwardChooser(wish), hub);
  const traces: RelayTrace[] = [];
  hub.listen((trace) => {
    if (trace.listen.endsWith(`:${relay.place.port}`)) traces.push(trace);
  });
  whenOver(() => relay.close({ drainMs: 0 }));
  return { relay, port: relay.place.port, traces };
}

/** A server that gives each connection to `onSocket`, open in one direction alone when it likes. */
export async function serve(onSocket: (socket: Socket) => void, host = "127.0.0.1", port = 0): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).once("close", () => sockets.delete(socket));
    onSocket(socket);
  });
  await once(server.listen(port, host), "listening");
  whenOver(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
export async function freePort(host = "127.0.0.1"): Promise<number> {
  const server = createServer();
  await once(server.listen(0, host), "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A client that keeps what it hears. */
export interface Client {
  readonly socket: Socket;
  heard: string;
  /** Code of the error that ended it; `""` when it came to its own end. */
  readonly over: Promise<string>;
}

/** Connects, and says something. */
export function talk(port: number, text: string | Uint8Array = "", host = "127.0.0.1"): Client {
  const socket = connect({ port, host, allowHalfOpen: true });
  whenOver(() => socket.destroy());
  let code = "";
  const client: Client = {
    socket,
    heard: "",
    over: new Promise((resolve) => void socket.once("close", () => resolve(code))),
  };
  socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? error.message));
  socket.setEncoding("latin1").on("data", (part: string) => (client.heard += part));
  if (text.length > 0) socket.write(text);
  return client;
}
