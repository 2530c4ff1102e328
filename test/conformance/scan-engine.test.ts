/**
 * @module What every scan engine does on this machine's loopback, in the process that asked it: one suite for all of them. What they do
 * in networks with filters and losses is in test/exactness and src/scan/engines/native-namespaces.test.ts.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, createServer, Socket, type AddressInfo, type Server } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { portOutcomes, type OpenDoor, type ScanBatch, type ScanEngine, type ScanTally } from "../../src/scan/engine.ts";
import { blockingReuseEngine } from "../../src/scan/engines/blocking-reuse.ts";
import { epollEngine } from "../../src/scan/engines/epoll.ts";
import { nodeEngine } from "../../src/scan/engines/node.ts";

const fitness = epollEngine.fitness(batchOf("127.0.0.1", [1]));
if (!fitness.able) console.log(`skipped: the native engines: ${fitness.why}`);
/** Engines that work here. */
const engines = fitness.able ? [blockingReuseEngine, epollEngine, nodeEngine] : [nodeEngine];
const pacedEngines = engines.filter(({ name }) => name !== "blocking-reuse");

function batchOf(address: string, ports: Iterable<number>, changes: Partial<ScanBatch> = {}): ScanBatch {
  return {
    transport: "tcp",
    addresses: [{ family: address.includes(":") ? "ipv6" : "ipv4", address, scopeId: 0 }],
    ports: Uint16Array.from(ports),
    retries: null,
    packetsPerSecond: null,
    window: null,
    keepConnections: false,
    datagramFor: null,
    ...changes,
  };
}

const allPorts = Array.from({ length: 65_535 }, (_, index) => index + 1);

interface Found {
  readonly doors: OpenDoor[];
  readonly openPorts: number[];
  readonly outcomes: Uint8Array;
  readonly progress: number[];
  readonly tally: ScanTally;
}

async function scan(
  engine: ScanEngine,
  batch: ScanBatch,
  { signal = new AbortController().signal, onOpen = (_door: OpenDoor) => {}, shared = true } = {},
): Promise<Found> {
  const size = batch.addresses.length * batch.ports.length;
  const outcomes = new Uint8Array(shared ? new SharedArrayBuffer(size) : new ArrayBuffer(size));
  const doors: OpenDoor[] = [];
  const progress: number[] = [];
  const sink = {
    outcomes,
    onOpen(door: OpenDoor) {
      doors.push(door);
      onOpen(door);
    },
    onProgress: (done: number) => progress.push(done),
  };
  const tally = await engine.run(batch, sink, signal);
  const openPorts = doors.map(({ cell }) => batch.ports[cell % batch.ports.length]!).sort((a, b) => a - b);
  return { doors, openPorts, outcomes, progress, tally };
}

function stateOf(found: Found, cell: number): string {
  const { state, reason } = portOutcomes[found.outcomes[cell]!]!;
  return `${state} ${reason}`;
}

/** The connection of an open door as a socket. */
function takeOver(connection: OpenDoor["connection"]): Socket {
  if (connection === null) throw new Error("There is no connection.");
  if (connection.kind === "socket") return connection.socket;
  return new Socket({ fd: connection.descriptor, readable: true, writable: true });
}

/** Descriptors of this process. */
function countDescriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

const servers: Server[] = [];
const children: ChildProcess[] = [];

async function listen(address: string, count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let index = 0; index < count; index++) {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    server.listen(0, address);
    servers.push(server);
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  return ports.sort((a, b) => a - b);
}

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

