/**
 * @module The rules of reach against the real kernel: every set of loopback binds that can stand together, and who answers.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import type * as Koffi from "koffi";
import { describe, expect, test } from "vitest";
import { known, toPort, unknown, type Known, type Socket } from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import { reachOf, type ReachWorld } from "./index.ts";

interface Bind {
  readonly id: string;
  readonly address: string;
  readonly v6only: boolean;
  readonly device: string | null;
}

const wildcards: readonly Bind[] = [
  { id: "every IPv4", address: "0.0.0.0", v6only: false, device: null },
  { id: "dual-stack", address: "::", v6only: false, device: null },
  { id: "every IPv6", address: "::", v6only: true, device: null },
];
const exact: readonly Bind[] = ["127.0.0.1", "127.0.0.2", "::1", "::ffff:127.0.0.1"].map((address) => ({
  id: address,
  address,
  v6only: false,
  device: null,
}));
const throughLoopback = [...wildcards, exact[0]!].map((bind) => ({
  ...bind,
  id: `${bind.id} through lo`,
  device: "lo",
}));

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ address }) => address === "::1"),
);
const targets = ["127.0.0.1", "127.0.0.2", "::1"].filter((address) => hasIpv6 || !address.includes(":"));

/** One bound socket of the test. */
interface Answerer {
  readonly bind: Bind;
  readonly port: number;
  close(): Promise<void>;
}

/** How the test opens sockets of a transport, and asks who answers. */
interface Driver {
  readonly title: string;
  readonly transport: "tcp" | "udp";
  readonly binds: readonly Bind[];
  /** The sets of binds to try, by their size at most. */
  readonly largestSet: number;
  /** Opens a socket as Node does, or, by `RawSockets`, with options that Node 20 does not offer. */
  readonly raw: RawSockets | undefined;
}

/** Sockets with SO_REUSEPORT, and bound to an interface where the test says so; Node takes them over by descriptor. */
class RawSockets {
  readonly #call: Record<"socket" | "setsockopt" | "bind" | "close", (...values: unknown[]) => number>;

