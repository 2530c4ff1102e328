/**
 * @module A new gateway takes the listening sockets from the old one while clients come all the time.
 */
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { Agent, createServer, request, type IncomingMessage } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { askGateway } from "../../src/gateway/index.ts";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import { isServing, startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import { routeOf } from "../support/gateway.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function serveApp(): Promise<{ port: number; send: (text: string) => void }> {
  const streams = new Set<{ write(text: string): unknown }>();
  const server = createServer((asked, response) => {
    if (asked.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      streams.add(response);
    } else response.end(`app ${asked.url}`);
  });
  server.on("upgrade", (_request, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.pipe(socket);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const send = (text: string): void => {
    for (const stream of streams) stream.write(text);
  };
  return { port, send };
}

async function start(): Promise<{ gateway: GatewayProcess; app: Awaited<ReturnType<typeof serveApp>> }> {
  const gateway = await startGatewayProcess();
  closers.push(() => gateway.close());
  const app = await serveApp();
  await gateway.addRoutes(routeOf("app", String(app.port)));
  return { gateway, app };
}

async function restart(gateway: GatewayProcess, ...words: string[]): Promise<number> {
  const { stdout, stderr, status } = await gateway.portolan(["gateway", "restart", "--json", ...words]);
  if (status !== 0) throw new Error(stderr);
  return (JSON.parse(stdout) as GatewayResult).pid!;
}

/** Asks one time after the other until it is told to stop, and keeps what went wrong. */
class Visitor {
  answered = 0;
  readonly failures: string[] = [];
  readonly #ended: Promise<void>;
  #stopped = false;

  constructor(port: number, agent: Agent | false) {
    this.#ended = (async () => {
      while (!this.#stopped) {
        try {
          const outgoing = request({
            host: "127.0.0.1",
            port,
            agent,
            path: `/${this.answered}`,
            headers: { host: "app.localhost" },
          }).end();
          const [incoming] = (await once(outgoing, "response")) as [IncomingMessage];
          let text = "";
          for await (const part of incoming.setEncoding("latin1")) text += part as string;
          if (text !== `app /${this.answered}`) this.failures.push(`${incoming.statusCode} ${text}`);
          this.answered += 1;
        } catch (error) {
          this.failures.push((error as NodeJS.ErrnoException).code ?? String(error));
        }
      }
    })();
  }

  stop(): Promise<void> {
    this.#stopped = true;
    return this.#ended;
  }
}

/** A WebSocket and an event stream that were opened before. */
async function openLasting(port: number): Promise<{
  readonly webSocket: Socket;
  readonly events: IncomingMessage;
  goOn(send: (text: string) => void, text: string): Promise<void>;
}> {
  const webSocket = connect(port, "127.0.0.1").setEncoding("latin1");
  webSocket.on("error", () => undefined);
  closers.push(() => webSocket.destroy());
  webSocket.write(
    "GET / HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
  );
  expect(String((await once(webSocket, "data"))[0])).toMatch(/^HTTP\/1\.1 101 /);
  const outgoing = request({
    host: "127.0.0.1",
    port,
    agent: false,
    path: "/events",
    headers: { host: "app.localhost" },
  }).end();
  outgoing.on("error", () => undefined);
  closers.push(() => outgoing.destroy());
  const [events] = (await once(outgoing, "response")) as [IncomingMessage];
  events.on("error", () => undefined).setEncoding("latin1");
  return {
    webSocket,
    events,
    goOn: async (send, text) => {
      const [echo, event] = [once(webSocket, "data"), once(events, "data")];
      webSocket.write(text);
      send(text);
      expect([await echo, await event]).toEqual([[text], [text]]);
    },
  };
}