describe.each(engines)("$name on loopback", (engine) => {
  test.each(["127.0.0.1", "::1"])("finds the listeners of %s among all ports", async (address) => {
    const ports = await listen(address, 31);
    const found = await scan(engine, batchOf(address, allPorts));
    expect(found.openPorts).toEqual(expect.arrayContaining(ports));
    // Other programs of this machine may listen as well; everything else is closed.
    const open = new Set(found.openPorts);
    expect(open.size).toBe(found.openPorts.length);
    const wrong = allPorts.filter((port, cell) => {
      return stateOf(found, cell) !== (open.has(port) ? "open syn-ack" : "closed connection-refused");
    });
    expect(wrong).toEqual([]);
    expect(found.tally.attempts).toBeGreaterThanOrEqual(allPorts.length);
    expect(found.tally.smoothedRoundTripMs).toBeGreaterThan(0);
    for (const door of found.doors) expect(door.connection).toBeNull();
  });

  test("asks several addresses of both families in one batch", async () => {
    const [port4] = await listen("127.0.0.1", 1);
    const [port6] = await listen("::1", 1);
    const found = await scan(
      engine,
      batchOf("127.0.0.1", [port4!, port6!, 1], {
        addresses: [
          { family: "ipv4", address: "127.0.0.1", scopeId: 0 },
          { family: "ipv6", address: "::1", scopeId: 0 },
        ],
      }),
    );
    const open = [0, 1, 2, 3, 4, 5].filter((cell) => stateOf(found, cell) === "open syn-ack");
    expect(open).toEqual([0, 4]);
    expect(found.doors.map(({ cell }) => cell).sort()).toEqual([0, 4]);
  });

  test("fills outcomes that are not shared memory, too", async () => {
    const ports = await listen("127.0.0.1", 2);
    const found = await scan(engine, batchOf("127.0.0.1", [...ports, 1]), { shared: false });
    expect([0, 1, 2].map((cell) => stateOf(found, cell))).toEqual([
      "open syn-ack",
      "open syn-ack",
      "closed connection-refused",
    ]);
  });

  test("hands over connections that Node can use", async () => {
    const ports = await listen("127.0.0.1", 5);
    const before = countDescriptors();
    const { doors } = await scan(engine, batchOf("127.0.0.1", [1, ...ports], { keepConnections: true }));
    expect(doors).toHaveLength(5);
    for (const { connection } of doors) {
      const socket = takeOver(connection);
      socket.write("are you there?");
      const [echo] = (await once(socket, "data")) as [Buffer];
      expect(echo.toString()).toBe("are you there?");
      socket.destroy();
      await once(socket, "close");
    }
    await settle(before);
  });

  test("leaves no descriptor behind", async () => {
    await listen("127.0.0.1", 5);
    await scan(engine, batchOf("127.0.0.1", allPorts));
    const before = countDescriptors();
    await scan(engine, batchOf("127.0.0.1", allPorts));
    await settle(before);
  });

  test("ends an orderly connection at the listener", async () => {
    const server = createServer({ allowHalfOpen: false });
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const end = new Promise<string>((resolve) => {
      server.once("connection", (socket) => {
        socket.once("error", (error) => {
          resolve(error.message);
        });
        socket.once("end", () => {
          resolve("end");
        });
        socket.resume();
      });
    });
    await scan(engine, batchOf("127.0.0.1", [(server.address() as AddressInfo).port]));
    expect(await end).toBe("end");
  });

  test("stops within 200 ms of an abort, and leaves the rest unasked", async () => {
    const ports = await listen("127.0.0.1", 3);
    const before = countDescriptors();
    const controller = new AbortController();
    let abortedAt = 0;
    // 64 addresses against all ports is much more than can be asked by the time the first door opens.
    const addresses = Array.from({ length: 64 }, (_, index) => {
      return { family: "ipv4" as const, address: `127.0.0.${index + 1}`, scopeId: 0 };
    });
    const batch = batchOf("127.0.0.1", [...ports, ...allPorts], { addresses, keepConnections: true });
    const found = await scan(engine, batch, {
      signal: controller.signal,
      onOpen(door) {
        if (door.connection !== null) takeOver(door.connection).destroy();
        abortedAt ||= performance.now();
        controller.abort();
      },
    });
    expect(performance.now() - abortedAt).toBeLessThan(200);
    expect(found.outcomes.indexOf(0)).toBeGreaterThan(-1);
    await settle(before);
  });

  test("asks nothing when it was aborted before", async () => {
    const ports = await listen("127.0.0.1", 1);
    const found = await scan(engine, batchOf("127.0.0.1", ports), { signal: AbortSignal.abort() });
    expect(found.doors).toEqual([]);
    expect([...found.outcomes]).toEqual([0]);
  });

  test("says what a listener is whose queue is full, and what is behind it", async () => {
    const child = spawn(
      process.execPath,
      [
        "-e",
        `require("net").createServer().listen({port:0,host:"127.0.0.1",backlog:1},function(){console.log(this.address().port)})`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    children.push(child);
    const [line] = (await once(child.stdout!, "data")) as [Buffer];
    const port = Number(line.toString());
    // A stopped process takes no connections; two fill the queue, and the kernel drops what comes then.
    child.kill("SIGSTOP");
    const fillers = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
    await once(fillers[0]!, "connect");
    await once(fillers[1]!, "connect");
    const [open] = await listen("127.0.0.1", 1);
    const found = await scan(engine, batchOf("127.0.0.1", [port, open!, 1]));
    for (const filler of fillers) filler.destroy();
    expect([0, 1, 2].map((cell) => stateOf(found, cell))).toEqual([
      "filtered no-answer",
      "open syn-ack",
      "closed connection-refused",
    ]);
    expect(found.tally.repeated).toBeGreaterThan(0);
  });
});

/** Waits until closing sockets are closed: at most as many descriptors as before. */
async function settle(most: number): Promise<void> {
  for (let turn = 0; turn < 200 && countDescriptors() > most; turn++) {
    await new Promise((resolve) => {
      setTimeout(resolve, 5);
    });
  }
  expect(countDescriptors()).toBeLessThanOrEqual(most);
}

test("the blocking engine is for loopback, TCP and no rate cap only", () => {
  const why = (batch: ScanBatch) => {
    const answer = blockingReuseEngine.fitness(batch);
    return answer.able ? "able" : answer.why;
  };
  expect(why(batchOf("10.0.0.1", [1]))).toContain("loopback");
  expect(why(batchOf("127.0.0.1", [1], { transport: "udp" }))).toContain("TCP");
  expect(why(batchOf("127.0.0.1", [1], { packetsPerSecond: 5 }))).toContain("rate");
  if (fitness.able) expect(why(batchOf("127.9.9.9", [1]))).toBe("able");
});

describe.each(pacedEngines)("$name", (engine) => {
  test("keeps the rate cap", async () => {
    const start = performance.now();
    const found = await scan(engine, batchOf("127.0.0.1", allPorts.slice(0, 300), { packetsPerSecond: 500 }));
    // 300 connections at 500 a second.
    expect(performance.now() - start).toBeGreaterThan(550);
    expect(found.outcomes.indexOf(0)).toBe(-1);
    expect(found.progress.length).toBeGreaterThan(2);
  });

  test("keeps to a window of one", async () => {
    const found = await scan(engine, batchOf("127.0.0.1", allPorts.slice(0, 300), { window: 1 }));
    expect(found.tally.widestWindow).toBe(1);
    expect(found.outcomes.indexOf(0)).toBe(-1);
  });
});

describe.each(pacedEngines)("$name with datagrams", (engine) => {
  const echoes: DatagramSocket[] = [];
  const ports: number[] = [];
  let silent = 0;

  beforeAll(async () => {
    for (let index = 0; index < 4; index++) {
      const socket = createSocket("udp4");
      socket.bind(0, "127.0.0.1");
      await once(socket, "listening");
      echoes.push(socket);
      ports.push(socket.address().port);
      if (index === 3) continue;
      socket.on("message", (message, peer) => {
        socket.send(Buffer.concat([Buffer.from("you said "), message]), peer.port, peer.address);
      });
    }
    silent = ports.pop()!;
  });
  afterAll(() => {
    for (const socket of echoes) socket.close();
  });

  test("tells answers, closed ports and silence apart", async () => {
    const found = await scan(
      engine,
      batchOf("127.0.0.1", [...ports, silent, 1], {
        transport: "udp",
        datagramFor: (port) => Buffer.from(port === ports[1] ? "" : `hello ${port}`),
      }),
    );
    expect([0, 1, 2, 3, 4].map((cell) => stateOf(found, cell))).toEqual([
      "open udp-answer",
      "open udp-answer",
      "open udp-answer",
      "open|filtered no-answer",
      "closed port-unreachable",
    ]);
    const answers = new Map(found.doors.map(({ cell, answer }) => [cell, Buffer.from(answer!).toString()]));
    expect([answers.get(0), answers.get(1)]).toEqual([`you said hello ${ports[0]}`, "you said "]);
    // The silent one was asked again.
    expect(found.tally.repeated).toBe(1);
  });

  test("finds those that answer among many ports", async () => {
    const before = countDescriptors();
    const many = engine.name === "node" ? [...allPorts.slice(0, 2000), ...ports] : allPorts;
    const found = await scan(engine, batchOf("127.0.0.1", many, { transport: "udp" }));
    expect(found.openPorts).toEqual(expect.arrayContaining(ports));
    expect(found.outcomes.indexOf(0)).toBe(-1);
    await settle(before);
  });
});
