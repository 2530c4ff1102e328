/**
 * @module Clients that take their time: heads that never end, connections that say nothing, readers that do not read. They cost little and, where
 * nothing is being done for them, they are ended.
 */
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Gateway } from "../../src/gateway/engine/gateway.ts";
import { createPlainServer } from "../../src/gateway/engine/plain-server.ts";
import { RouteTable } from "../../src/gateway/index.ts";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import { mebibytes, startGatewayProcess, type ProcessUsage } from "../support/gateway-process.ts";
import { routeOf } from "../support/gateway.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** A server that counts what it reads, and answers `/endless` without end. */
async function serveApp(): Promise<number> {
  return (await startApp()).port;
}

async function startApp(): Promise<{ readonly port: number; die(): void }> {
  const app = createServer((asked, response) => {
    if (asked.url === "/endless") {
      const fill = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.on("drain", fill);
      return fill();
    }
    if (asked.url === "/unread") return void asked.pause();
    let bytes = 0;
    asked.on("data", (chunk: Buffer) => (bytes += chunk.length)).once("end", () => response.end(`${bytes} bytes`));
    return undefined;
  });
  await once(app.listen(0, "127.0.0.1"), "listening");
  const die = (): void => {
    app.close();
    app.closeAllConnections();
  };
  closers.push(die);
  return { port: portOf(app), die };
}

const patience = { headMs: 500, lookMs: 100, idleMs: 500 };

/** A gateway in this process that waits for half a second. */
async function startImpatient(): Promise<number> {
  const table = new RouteTable([routeOf("app", String(await serveApp()))]);
  const gateway = new Gateway({ routes: () => table, pseudonym: "portolan-test", nowMs: Date.now, patience });
  const server = createPlainServer(gateway, "http").listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    server.close();
    server.closeAllConnections();
    await gateway.upstreams.close();
  });
  return portOf(server);
}

/** What a connection hears until it is closed. */
async function hear(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (part: string) => (text += part));
  socket.on("error", () => undefined);
  await new Promise<void>((resolve) => void socket.once("close", () => resolve()));
  return text;
}

describe("heads that never end", () => {
  test("two hundred, byte by byte: each is ended with 408, and others are served meanwhile", async () => {
    const port = await startImpatient();
    const head = `GET / HTTP/1.1\r\nHost: app.localhost\r\nX-Slow: ${"y".repeat(10_000)}`;
    let sent = 0;
    const sockets = Array.from({ length: 200 }, () => connect(port, "127.0.0.1"));
    closers.push(() => sockets.forEach((socket) => void socket.destroy()));
    const timer = setInterval(() => {
      for (const socket of sockets) if (socket.writable) socket.write(head.charAt(sent));
      sent += 1;
    }, 20);
    closers.push(() => clearInterval(timer));
    const heard = Promise.all(sockets.map(hear));
    let served = 0;
    const state = { over: false };
    void heard.then(() => (state.over = true));
    while (!state.over) {
      expect(await ask(plainAsker, port, { host: "app.localhost", method: "POST", text: "12345" })).toMatchObject({
        text: "5 bytes",
      });
      served += 1;
    }
    for (const text of await heard) expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect([served > 0, sent < head.length]).toEqual([true, true]);
  });

  test.each([
    ["nothing at all", ""],
    ["half a request line", "GET / HT"],
    ["no empty line", "GET / HTTP/1.1\r\nHost: app.localhost\r\n"],
    ["a second head that does not end", "GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\nGET / HTTP/1.1\r\nHos"],
  ])("%s", async (_what, text) => {
    const port = await startImpatient();
    const socket = connect(port, "127.0.0.1");
    socket.write(text);
    const heard = await hear(socket);
    expect(heard.match(/HTTP\/1\.1 \d+/g)).toEqual(
      text.includes("\r\n\r\n") ? ["HTTP/1.1 200", "HTTP/1.1 408"] : ["HTTP/1.1 408"],
    );
  });

  test("an idle connection is closed, without a word", async () => {
    const port = await startImpatient();
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
    expect(await hear(socket)).toMatch(/^HTTP\/1\.1 200 [^]*0 bytes$/);
  });

  test("an upload that takes longer is waited for", async () => {
    const port = await startImpatient();
    const outgoing = request({
      host: "127.0.0.1",
      port,
      method: "POST",
      agent: false,
      headers: { host: "app.localhost" },
    });
    let written = 0;
    const timer = setInterval(() => {
      written += 1;
      if (written <= 15) outgoing.write("x");
      else outgoing.end();
    }, 100);
    closers.push(() => clearInterval(timer));
    const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
    expect(incoming.statusCode).toBe(200);
    expect(String((await once(incoming, "data"))[0])).toBe("15 bytes");
  });
});

