/**
 * @module Real sockets of every kind on this machine's loopback, for comparing readers.
 */
import { fork, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadNativeAccess } from "../../src/host/linux/libc.ts";

/** Sockets that were opened, and how to close them. */
export interface OpenedSockets {
  /** Port of each kind, by name. */
  readonly ports: Readonly<Record<string, number>>;
  /** The process that holds `shared` beside this one. */
  readonly sharer: ChildProcess;
  close(): Promise<void>;
}

/** So many descriptors that the server opened after them has one of several pieces of the walk's. */
const manyDescriptors = 7000;

/** Opens sockets of every kind that this system can have. */
export async function openSocketsOfEveryKind(): Promise<OpenedSockets> {
  const closers: (() => unknown)[] = [];
  const ports: Record<string, number> = {};

  async function listen(name: string, options: ListenOptions): Promise<Server> {
    const server = createServer();
    server.listen({ port: 0, ...options });
    await once(server, "listening");
    ports[name] = (server.address() as AddressInfo).port;
    closers.push(() => server.close());
    return server;
  }
  async function bindUdp(name: string, type: "udp4" | "udp6", address: string, options = {}) {
    const socket = createSocket({ type, ...options });
    socket.bind(0, address);
    await once(socket, "listening");
    ports[name] = socket.address().port;
    closers.push(() => socket.close());
    return socket;
  }

  await listen("tcp on 127.0.0.1", { host: "127.0.0.1" });
  await listen("tcp on 127.1.2.3", { host: "127.1.2.3" });
  await listen("tcp on 0.0.0.0", { host: "0.0.0.0", backlog: 7 });
  await listen("tcp on ::1", { host: "::1" });
  await listen("tcp dual-stack", { host: "::" });
  await listen("tcp v6only", { host: "::", ipv6Only: true });
  await bindUdp("udp on 127.0.0.1", "udp4", "127.0.0.1");
  await bindUdp("udp on 0.0.0.0", "udp4", "0.0.0.0");
  await bindUdp("udp on ::1", "udp6", "::1");
  await bindUdp("udp v6only", "udp6", "::", { ipv6Only: true });
  const talker = await bindUdp("udp connected", "udp4", "127.0.0.1");
  talker.connect(ports["udp on 127.0.0.1"]!, "127.0.0.1");
  await once(talker, "connect");

  const server = await listen("connected", { host: "127.0.0.1" });
  const client = connect(ports["connected"]!, "127.0.0.1");
  const [peer] = (await once(server, "connection")) as [Socket];
  client.on("error", () => undefined);
  peer.on("error", () => undefined);
  closers.push(
    () => client.destroy(),
    () => peer.destroy(),
  );

  const leaving = await listen("time wait", { host: "127.0.0.1" });
  leaving.on("connection", (socket) => socket.end());
  const left = connect(ports["time wait"]!, "127.0.0.1");
  left.resume();
  await once(left, "close");

  const shared = await listen("shared by fork", { host: "127.0.0.1" });
  const sharer = await passToChild(shared, closers);

  const descriptors = Array.from({ length: manyDescriptors }, () => openSync("/dev/null", "r"));
  closers.push(() => {
    for (const descriptor of descriptors) closeSync(descriptor);
  });
  await listen("high descriptor", { host: "127.0.0.1" });

  openByLibrary(ports, closers);
  return {
    ports,
    sharer,
    async close() {
      for (const close of closers.toReversed()) close();
      if (sharer.exitCode === null && sharer.signalCode === null) {
        sharer.kill();
        await once(sharer, "exit");
      }
    },
  };
}

async function passToChild(server: Server, closers: (() => unknown)[]): Promise<ChildProcess> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-sharer-"));
  closers.push(() => {
    rmSync(folder, { recursive: true });
  });
  const script = join(folder, "sharer.cjs");
  writeFileSync(script, `process.on("message", (_, server) => { globalThis.kept = server; process.send("held"); });`);
  const child = fork(script, { execArgv: [], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  child.send("take", server);
  await once(child, "message");
  return child;
}

/** What Node cannot open: a group of SO_REUSEPORT, and a socket that is bound and does not listen. Needs koffi. */
function openByLibrary(ports: Record<string, number>, closers: (() => unknown)[]): void {
  const access = loadNativeAccess();
  if (access === null) return;
  const { library } = access;
  const socket = library.func<(family: number, type: number, protocol: number) => number>(
    "int socket(int a, int b, int c)",
  );
  const setsockopt = library.func<(fd: number, level: number, option: number, value: Buffer, size: number) => number>(
    "int setsockopt(int a, int b, int c, void *d, uint32_t e)",
  );
  const bind = library.func<(fd: number, address: Buffer, size: number) => number>(
    "int bind(int a, void *b, uint32_t c)",
  );
  const listen = library.func<(fd: number, backlog: number) => number>("int listen(int a, int b)");
  const getsockname = library.func<(fd: number, address: Buffer, size: Buffer) => number>(
    "int getsockname(int a, void *b, void *c)",
  );
  const close = library.func<(fd: number) => number>("int close(int a)");

  function open(port: number, reusePort: boolean): { descriptor: number; port: number } {
    const descriptor = socket(2, 1 | 0x80000, 0);
    const one = Buffer.from([1, 0, 0, 0]);
    if (reusePort && setsockopt(descriptor, 1, 15, one, 4) !== 0) throw new Error("SO_REUSEPORT was refused");
    const address = Buffer.alloc(16);
    address.writeUInt16LE(2, 0);
    address.writeUInt16BE(port, 2);
    address.set([127, 0, 0, 1], 4);
    if (bind(descriptor, address, 16) !== 0) throw new Error("bind was refused");
    getsockname(descriptor, address, Buffer.from([16, 0, 0, 0]));
    closers.push(() => close(descriptor));
    return { descriptor, port: address.readUInt16BE(2) };
  }

  const first = open(0, true);
  const second = open(first.port, true);
  listen(first.descriptor, 5);
  listen(second.descriptor, 5);
  ports["reuse group"] = first.port;
  ports["bound only"] = open(0, false).port;
}
