/**
 * @module A gateway that runs out of file descriptors: who is in is served, who is not is told, the process rests, and it recovers.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import { processorMsOf, startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { converse, routeOf } from "../support/gateway.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";

const skip = requireOrSkip("file descriptors that run out", whyNoProgram("prlimit", "util-linux"));
const limit = 256;

describe.skipIf(skip)("a gateway without file descriptors", () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  });

  async function start(): Promise<{ gateway: GatewayProcess; app: Server }> {
    const gateway = await startGatewayProcess({ descriptorLimit: limit });
    closers.push(() => gateway.close());
    const app = createServer((request, response) => {
      // Asked to, it keeps its client waiting.
      if (request.url !== "/wait") response.end(`app ${request.url}`);
    });
    app.on("upgrade", (_request, socket: Socket) => {
      socket.on("error", () => undefined);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    await once(app.listen(0, "127.0.0.1"), "listening");
    closers.push(() => {
      app.close();
      app.closeAllConnections();
    });
    await gateway.addRoutes(routeOf("app", String((app.address() as AddressInfo).port)));
    return { gateway, app };
  }

  /** A connection that stays, and what it was told. */
  function hold(port: number, text = ""): { readonly socket: Socket; heard: string; readonly ended: Promise<unknown> } {
    const socket = connect(port, "127.0.0.1").setEncoding("latin1");
    closers.push(() => socket.destroy());
    const held = {
      socket,
      heard: "",
      ended: new Promise<void>((resolve) => void socket.once("close", () => resolve())),
    };
    socket.on("error", () => undefined).on("data", (part: string) => (held.heard += part));
    socket.write(text);
    return held;
  }

  const upgradeHead =
    "GET /socket HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

  test("idle clients take no descriptor that a server's connection needs; who is too many is told and let go", async () => {
    const { gateway } = await start();
    const webSocket = hold(gateway.port, upgradeHead);
    await expect.poll(() => webSocket.heard).toMatch(/^HTTP\/1\.1 101 /);
    const kept = hold(gateway.port, "GET /1 HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
    await expect.poll(() => kept.heard).toMatch(/app \/1$/);
    // More than there are descriptors, all at once.
    const idle = Array.from({ length: 2 * limit }, () => hold(gateway.port));
    await expect
      .poll(() => idle.filter(({ socket }) => socket.destroyed).length, { timeout: 10_000 })
      .toBeGreaterThan(limit);
    const status = (await gateway.status())!;
    const open = status.openConnections;
    expect(status.notes).toEqual([expect.stringMatching(/^\d+ connections were refused: .*ulimit -n/)]);
    const told = idle.filter(({ heard }) => heard.startsWith("HTTP/1.1 503 "));
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]!.heard).toContain("The gateway has no room for another connection");
    // All that are not refused are open, and the others are gone.
    await expect.poll(() => idle.filter(({ socket }) => !socket.destroyed).length, { timeout: 5000 }).toBe(open - 2);
    console.log(
      `${limit} descriptors: ${open} clients, ${idle.length + 2 - open} refused, ${told.length} of them told why`,
    );
    expect(open).toBeGreaterThan(limit / 2);

    // Who is in goes on, and gets new connections to servers.
    kept.socket.write("GET /2 HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
    await expect.poll(() => kept.heard).toMatch(/app \/2$/);
    webSocket.heard = "";
    webSocket.socket.write("still there");
    await expect.poll(() => webSocket.heard).toBe("still there");
    for (const [index, { socket }] of idle
      .filter((one) => !one.socket.destroyed)
      .slice(0, 16)
      .entries())
      socket.write(`GET /${index} HTTP/1.1\r\nHost: app.localhost\r\n\r\n`);
    await expect.poll(() => idle.filter(({ heard }) => /app \/\d+$/.test(heard)).length).toBe(16);
    // New ones are told at once.
    expect((await ask(plainAsker, gateway.port, { host: "app.localhost" })).status).toBe(503);
    // Routes are read and questions answered all the same.
    expect((await gateway.portolan(["route", "add", "other", "3000"])).status).toBe(0);

    for (const { socket } of idle) socket.destroy();
    await expect.poll(async () => (await gateway.status())!.openConnections).toBe(2);
    expect(await ask(plainAsker, gateway.port, { host: "app.localhost", path: "/3" })).toMatchObject({
      status: 200,
      text: "app /3",
    });
    await expect.poll(async () => (await gateway.usage()).descriptors, { timeout: 8000 }).toBeLessThan(50);
  });

  test("it rests while connections wait that it cannot take", async () => {
    const { gateway } = await start();
    const pid = gateway.child.pid!;
    const idle = Array.from({ length: limit }, () => hold(gateway.port));
    await expect.poll(async () => (await gateway.status())!.notes.length).toBe(1);
    await Promise.all(idle.filter(({ heard }) => heard !== "").map(({ ended }) => ended));
    const [beforeMs, started] = [processorMsOf(pid), performance.now()];
    // One second in which nobody comes or goes: what it does then it does by itself.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const share = (processorMsOf(pid) - beforeMs) / (performance.now() - started);
    console.log(`no descriptors left: ${(share * 100).toFixed(0)} % of a processor`);
    expect(share).toBeLessThan(0.5);
  });

  test("servers' connections that take the last ones are a 503 that says so, for WebSockets too", async () => {
    const { gateway } = await start();
    // All that it takes are in before any of them asks: so many need more connections to the server than there are descriptors.
    const waiting = Array.from({ length: limit }, () => hold(gateway.port));
    const kept = (): typeof waiting => waiting.filter(({ socket }) => !socket.destroyed);
    await expect
      .poll(async () => ((await gateway.status())!.openConnections === kept().length ? kept().length : limit))
      .toBeLessThan(limit);
    const asking = kept();
    expect(asking.length).toBeGreaterThan(limit / 2);
    for (const { socket } of asking) socket.write("GET /wait HTTP/1.1\r\nHost: app.localhost\r\n\r\n");
    const answered = (): typeof waiting => asking.filter(({ heard }) => heard.includes("was not asked"));
    await expect.poll(() => answered().length).toBeGreaterThan(0);
    const [exhausted] = answered();
    expect(exhausted!.heard).toMatch(/^HTTP\/1\.1 503 [^]*no file descriptor is left/);
    // Those that are kept ask for what holds a connection each: there is room for some, since the refused ones have gone, and not for all.
    const again = answered();
    for (const held of again) {
      held.heard = "";
      held.socket.write(upgradeHead);
    }
    await expect.poll(() => again.every(({ heard }) => heard.includes("\r\n\r\n"))).toBe(true);
    expect(again.filter(({ heard }) => heard.startsWith("HTTP/1.1 503 ")).length).toBeGreaterThan(0);
    expect(again.every(({ heard }) => /^HTTP\/1\.1 (?:101|503) /.test(heard))).toBe(true);
    for (const { socket } of waiting) socket.destroy();
    await expect.poll(async () => (await gateway.status())!.openConnections).toBe(0);
    const { answers: after } = await converse(gateway.port, "GET /4 HTTP/1.1\r\nHost: app.localhost\r\n\r\n", {
      answers: 1,
    });
    expect(after.map(({ body }) => body)).toEqual(["app /4"]);
    expect(gateway.child.exitCode).toBeNull();
  });
});