const keptBytes = ({ heapBytes, externalBytes }: ProcessUsage): number => heapBytes + externalBytes;

describe("memory", () => {
  const count = Number(process.env["PORTOLAN_SLOW_CLIENTS"] ?? 1000);

  async function measure(
    what: string,
    howMany: number,
    hold: (port: number) => Socket,
    endsWithServer = false,
  ): Promise<{ readonly each: number; readonly residentEach: number }> {
    const gateway = await startGatewayProcess();
    closers.push(() => gateway.close());
    const app = await startApp();
    await gateway.addRoutes(routeOf("app", String(app.port)));
    await ask(plainAsker, gateway.port, { host: "app.localhost", method: "POST", text: "warm" });
    const before = await gateway.usage();
    const sockets = Array.from({ length: howMany }, () => hold(gateway.port));
    closers.push(() => sockets.forEach((socket) => void socket.destroy()));
    for (const socket of sockets) socket.on("error", () => undefined);
    await expect.poll(async () => (await gateway.status())!.openConnections, { timeout: 10_000 }).toBe(howMany);
    // It is served all the same.
    expect((await ask(plainAsker, gateway.port, { host: "app.localhost", method: "POST", text: "12" })).text).toBe(
      "2 bytes",
    );
    let held = keptBytes(await gateway.usage());
    // What the kernel's buffers take goes through first: until it stands still.
    await expect
      .poll(
        async () => {
          const now = keptBytes(await gateway.usage());
          const still = Math.abs(now - held) < 256 * 1024;
          held = now;
          return still;
        },
        { interval: 200, timeout: 15_000 },
      )
      .toBe(true);
    const during = await gateway.usage();
    for (const socket of sockets) socket.destroy();
    // Behind bytes that a server does not take no end can be heard: but when the server ends, so do they.
    if (endsWithServer) app.die();
    await expect.poll(async () => (await gateway.status())!.openConnections, { timeout: 10_000 }).toBe(0);
    const after = await gateway.usage();
    // What is kept, by the garbage collector; the process's size is what the system lent it at most on the way there.
    const each = (keptBytes(during) - keptBytes(before)) / howMany;
    console.log(
      `${howMany} ${what}: ${(each / 1024).toFixed(1)} KiB each; the process ${mebibytes(before.residentBytes)} → ` +
        `${mebibytes(during.residentBytes)} → ${mebibytes(after.residentBytes)} after them`,
    );
    expect(keptBytes(after) - keptBytes(before)).toBeLessThan(4 * 1024 * 1024);
    return { each, residentEach: (during.residentBytes - before.residentBytes) / howMany };
  }

  test("unfinished heads of 8 KiB", async () => {
    const head = `GET / HTTP/1.1\r\nHost: app.localhost\r\nX-Long: ${"y".repeat(8000)}`;
    const { residentEach } = await measure("unfinished heads of 8 KiB", count, (port) => {
      const socket = connect(port, "127.0.0.1");
      socket.write(head);
      return socket;
    });
    // The parser keeps them outside of the heap.
    expect(residentEach).toBeLessThan(64 * 1024);
  });

  test("clients that do not read an answer without end", async () => {
    const { each } = await measure("clients that read nothing of an endless answer", 20, (port) => {
      const socket = connect(port, "127.0.0.1").pause();
      socket.write("GET /endless HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
      return socket;
    });
    expect(each).toBeLessThan(1024 * 1024);
  });

  test("uploads to a server that reads nothing", async () => {
    const { each } = await measure(
      "uploads that the server does not read",
      20,
      (port) => {
        const socket = connect(port, "127.0.0.1");
        socket.write("POST /unread HTTP/1.1\r\nHost: app.localhost\r\nContent-Length: 100000000000\r\n\r\n");
        const fill = (): void => {
          while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
        };
        socket.on("drain", fill);
        fill();
        return socket;
      },
      true,
    );
    expect(each).toBeLessThan(1024 * 1024);
  });
});