describe("a new gateway", () => {
  test(
    "twenty in a row: nobody is refused or reset, whoever comes anew or again; what is open goes on",
    { timeout: 60_000 },
    async () => {
      const { gateway, app } = await start();
      const lasting = await openLasting(gateway.port);
      const kept = new Agent({ keepAlive: true });
      closers.push(() => kept.destroy());
      const visitors = [false as const, false as const, false as const, kept, kept].map(
        (agent) => new Visitor(gateway.port, agent),
      );
      const first = (await gateway.status())!.pid;
      const pids = new Set([first]);
      for (let round = 0; round < 20; round += 1) pids.add(await restart(gateway));
      await Promise.all(visitors.map((visitor) => visitor.stop()));
      const answered = visitors.map((visitor) => visitor.answered);
      console.log(
        `20 restarts: ${answered.join(" + ")} answers, ${visitors.flatMap(({ failures }) => failures).length} failures`,
      );
      expect(visitors.flatMap(({ failures }) => failures)).toEqual([]);
      expect(Math.min(...answered)).toBeGreaterThan(20);
      expect(pids.size).toBe(21);
      await lasting.goOn(app.send, "twenty later");
      kept.destroy();
      // Those in between have nothing left to do; the first one has.
      await expect.poll(() => [...pids].filter(isServing).length, { timeout: 10_000 }).toBe(2);
      lasting.webSocket.destroy();
      lasting.events.destroy();
      await expect.poll(() => isServing(first)).toBe(false);
    },
  );

  test("--drain ends what is still open, when its time is over", async () => {
    const { gateway, app } = await start();
    const lasting = await openLasting(gateway.port);
    const before = (await gateway.status())!.pid;
    const closed = Promise.all([
      once(lasting.webSocket, "close"),
      new Promise((done) => lasting.events.once("close", done)),
    ]);
    await restart(gateway, "--drain", "1s");
    await lasting.goOn(app.send, "meanwhile");
    await closed;
    await expect.poll(() => isServing(before)).toBe(false);
    expect((await ask(plainAsker, gateway.port, { host: "app.localhost" })).text).toBe("app /");
  });

  test("that does not come up leaves the old one as it was", async () => {
    const { gateway, app } = await start();
    const lasting = await openLasting(gateway.port);
    const visitor = new Visitor(gateway.port, false);
    const { pid } = (await gateway.status())!;
    const versions = [
      [process.execPath, "-e", "process.exit(3)"],
      [process.execPath, "-e", "process.stdout.end()"],
      [process.execPath, "-e", "console.log('nothing of use')"],
      ["/nowhere/portolan"],
    ];
    for (const command of versions) {
      await expect(askGateway(gateway.folder, { do: "replace", command, drainMs: 0 })).rejects.toThrow(
        /The gateway refused: (?:the new gateway|spawn)/,
      );
      expect((await gateway.status())!.pid).toBe(pid);
    }
    await lasting.goOn(app.send, "as before");
    await visitor.stop();
    expect([visitor.failures, visitor.answered > 0]).toEqual([[], true]);
    // It still has its lock, its control socket and its doors, and can be replaced.
    expect((await gateway.portolan(["gateway", "serve"])).stderr).toContain("A gateway runs already");
    expect(await restart(gateway)).not.toBe(pid);
  });

  test("is the only one, whatever is asked while it takes over", async () => {
    const { gateway } = await start();
    const asked = await Promise.all([
      gateway.portolan(["gateway", "restart", "--json"]),
      gateway.portolan(["gateway", "restart", "--json"]),
      ...Array.from({ length: 6 }, (_, index) =>
        gateway.portolan(["route", "add", `late-${index}`, String(4000 + index)]),
      ),
      gateway.portolan(["gateway", "status"]),
    ]);
    // Of two new ones at the same time one may be refused; nothing else fails.
    expect(asked.slice(2).map(({ status, stderr }) => [status, stderr])).toEqual(asked.slice(2).map(() => [0, ""]));
    expect(asked.slice(0, 2).some(({ status }) => status === 0)).toBe(true);
    const status = (await gateway.status())!;
    expect(status.listeners).toMatchObject([{ port: gateway.port }, { port: gateway.securePort }]);
    const pids = readdirSync(gateway.folder).flatMap((name) => /^probe-(\d+)\.sock$/.exec(name)?.[1] ?? []);
    await expect.poll(() => pids.map(Number).filter(isServing)).toEqual([status.pid]);
    for (let index = 0; index < 6; index += 1) {
      const { status: answered } = await ask(plainAsker, gateway.port, { host: `late-${index}.localhost` });
      expect(answered).toBe(502);
    }
  });

  test("who asks at the control socket and is gone before the answer takes nothing along", async () => {
    const { gateway } = await start();
    const path = join(gateway.folder, "gateway", "control.sock");
    for (let round = 0; round < 20; round += 1) {
      const socket = connect(path);
      socket.on("error", () => undefined);
      await once(socket, "connect");
      // A connection that is closed over bytes that it did not read is reset.
      socket.write('{"do":"trace"}\n{"do":"status"}\n{"do":"nonsense"}\n', () => socket.destroy());
      await once(socket, "close");
      expect((await ask(plainAsker, gateway.port, { host: "app.localhost" })).status).toBe(200);
    }
    expect([gateway.child.exitCode, gateway.said()]).toEqual([null, ""]);
  });

  test("stop leaves nothing behind", async () => {
    const { gateway } = await start();
    await restart(gateway);
    expect((await gateway.portolan(["gateway", "stop"])).status).toBe(0);
    expect(readdirSync(join(gateway.folder, "gateway")).filter((name) => name !== "gateway.log")).toEqual([]);
    expect(existsSync(join(gateway.folder, "routes"))).toBe(true);
  });
});