  constructor(koffi: Pick<typeof Koffi, "load">) {
    const library = koffi.load(null);
    this.#call = {
      socket: library.func("int socket(int domain, int type, int protocol)"),
      setsockopt: library.func("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)"),
      bind: library.func("int bind(int fd, const void *address, uint32_t length)"),
      close: library.func("int close(int fd)"),
    };
  }

  /** A bound descriptor; `undefined` when the kernel refuses the address. */
  open(transport: "tcp" | "udp", { address, v6only, device }: Bind, port: number): number | undefined {
    const isIpv6 = address.includes(":");
    const fd = this.#call.socket(isIpv6 ? 10 : 2, transport === "tcp" ? 1 : 2, 0);
    expect(fd).toBeGreaterThanOrEqual(0);
    const one = Buffer.from(new Uint32Array([1]).buffer);
    expect(this.#call.setsockopt(fd, 1, 15, one, 4)).toBe(0); // SOL_SOCKET, SO_REUSEPORT
    if (isIpv6)
      expect(this.#call.setsockopt(fd, 41, 26, Buffer.from(new Uint32Array([Number(v6only)]).buffer), 4)).toBe(0);
    const bytes = sockaddrOf(address, port);
    // SO_BINDTODEVICE; ordinary users may use it since Linux 5.7.
    const bound =
      device === null || this.#call.setsockopt(fd, 1, 25, Buffer.from(`${device}\0`), device.length + 1) === 0;
    if (bound && this.#call.bind(fd, bytes, bytes.length) === 0) return fd;
    this.#call.close(fd);
    return undefined;
  }
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)) of one of the few addresses above. */
function sockaddrOf(address: string, port: number): Buffer {
  const isIpv6 = address.includes(":");
  const bytes = Buffer.alloc(isIpv6 ? 28 : 16);
  new Uint16Array(bytes.buffer, bytes.byteOffset, 1)[0] = isIpv6 ? 10 : 2;
  bytes.writeUInt16BE(port, 2);
  const ipv4 = /[\d.]+$/.exec(address)?.[0] ?? "";
  if (address.includes(".")) bytes.set(ipv4.split(".").map(Number), isIpv6 ? 20 : 4);
  if (address.startsWith("::ffff:")) bytes.fill(255, 18, 20);
  if (address === "::1") bytes[23] = 1;
  return bytes;
}

async function openTcp({ raw, transport }: Driver, bind: Bind, port: number): Promise<Answerer | undefined> {
  const server = createServer((connection) => {
    connection.on("error", () => {});
    connection.end(bind.id);
  });
  if (raw === undefined) server.listen({ host: bind.address, port, ipv6Only: bind.v6only });
  else {
    const fd = raw.open(transport, bind, port);
    if (fd === undefined) return undefined;
    server.listen({ fd });
  }
  if (!(await becomes(server, "listening"))) return undefined;
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    bind,
    port: address.port,
    close: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

/** Questions that no UDP socket has received yet. */
const questions = new Map<string, (id: string) => void>();

async function openUdp({ raw, transport }: Driver, bind: Bind, port: number): Promise<Answerer | undefined> {
  const socket = createSocket({
    type: bind.address.includes(":") ? "udp6" : "udp4",
    ipv6Only: bind.v6only,
    reuseAddr: true,
  });
  socket.on("message", (question) => questions.get(question.toString())?.(bind.id));
  // Node says "listening" before bind() returns when it takes over a descriptor.
  const listening = becomes(socket, "listening");
  if (raw === undefined) socket.bind({ address: bind.address, port, exclusive: true });
  else {
    const fd = raw.open(transport, bind, port);
    if (fd === undefined) socket.emit("error", Object.assign(new Error("refused"), { code: "EADDRINUSE" }));
    else socket.bind({ fd });
  }
  if (!(await listening)) {
    socket.close();
    return undefined;
  }
  return {
    bind,
    port: socket.address().port,
    close: async () => {
      socket.close();
      await once(socket, "close");
    },
  };
}

/** True when a socket listens; false when the kernel says that its address is in use. */
async function becomes(socket: NodeJS.EventEmitter, event: "listening"): Promise<boolean> {
  try {
    await once(socket, event);
    return true;
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("EADDRINUSE");
    return false;
  }
}

/** Id of the bind that gets a connection, `undefined` when it is refused. */
async function askTcp(address: string, port: number): Promise<string | undefined> {
  const connection = connect({ host: address, port });
  let answer = "";
  connection.setEncoding("utf8").on("data", (text: string) => (answer += text));
  try {
    await once(connection, "close");
    return answer;
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
    return undefined;
  }
}

let questionCount = 0;

/** Id of the bind that gets a datagram, `undefined` when the kernel answers that nobody does. */
async function askUdp(address: string, port: number): Promise<string | undefined> {
  // Only a connected UDP socket is told: the kernel's ICMP answer becomes ECONNREFUSED.
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.connect(port, address);
  await once(socket, "connect");
  const question = `question ${questionCount++}`;
  try {
    return await new Promise<string>((resolve, reject) => {
      questions.set(question, resolve);
      socket.on("error", reject);
      socket.send(question);
    });
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe("ECONNREFUSED");
    return undefined;
  } finally {
    questions.delete(question);
    socket.close();
  }
}

const loopback: NetworkInterface = {
  name: "lo",
  index: known(1),
  up: known(true),
  loopback: true,
  hardwareAddress: known(null),
  mtuBytes: known(65_536),
  addresses: [
    { address: "127.0.0.1", family: "ipv4", prefixLength: 8 },
    { address: "127.0.0.2", family: "ipv4", prefixLength: 8 },
    { address: "::1", family: "ipv6", prefixLength: 128 },
  ],
  defaultRoute: { ipv4: known(false), ipv6: known(false) },
};

const limits: PortLimits = {
  unprivilegedPortStart: unknown("unsupported"),
  ephemeralRange: unknown("unsupported"),
  reservedPorts: unknown("unsupported"),
  mayBindPrivileged: unknown("unsupported"),
  v6onlyDefault: known(false),
};

function toSocket({ bind, port }: Answerer, index: number, transport: "tcp" | "udp", readV6only: boolean): Socket {
  const family = bind.address.includes(":") ? "ipv6" : "ipv4";
  const v6only: Known<boolean> = readV6only ? known(bind.v6only) : unknown("unsupported");
  return {
    transport,
    family,
    state: transport === "tcp" ? "LISTEN" : "UNCONNECTED",
    local: { address: bind.address, port: toPort(port) },
    remote: null,
    v6only: family === "ipv4" ? null : v6only,
    boundInterface: known(bind.device),
    inode: index + 1,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
  };
}

/** Below the ephemeral range: other tests let the kernel choose from that, and their servers would answer in place of these. */
const firstPort = 12_000;
const lastPort = 31_999;
let portCounter = process.pid % (lastPort - firstPort);

function nextPort(): number {
  portCounter = (portCounter + 1) % (lastPort - firstPort + 1);
  return firstPort + portCounter;
}

/** Opens what can be opened at one port, in order; the kernel refuses what conflicts. */
async function openTogether(wanted: readonly Bind[], driver: Driver): Promise<Answerer[]> {
  const open: Answerer[] = [];
  const openOne = driver.transport === "tcp" ? openTcp : openUdp;
  for (const bind of wanted) {
    let answerer = await openOne(driver, bind, open[0]?.port ?? nextPort());
    // The first one finds its port taken only by a stranger.
    for (let tries = 0; answerer === undefined && open.length === 0 && tries < 50; tries++) {
      answerer = await openOne(driver, bind, nextPort());
    }
    if (answerer !== undefined) open.push(answerer);
  }
  return open;
}

/** Every ordered pair, and every other set up to a size, in the order of the list. */
function listCombinations(from: readonly Bind[], largestSet: number): Bind[][] {
  const combinations = from.flatMap((first) =>
    from.filter((second) => second !== first).map((second) => [first, second]),
  );
  for (let mask = 1; mask < 1 << from.length; mask++) {
    const subset = from.filter((_, index) => (mask & (1 << index)) !== 0);
    if (subset.length !== 2 && subset.length <= largestSet) combinations.push(subset);
  }
  return combinations;
}

/** Sockets that differ in nothing that decides: which of them gets the traffic is the kernel's whim. */
function isEqual(left: Bind, right: Bind): boolean {
  return left.address === right.address && left.device === right.device;
}

/** Compares the reach of every open socket with who really answered at one address. */
function compare(
  open: readonly Answerer[],
  answerer: string | undefined,
  target: string,
  driver: Driver,
  readV6only: boolean,
): void {
  const sockets = open.map((one, index) => toSocket(one, index, driver.transport, readV6only));
  const world: ReachWorld = { interfaces: [loopback], limits, listeners: sockets };
  const among = open.map(({ bind }) => bind.id).join(", ");
  const winner = open.find(({ bind }) => bind.id === answerer)?.bind;
  for (const [index, socket] of sockets.entries()) {
    const { bind } = open[index]!;
    const context = `${bind.id} at ${target}, where ${answerer ?? "nobody"} answers, among ${among}; v6only ${readV6only ? "" : "un"}read`;
    const reach = reachOf([socket], world);
    const told = reach.addresses.find(({ address }) => address === target);
    const taken = reach.taken.find(({ address }) => address === target);
    if (bind === winner) expect(told, context).toBeDefined();
    if (told?.certain === true) expect(winner !== undefined && isEqual(bind, winner), context).toBe(true);
    if (winner === undefined && readV6only) expect(told, context).toBeUndefined();
    if (taken === undefined) continue;
    expect(told, context).toBeUndefined();
    const taker = taken.inode - 1;
    if (winner !== undefined && isEqual(open[taker]!.bind, winner)) continue;
    // A third socket may contest what is lost to the one that is named; then that one is not told to answer for certain.
    const ofTaker = reachOf([sockets[taker]!], world).addresses.find(({ address }) => address === target);
    expect(winner !== undefined && ofTaker?.certain !== true, context).toBe(true);
  }
}

const plain = { binds: [...wildcards, ...exact], largestSet: 7, raw: undefined };
const drivers: Driver[] = [
  { title: "TCP", transport: "tcp", ...plain },
  { title: "UDP with SO_REUSEADDR", transport: "udp", ...plain },
];
const raw = await import("koffi").then(
  (koffi) => new RawSockets(koffi.default),
  () => undefined,
);
if (raw !== undefined) {
  const options = { binds: [...plain.binds, ...throughLoopback], largestSet: 3, raw };
  drivers.push({ title: "TCP with SO_REUSEPORT", transport: "tcp", ...options });
  drivers.push({ title: "UDP with SO_REUSEPORT", transport: "udp", ...options });
}

describe.skipIf(process.platform !== "linux").each(drivers)("$title on loopback", (driver) => {
  test("is answered by the socket that the rules say, for every set of binds that stands together", async () => {
    const ask = driver.transport === "tcp" ? askTcp : askUdp;
    const binds = driver.binds.filter(({ address }) => hasIpv6 || !address.includes(":"));
    const stood = new Set<string>();
    for (const combination of listCombinations(binds, driver.largestSet)) {
      const open = await openTogether(combination, driver);
      try {
        stood.add(open.map(({ bind }) => bind.id).join(" + "));
        for (const target of targets) {
          const answerer = await ask(target, open[0]!.port);
          compare(open, answerer, target, driver, true);
          compare(open, answerer, target, driver, false);
        }
      } finally {
        await Promise.all(open.map((answerer) => answerer.close()));
      }
    }
    expect(stood).toContain("127.0.0.1 + 127.0.0.2");
    if (hasIpv6) expect(stood).toContain("every IPv4 + every IPv6");
    // Without these options Linux refuses a listener beside a wildcard of its family, so the precedence shows only here.
    if (driver.raw !== undefined || driver.transport === "udp") expect(stood).toContain("every IPv4 + 127.0.0.1");
  }, 60_000);
});
