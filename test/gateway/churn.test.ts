/**
 * @module What happens to a gateway in an hour, in seconds: routes that come and go, applications that start and stop at changing ports,
 * WebSockets, aborted and malformed requests, listeners at its control socket, restarts. Nothing of it may stay. PORTOLAN_CHURN_SECONDS says for
 * how long (default 4); `npm run churn:gateway` goes on for an hour.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { askGateway, forgetRoute, keepRoute } from "../../src/gateway/index.ts";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import {
  isServing,
  mebibytes,
  startGatewayProcess,
  type GatewayProcess,
  type ProcessUsage,
} from "../support/gateway-process.ts";
import { converse, routeOf } from "../support/gateway.ts";

const seconds = Number(process.env["PORTOLAN_CHURN_SECONDS"] ?? 4);

interface App {
  readonly server: Server;
  readonly port: number;
  stop(): void;
}

async function startApp(): Promise<App> {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    if (request.url === "/wait") return;
    if (request.url === "/half") {
      response.writeHead(200, { "content-length": 1000 });
      response.write("half");
      return;
    }
    if (request.url === "/die") request.socket.resetAndDestroy();
    else request.resume().once("end", () => response.end("whole"));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (_request, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    server,
    port: (server.address() as AddressInfo).port,
    stop: () => {
      server.close();
      // WebSockets too.
      for (const socket of sockets) socket.destroy();
    },
  };
}

describe("an hour in seconds", () => {
  let gateway: GatewayProcess;
  let rounds = 0;
  let requests = 0;

  beforeAll(async () => {
    gateway = await startGatewayProcess();
  });

  afterAll(() => gateway.close());

  async function askFor(host: string, path: string, expected: number, text?: string): Promise<void> {
    const question = { host: `${host}.localhost`, path, ...(text === undefined ? {} : { method: "POST", text }) };
    expect((await ask(plainAsker, gateway.port, question)).status).toBe(expected);
    requests += 1;
  }

  /** Goes away before the answer, or within it. */
  async function leave(host: string, path: string, afterHead: boolean): Promise<void> {
    const exchange = plainAsker.open(gateway.port, { host: `${host}.localhost`, path });
    if (afterHead) await exchange.head;
    else await once(exchange.sent, "finish");
    exchange.leave();
    requests += 1;
  }

  async function openWebSocket(host: string): Promise<Socket> {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write(
      `GET / HTTP/1.1\r\nHost: ${host}.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 101 /);
    const echo = once(socket, "data");
    socket.write("there and back");
    expect(String((await echo)[0])).toBe("there and back");
    requests += 1;
    return socket;
  }

  /** Follows the traces for a while, and goes. */
  async function follow(host: string): Promise<void> {
    const control = connect(join(gateway.folder, "gateway", "control.sock"));
    control.write('{"do":"trace"}\n');
    // The answer to a second question says that the first was heard.
    control.write('{"do":"status"}\n');
    await once(control, "data");
    const told = once(control, "data");
    await askFor(host, "/traced", 200);
    await told;
    control.destroy();
  }

  async function round(): Promise<void> {
    rounds += 1;
    // No two rounds have a name or a port in common.
    const names = ["a", "b", "c"].map((letter) => `${letter}-${rounds}`);
    const apps = await Promise.all(names.map(startApp));
    const routes = names.map((name, index) => routeOf(name, String(apps[index]!.port)));
    for (const route of routes) await keepRoute(gateway.folder, route, false);
    await askGateway(gateway.folder, { do: "reload" });
    const [one = "", two = "", three = ""] = names;
    const webSockets = await Promise.all([one, one, two, two, three, three].map(openWebSocket));
    await Promise.all([
      ...Array.from({ length: 12 }, (_, index) => askFor(names[index % 3]!, `/${index}`, 200)),
      ...Array.from({ length: 6 }, (_, index) => askFor(names[index % 3]!, `/${index}`, 200, "x".repeat(20_000))),
      askFor(one, "/die", 502),
      leave(one, "/wait", false),
      leave(two, "/half", true),
      askFor(`nobody-${rounds}`, "/", 404),
      converse(gateway.port, "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", { answers: 1 }),
      converse(gateway.port, "NONSENSE\r\n\r\n", { answers: 1 }),
      converse(
        gateway.port,
        `POST / HTTP/1.1\r\nHost: ${two}.localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok`,
        { answers: 1 },
      ),
      follow(three),
    ]);
    const closed = Promise.all(webSockets.map((socket) => new Promise((resolve) => socket.once("close", resolve))));
    webSockets[0]!.destroy();
    webSockets[1]!.resetAndDestroy();
    webSockets[2]!.end();
    // The others end with their applications.
    apps[2]!.stop();
    await askFor(three, "/gone", 502);
    for (const app of apps) app.stop();
    await closed;
    for (const route of routes) await forgetRoute(gateway.folder, route);
    await askGateway(gateway.folder, { do: "reload" });
  }

  async function settle(): Promise<ProcessUsage> {
    await expect.poll(async () => (await gateway.status())!.openConnections, { timeout: 5000 }).toBe(0);
    return await gateway.usage();
  }

  function describeUsage(usage: ProcessUsage): string {
    return `heap ${mebibytes(usage.heapBytes)}, buffers ${mebibytes(usage.externalBytes)}, process ${mebibytes(usage.residentBytes)}, ${usage.descriptors} descriptors`;
  }

  test("leaves nothing in the gateway", { timeout: seconds * 1000 + 60_000 }, async () => {
    // What is compiled and cached once.
    for (let warm = 0; warm < 8; warm += 1) await round();
    const base = await settle();
    console.log(`after ${rounds} rounds: ${describeUsage(base)}`);
    const [baseRounds, startedMs] = [rounds, performance.now()];
    for (let told = 1; performance.now() - startedMs < seconds * 1000;) {
      await round();
      if (performance.now() - startedMs < (told * seconds * 1000) / 3) continue;
      told += 1;
      console.log(`after ${rounds} rounds, ${requests} requests: ${describeUsage(await settle())}`);
    }
    // Connections that were kept for the next request end by themselves.
    let last = await settle();
    await expect
      .poll(async () => (last = await settle()).descriptors, { timeout: 8000, interval: 200 })
      .toBeLessThanOrEqual(base.descriptors);
    const done = rounds - baseRounds;
    const each = (last.heapBytes + last.externalBytes - base.heapBytes - base.externalBytes) / done;
    console.log(`${done} rounds: ${each.toFixed(0)} bytes more for each; open: ${JSON.stringify(last.resources)}`);
    expect(done).toBeGreaterThan(5);
    expect(last.resources).toEqual(base.resources);
    expect(last.heapBytes + last.externalBytes - base.heapBytes - base.externalBytes).toBeLessThan(3 * 1024 * 1024);
  });

  test("and its successors have nothing of their predecessors'", { timeout: 60_000 }, async () => {
    const pids = [(await gateway.status())!.pid];
    const usages: ProcessUsage[] = [];
    for (let restart = 0; restart < 3; restart += 1) {
      expect((await gateway.portolan(["gateway", "restart"])).status).toBe(0);
      await round();
      pids.push((await gateway.status())!.pid);
      await expect.poll(() => pids.filter(isServing).length).toBe(1);
      usages.push(await settle());
    }
    console.log(`after ${pids.length - 1} restarts: ${describeUsage(usages.at(-1)!)}`);
    expect(new Set(pids).size).toBe(4);
    // The connection over which one was asked may still be closing.
    for (const usage of usages) expect(Math.abs(usage.descriptors - usages[0]!.descriptors)).toBeLessThanOrEqual(2);
  });
});
