/**
 * @module The command `forward`: what it prints, all or nothing, its end, who is told of it, and a process that runs out of descriptors.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, rmdirSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { listRelays } from "../../src/gateway/index.ts";
import { ask, plainAsker } from "../support/gateway-askers.ts";
import { probePath, processorMsOf, startGatewayProcess, usageOf } from "../support/gateway-process.ts";
import { routeOf } from "../support/gateway.ts";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces, whyNoProgram } from "../support/netns.ts";
import { closeAll, freePort, serve, talk, whenOver } from "../support/relays.ts";
import { commandPath, runCommand, type CommandOutcome } from "../support/run-command.ts";

const soon = { timeout: 8000 };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pfc-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(closeAll);

const portolan = (words: readonly string[]): Promise<CommandOutcome> =>
  runCommand(words, { environment: { PORTOLAN_STATE_HOME: folder, HOME: folder } });

/** A command that stays, with the lines that it printed. */
interface Running {
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  readonly said: () => string;
  /** Ends it as Ctrl-C does. @returns its exit status */
  stop(): Promise<number | null>;
}

function start(
  words: readonly string[],
  {
    wrap = [],
    stateFolder = folder,
    environment = {},
  }: { wrap?: string[]; stateFolder?: string; environment?: Record<string, string> } = {},
): Running {
  const [program = "", ...rest] = [...wrap, process.execPath, commandPath, ...words];
  const child = spawn(program, rest, {
    env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: stateFolder, HOME: folder, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const lines: Record<string, unknown>[] = [];
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  createInterface({ input: child.stdout }).on("line", (line) =>
    lines.push(JSON.parse(line) as Record<string, unknown>),
  );
  const closed = once(child, "close");
  const stop = async (): Promise<number | null> => {
    child.kill("SIGINT");
    await closed;
    return child.exitCode;
  };
  whenOver(async () => {
    child.kill("SIGKILL");
    await closed;
  });
  return { child, lines, said: () => said, stop };
}

/** The environment of a process that can be asked what it holds. */
function probed(folder: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=${probePath}`, GATEWAY_PROBE: folder };
}

interface Ready {
  readonly forwards: readonly { readonly listen: { readonly port: number }; readonly target: string }[];
  readonly notes: readonly string[];
}

async function forward(
  words: readonly string[],
  options: Parameters<typeof start>[1] = {},
): Promise<Running & { ports: number[] }> {
  const running = start(["forward", ...words, "--json"], options);
  await expect.poll(() => [running.lines.length, running.said()], soon).toEqual([1, ""]);
  const ready = running.lines[0] as unknown as Ready;
  return { ...running, ports: ready.forwards.map(({ listen }) => listen.port) };
}

/** Answers with the address that asked. */
const udpServer = `const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (_, { address, port }) => socket.send(address, port, address));
socket.bind(53, () => console.log("ready"));`;
/** Asks on and on, from one port. */
const udpClient = `const socket = require("node:dgram").createSocket("udp4");
socket.on("message", (message) => console.log(String(message)));
setInterval(() => socket.send("?", 5300, "127.0.0.1"), 50);`;

const echo = (): Promise<number> => serve((socket) => void socket.pipe(socket));

test("what it forwards, who lists it, who traces it, and what it counts in the end", async () => {
  const port = await echo();
  const running = await forward(["0", String(port), "[::1]:0", `127.0.0.1:${port}`, "0/udp", String(port)]);
  expect(running.lines[0]).toMatchObject({
    kind: "ready",
    acceptProxy: false,
    notes: [],
    forwards: [
      { listen: { transport: "tcp", address: "127.0.0.1" }, target: `localhost:${port}`, sendProxy: null },
      { listen: { transport: "tcp", address: "::1" }, target: `127.0.0.1:${port}` },
      { listen: { transport: "udp", address: "127.0.0.1" }, target: `localhost:${port}` },
    ],
  });
  const [first = 0, second = 0] = running.ports;
  const tracing = start(["trace", "--ndjson"]);
  const [only, other] = [start(["trace", String(second), "--ndjson"]), start(["trace", "shop", "--ndjson"])];
  // Whoever traces is seen at the socket: each connection is told to all three.
  await expect
    .poll(
      async () => {
        const client = talk(first, "hello");
        client.socket.end();
        await client.over;
        return tracing.lines.length;
      },
      { ...soon, interval: 100 },
    )
    .toBeGreaterThan(0);
  const client = talk(second, "hello", "::1");
  client.socket.end();
  expect(await client.over).toBe("");
  expect(client.heard).toBe("hello");
  const event = {
    kind: "connection",
    relay: "forward",
    transport: "tcp",
    listen: `[::1]:${second}`,
    target: `127.0.0.1:${port}`,
    pid: running.child.pid,
    protocol: null,
    name: null,
    rule: "forward",
    sentBytes: 5,
    receivedBytes: 5,
    failure: null,
  };
  await expect.poll(() => tracing.lines.at(-1), soon).toMatchObject(event);
  const listed = await portolan(["forward", "list", "--json"]);
  expect(JSON.parse(listed.stdout)).toMatchObject({
    relays: [
      { kind: "forward", pid: running.child.pid, listen: { port: first } },
      { listen: { port: second }, counts: { total: 1, open: 0, receivedBytes: 5, sentBytes: 5 } },
      { listen: { transport: "udp" } },
    ],
  });
  expect((await portolan(["forward", "list"])).stdout).toContain(`[::1]:${second} → 127.0.0.1:${port}`);
  expect(await running.stop()).toBe(0);
  expect(running.lines[1]).toMatchObject({
    complete: true,
    forwards: [{}, { target: `127.0.0.1:${port}`, counts: { total: 1, receivedBytes: 5 } }, {}],
  });
  expect(readdirSync(join(folder, "relays"))).toEqual([]);
  // Who traces ends with the last of them.
  await expect.poll(() => [tracing, only, other].map(({ child }) => child.exitCode), soon).toEqual([0, 0, 0]);
  expect(tracing.lines.at(-1)).toMatchObject({ complete: true, requests: 0 });
  expect(only.lines.slice(0, -1).every(({ listen }) => listen === `[::1]:${second}`)).toBe(true);
  expect(other.lines).toEqual([{ complete: true, requests: 0, connections: 0 }]);
});

test("as text", async () => {
  const port = await echo();
  const listen = await freePort();
  const child = spawn(process.execPath, [commandPath, "forward", String(listen), String(port), "--send-proxy", "1"], {
    env: { PATH: process.env["PATH"] ?? "", PORTOLAN_STATE_HOME: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  whenOver(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  const closed = once(child, "close");
  await expect.poll(() => text, soon).toContain("Ctrl-C");
  const client = talk(listen, "hello");
  client.socket.end();
  await client.over;
  child.kill("SIGINT");
  expect(await closed).toEqual([0, null]);
  expect(text).toMatch(
    new RegExp(
      `^127\\.0\\.0\\.1:${listen} → localhost:${port}  PROXY protocol 1\nCtrl-C ends it\\.\n` +
        `127\\.0\\.0\\.1:${listen} → localhost:${port}: 1 connection, \\d+ bytes to clients, 5 bytes to servers\n$`,
    ),
  );
});

test("all or nothing: who holds a port is named, and nothing stays", async () => {
  const holder = createServer();
  await once(holder.listen(0, "127.0.0.1"), "listening");
  whenOver(() => holder.close());
  const taken = (holder.address() as AddressInfo).port;
  const [free, another] = [await freePort(), await freePort()];
  const running = await forward([`127.0.0.1:${another}`, "5500"]);
  const { status, stderr } = await portolan(["forward", String(free), "5500", String(taken), "5500"]);
  expect(status).toBe(1);
  expect(stderr).toContain("PORT_TAKEN");
  expect(stderr.replaceAll(/\s+/g, " ")).toMatch(
    new RegExp(`127\\.0\\.0\\.1:${taken} is held by \\S+.* \\(${process.pid}\\)\\. Nothing was opened\\.`),
  );
  expect(await talk(free).over).toBe("ECONNREFUSED");
  const { stderr: json } = await portolan(["forward", String(another), "5500", "--json"]);
  expect(JSON.parse(json)).toMatchObject({
    error: {
      code: "PORT_TAKEN",
      details: { port: another, address: "127.0.0.1", transport: "tcp", pid: running.child.pid },
    },
  });
  const nowhere = await portolan(["forward", "192.0.2.1:8080", "5500", "--json"]);
  expect(JSON.parse(nowhere.stderr)).toMatchObject({
    error: { code: "LISTEN_FAILED", details: { error: "EADDRNOTAVAIL" } },
  });
});

// Other systems let both listen.
test.runIf(process.platform === "linux")("places of which one takes all of the other's", async () => {
  const free = await freePort();
  const [wide, narrow] = [`*:${free}`, `127.0.0.1:${free}`];
  const both = await portolan(["forward", wide, "5500", narrow, "5501", "--json"]);
  expect(JSON.parse(both.stderr)).toMatchObject({
    error: {
      code: "RELAY_PLACE_INVALID",
      message: `127.0.0.1:${free} and [::]:${free} cannot both listen: one of them is every address.`,
    },
  });
});

test("ranges lead step by step, or all to one port", async () => {
  const [address, back] = ["127.9.8.7", "127.9.8.6"];
  const ports = await freeRange(address);
  for (const port of ports) await serve((socket) => socket.end(String(port)), back, port);
  const running = await forward([`${address}:${ports[0]}-${ports[2]}`, `${back}:${ports[0]}..${ports[2]}`]);
  expect(running.ports).toEqual(ports);
  for (const port of ports) {
    const client = talk(port, "", address);
    await once(client.socket, "end");
    expect(client.heard).toBe(String(port));
  }
  expect(await running.stop()).toBe(0);
  const one = await forward([`${address}:${ports[0]}-${ports[2]}`, "5500"]);
  expect((one.lines[0] as unknown as Ready).forwards.map(({ target }) => target)).toEqual(
    ports.map(() => "localhost:5500"),
  );
});

/** Three ports in a row that are free there. */
async function freeRange(address: string): Promise<number[]> {
  for (let round = 0; round < 50; round += 1) {
    const first = await freePort(address);
    const ports = [first, first + 1, first + 2];
    const servers = ports.map(() => createServer());
    try {
      for (const [index, server] of servers.entries()) await once(server.listen(ports[index], address), "listening");
      return ports;
    } catch {
      continue;
    } finally {
      for (const server of servers) server.close();
    }
  }
  throw new Error("no three ports in a row are free");
}

test.each([
  [[], "ARGUMENT_INVALID", 2],
  [["8080"], "ARGUMENT_INVALID", 2],
  [["8080", "5500", "8081"], "ARGUMENT_INVALID", 2],
  [["8080", "http://localhost:5500"], "RELAY_PLACE_INVALID", 2],
  [["nas.local:8080", "5500"], "RELAY_PLACE_INVALID", 2],
  [["8000-8002", "9000-9001"], "RELAY_PLACE_INVALID", 2],
  [["8080", "5500", "8080", "5501"], "RELAY_PLACE_INVALID", 2],
  [["8080", "5500", "--bind", "nas"], "ADDRESS_INVALID", 2],
  [["8080", "5500", "--idle", "soon"], "ARGUMENT_INVALID", 2],
  [["8080", "5500", "--send-proxy", "3"], "ARGUMENT_INVALID", 2],
  [["8080", "5500", "--max-connections", "0"], "ARGUMENT_INVALID", 2],
  [["8080/udp", "5500", "--send-proxy", "2"], "ARGUMENT_INVALID", 2],
  [["8080", "5500", "--udp", "--accept-proxy"], "ARGUMENT_INVALID", 2],
  [["8080", "localhost:8080"], "RELAY_LOOP", 2],
  [["8080", "8081", "8081", "8080"], "RELAY_LOOP", 2],
  [["--bind", "::1", "8080", "8080"], "RELAY_LOOP", 2],
] as const)("forward %j is refused", async (words, code, expected) => {
  const { status, stderr, stdout } = await portolan(["forward", ...words, "--json"]);
  expect([status, stdout]).toEqual([expected, ""]);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code } });
});

test("where nothing runs there is nothing to trace, and what a killed process left is removed", async () => {
  const none = await portolan(["trace", "--json"]);
  expect(JSON.parse(none.stderr)).toMatchObject({ error: { code: "GATEWAY_STOPPED" } });
  expect((await portolan(["forward", "list"])).stdout).toBe("No forward and no share runs.\n");
  const running = await forward(["0", "5500"]);
  const path = join(folder, "relays", `${running.child.pid}.sock`);
  expect(await listRelays(folder)).toHaveLength(1);
  running.child.kill("SIGKILL");
  await once(running.child, "close");
  expect(existsSync(path)).toBe(true);
  expect(await listRelays(folder)).toEqual([]);
  expect(existsSync(path)).toBe(false);
});

test("where the terminal is closed nothing that was cut off looks whole, and its socket goes", async () => {
  const port = await echo();
  const running = await forward(["0", String(port)]);
  const client = talk(running.ports[0]!, "hello");
  await expect.poll(() => client.heard, soon).toBe("hello");
  const ended = once(running.child, "close");
  running.child.kill("SIGHUP");
  expect(await client.over).toBe("ECONNRESET");
  expect(await ended).toEqual([null, "SIGHUP"]);
  expect(existsSync(join(folder, "relays", `${running.child.pid}.sock`))).toBe(false);
});

test("what is no socket is left alone, and nobody is the worse for what cannot be removed", async () => {
  const running = await forward(["0", "5500"]);
  // No socket of a relay; a folder cannot be removed as a file is either, as nothing can in a folder that may not be written.
  const [file, inTheWay] = [join(folder, "relays", "2.sock"), join(folder, "relays", "3.sock")];
  writeFileSync(file, "kept");
  mkdirSync(inTheWay);
  whenOver(() => {
    rmSync(file);
    rmdirSync(inTheWay);
  });
  const listed = await portolan(["forward", "list", "--json"]);
  expect(listed.stderr).toBe("");
  const { relays } = JSON.parse(listed.stdout) as { relays: { pid: number }[] };
  expect(relays.map(({ pid }) => pid)).toEqual([running.child.pid]);
  expect(readdirSync(join(folder, "relays"))).toEqual(expect.arrayContaining(["2.sock", "3.sock"]));
});

test("requests and connections are told together", async () => {
  const gateway = await startGatewayProcess();
  whenOver(() => gateway.close());
  const port = await echo();
  const running = await forward(["0", String(port)], { stateFolder: gateway.folder });
  await gateway.addRoutes(routeOf("app", String(port)));
  const tracing = start(["trace", "--ndjson"], { stateFolder: gateway.folder });
  const kinds = (): unknown[] => [...new Set(tracing.lines.map(({ kind }) => kind))].sort();
  await expect
    .poll(
      async () => {
        const client = talk(running.ports[0]!, "hello");
        client.socket.end();
        await client.over;
        // What it echoes is no answer: a request all the same.
        await ask(plainAsker, gateway.port, { host: "app.localhost" });
        return kinds();
      },
      { ...soon, interval: 100 },
    )
    .toEqual(["connection", "request"]);
  // It goes on as long as one of them does.
  expect(await running.stop()).toBe(0);
  const before = tracing.lines.length;
  await ask(plainAsker, gateway.port, { host: "app.localhost" });
  await expect.poll(() => tracing.lines.length, soon).toBeGreaterThan(before);
  expect(await tracing.stop()).toBe(0);
});

test("clients that do not read cost next to no memory, and idle ones little", async () => {
  const piece = Buffer.alloc(64 * 1024, "x");
  let sent = 0;
  const port = await serve((socket) => {
    socket.once("data", () => {
      const write = (): void => {
        do sent += piece.length;
        while (socket.write(piece));
        socket.once("drain", write);
      };
      write();
    });
  });
  const running = await forward(["0", String(port)], { environment: probed(folder) });
  const [listen = 0] = running.ports;
  const pid = running.child.pid!;
  const idle = Array.from({ length: 200 }, () => talk(listen));
  const counts = async () => (await listRelays(folder))[0]!.relays[0]!.counts;
  await expect.poll(async () => (await counts()).targets[0]?.open, soon).toBe(idle.length);
  const before = await usageOf(folder, pid);
  const stalled = Array.from({ length: 6 }, () => {
    const client = talk(listen, "go");
    client.socket.pause();
    return client;
  });
  let last = -1;
  await expect
    .poll(
      () => {
        const same = sent > 1024 * 1024 && sent === last;
        last = sent;
        return same;
      },
      { timeout: 10_000, interval: 200 },
    )
    .toBe(true);
  const after = await usageOf(folder, pid);
  const grown = after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes;
  expect((await counts()).receivedBytes).toBeGreaterThan(stalled.length * 1024 * 1024);
  // Two pieces of memory of 256 KiB each, and not what the server would have sent.
  expect(grown).toBeLessThan(stalled.length * 1024 * 1024);
  console.log(
    `${idle.length} idle connections: ${Math.round(before.residentBytes / 1_048_576)} MiB; ` +
      `${stalled.length} stalled ones behind which ${Math.round(sent / 1_048_576)} MiB wait: ${Math.round(grown / 1024)} KiB more`,
  );
});

describe.skipIf(requireOrSkip("file descriptors that run out", whyNoProgram("prlimit", "util-linux")))(
  "a process without file descriptors",
  () => {
    test("rests, serves who is in, and takes those that wait when somebody goes", async () => {
      const limit = 192;
      const port = await echo();
      const running = await forward(["0", String(port)], { wrap: ["prlimit", `--nofile=${limit}:${limit}`] });
      const [listen = 0] = running.ports;
      const clients = Array.from({ length: limit }, () => talk(listen, "a"));
      const served = (): number => clients.filter(({ heard }) => heard !== "").length;
      const counts = async () => (await listRelays(folder))[0]!.relays[0]!.counts;
      let before = -1;
      await expect
        .poll(
          () => {
            const same = served() > 16 && served() === before;
            before = served();
            return same;
          },
          { ...soon, interval: 200 },
        )
        .toBe(true);
      const inside = served();
      expect(inside).toBeLessThan(limit / 2);
      // Nobody was refused: the others wait, and it answers questions all the same.
      expect(await counts()).toMatchObject({ refused: 0, failed: 0, open: inside });
      expect(clients.filter(({ socket }) => socket.destroyed)).toEqual([]);
      const pid = running.child.pid!;
      const [beforeMs, started] = [processorMsOf(pid), performance.now()];
      // Half a second in which nobody comes or goes: what it does then it does by itself.
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect((processorMsOf(pid) - beforeMs) / (performance.now() - started)).toBeLessThan(0.5);
      const first = clients.find(({ heard }) => heard !== "")!;
      first.socket.write("b");
      await expect.poll(() => first.heard, soon).toBe("ab");
      // Each that goes lets another one in, until all were served.
      for (let round = 0; round < limit && served() < limit; round += 1) {
        for (const { socket, heard } of clients) if (heard !== "" && !socket.destroyed) socket.end();
        const now = served();
        await expect.poll(served, { ...soon, interval: 5 }).toBeGreaterThan(now);
      }
      for (const { socket } of clients) socket.end();
      await Promise.all(clients.map(({ over }) => over));
      expect(clients.map(({ heard }) => heard[0]).join("")).toBe("a".repeat(limit));
      expect(await counts()).toMatchObject({ open: 0, total: limit, refused: 0, failed: 0 });
      // The same over UDP: clients that have been silent for longest give way.
      const udp = await forward(["0/udp", String(await answerUdp())], {
        wrap: ["prlimit", `--nofile=${limit}:${limit}`],
      });
      const askers = await Promise.all(Array.from({ length: limit }, () => askUdp(udp.ports[0]!)));
      expect(askers).toEqual(askers.map(() => "here"));
      const all = (await listRelays(folder)).find(({ pid: own }) => own === udp.child.pid)!.relays[0]!.counts;
      // Each that was let in got its answer; the others asked again.
      expect(all.total - all.refused).toBe(limit);
      expect(all.open).toBeLessThan(limit / 2);
      console.log(`${limit} descriptors: ${inside} clients at once, ${limit - inside} waited and were served`);
    });
  },
);

/** A UDP server. */
async function answerUdp(): Promise<number> {
  const socket = createSocket("udp4").on("message", (_message, { port, address }) =>
    socket.send("here", port, address),
  );
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  whenOver(() => socket.close());
  return socket.address().port;
}

/** Asks until there is an answer: UDP may lose a question. */
async function askUdp(port: number): Promise<string> {
  const socket = createSocket("udp4");
  const asking = setInterval(() => socket.send("?", port, "127.0.0.1"), 500);
  try {
    socket.send("?", port, "127.0.0.1");
    const [answer] = (await once(socket, "message")) as [Buffer];
    return answer.toString();
  } finally {
    clearInterval(asking);
    socket.close();
  }
}

describe.skipIf(requireOrSkip("networks that change", whyNoNetworkNamespaces()))("a network that changes", () => {
  test("over UDP a client that goes on asking is answered from the machine's new address, too", async () => {
    const here = await createNetworkNamespace();
    whenOver(() => here.destroy());
    const options = { addresses: ["10.77.0.2/24"], peer: here, peerAddresses: ["10.77.0.1/24"] };
    const there = await createNetworkNamespace(options);
    whenOver(() => there.destroy());
    const server = there.spawnIn(process.execPath, ["-e", udpServer], { stdio: ["ignore", "pipe", "inherit"] });
    await once(server.stdout!, "data");
    const running = await forward(["5300/udp", "10.77.0.2:53"], { wrap: ["ip", "netns", "exec", here.name] });
    const client = here.spawnIn(process.execPath, ["-e", udpClient], { stdio: ["ignore", "pipe", "inherit"] });
    const heard: string[] = [];
    createInterface({ input: client.stdout! }).on("line", (line) => heard.push(line));
    await expect.poll(() => heard, soon).toContain("10.77.0.1");
    await here.execIn("ip", ["address", "del", "10.77.0.1/24", "dev", "lan0"]);
    await here.execIn("ip", ["address", "add", "10.77.0.3/24", "dev", "lan0"]);
    await expect.poll(() => heard, soon).toContain("10.77.0.3");
    expect(await running.stop()).toBe(0);
  });
});

describe.skipIf(requireOrSkip("socat", whyNoProgram("socat", "socat")))("socat", () => {
  test("a client that ends what it says, over IPv4 to a server at IPv6", async () => {
    const asked: string[] = [];
    const port = await serve((socket) => {
      socket.on("data", (part: Buffer) => asked.push(part.toString()));
      socket.once("end", () => socket.end(`heard ${asked.join("")}`));
    }, "::1");
    const running = await forward(["0", `[::1]:${port}`]);
    const child = spawn("socat", ["-t", "10", "-", `TCP4:127.0.0.1:${running.ports[0]}`], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    child.stdin.end("hello");
    let heard = "";
    child.stdout.setEncoding("utf8").on("data", (part: string) => (heard += part));
    await once(child, "close");
    expect(heard).toBe("heard hello");
  });
});
