/**
 * @module Forwards of UDP: each client hears its own answers, over either family; servers that are not there, silence, and too many clients.
 */
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, expect, test } from "vitest";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
import type { RunningRelay } from "../../src/gateway/relay/running-relay.ts";
import { closeAll, startForward, whenOver } from "../support/relays.ts";

afterEach(closeAll);

const soon = { timeout: 5000 };

async function open(address: string, port = 0): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.bind(port, address);
  await once(socket, "listening");
  let closed = false;
  socket.once("close", () => (closed = true));
  whenOver(() => {
    if (!closed) socket.close();
  });
  return socket;
}

/** A server that answers with who asked, and what. */
async function answer(address = "127.0.0.1", port = 0): Promise<{ readonly port: number; readonly askers: number[] }> {
  const socket = await open(address, port);
  const askers: number[] = [];
  socket.on("message", (message, { port: from, address: at }) => {
    askers.push(from);
    socket.send(`${message.toString("latin1")}!`, from, at);
  });
  return { port: socket.address().port, askers };
}

interface Asker {
  readonly heard: string[];
  readonly port: number;
  ask(text: string | Buffer): void;
}

async function asker(port: number, address = "127.0.0.1"): Promise<Asker> {
  const socket = await open(address);
  const heard: string[] = [];
  socket.on("message", (message) => heard.push(message.toString("latin1")));
  return { heard, port: socket.address().port, ask: (text) => socket.send(text, port, address) };
}

test.each([
  ["127.0.0.1", "127.0.0.1", "127.0.0.1"],
  ["::1", "127.0.0.1", "127.0.0.1"],
  ["127.0.0.1", "::1", "::1"],
  ["127.0.0.1", "localhost", "127.0.0.1"],
  ["127.0.0.1", "localhost", "::1"],
])("from %s to %s, where a server at %s answers", async (address, host, at) => {
  const { port, askers } = await answer(at);
  const { port: listen, relay } = await startForward({ host, port }, { transport: "udp", address });
  const [one, other] = [await asker(listen, address), await asker(listen, address)];
  one.ask("a");
  await expect.poll(() => one.heard, soon).toEqual(["a!"]);
  other.ask("b");
  await expect.poll(() => other.heard, soon).toEqual(["b!"]);
  one.ask("c");
  await expect.poll(() => one.heard, soon).toEqual(["a!", "c!"]);
  expect(other.heard).toEqual(["b!"]);
  // The same client is the same one for the server.
  expect(new Set(askers).size).toBe(2);
  expect(relay.counts()).toMatchObject({ open: 2, total: 2, sentBytes: 3, receivedBytes: 6, refused: 0, failed: 0 });
});

test("every address takes both families, and large datagrams pass whole", async () => {
  const { port } = await answer();
  const { port: listen } = await startForward({ port }, { transport: "udp", address: "::" });
  for (const address of ["127.0.0.1", "::1"]) {
    const one = await asker(listen, address);
    const text = "x".repeat(60_000);
    one.ask(text);
    await expect.poll(() => one.heard.map(({ length }) => length), soon).toEqual([60_001]);
    one.ask("");
    await expect.poll(() => one.heard[1], soon).toBe("!");
  }
});

test("an exchange is over when it was silent for its time, and is told", async () => {
  const { port } = await answer();
  const { port: listen, relay, traces } = await startForward({ port }, { transport: "udp", idleMs: 100 });
  const one = await asker(listen);
  one.ask("a");
  await expect.poll(() => one.heard, soon).toEqual(["a!"]);
  await expect.poll(() => traces, soon).toHaveLength(1);
  expect(traces[0]).toMatchObject({
    transport: "udp",
    client: `127.0.0.1:${one.port}`,
    target: `127.0.0.1:${port}`,
    sentBytes: 1,
    receivedBytes: 2,
    failure: null,
  });
  expect(relay.counts()).toMatchObject({ open: 0, total: 1, failed: 0 });
  one.ask("b");
  await expect.poll(() => one.heard, soon).toEqual(["a!", "b!"]);
});

test("a server that is not there is told, and found when it comes", async () => {
  const target = await freeUdpPort();
  const dead = await startForward({ host: "localhost", port: target }, { transport: "udp", idleMs: 150 });
  const one = await asker(dead.port);
  one.ask("a");
  await expect.poll(() => dead.traces[0]?.failure, soon).toBe("ECONNREFUSED");
  expect(dead.relay.counts()).toMatchObject({ open: 0, failed: 1 });
  expect(one.heard).toEqual([]);
  const waiting = await startForward({ host: "localhost", port: target }, { transport: "udp" });
  const patient = await asker(waiting.port);
  patient.ask("b");
  await expect.poll(() => waiting.relay.counts().sentBytes, soon).toBe(1);
  await answer("127.0.0.1", target);
  await expect
    .poll(
      () => {
        patient.ask("c");
        return patient.heard[0];
      },
      { ...soon, interval: 20 },
    )
    .toBe("c!");
});

test("who is stopped while its server is not there has failed, and says why", async () => {
  const target = await freeUdpPort();
  const { port: listen, relay, traces } = await startForward({ port: target }, { transport: "udp" });
  const one = await asker(listen);
  one.ask("a");
  await expect.poll(() => relay.counts().sentBytes, soon).toBe(1);
  // Sent later, refused later: by then the relay has been told.
  const probe = createSocket("udp4").on("connect", () => probe.send("b"));
  probe.connect(target, "127.0.0.1");
  await once(probe, "error");
  probe.close();
  await relay.close({ drainMs: 0 });
  expect(traces).toEqual([expect.objectContaining({ failure: "ECONNREFUSED" })]);
  expect(relay.counts()).toMatchObject({ open: 0, failed: 1 });
});

test("a server that no network leads to is told, and ends nobody else", async () => {
  // Linux lets nobody connect to the broadcast address (EACCES), as it does to a network that is gone (ENETUNREACH): before anything is sent.
  const {
    port: listen,
    relay,
    traces,
  } = await startForward({ host: "255.255.255.255", port: 9 }, { transport: "udp", idleMs: 150 });
  const one = await asker(listen);
  one.ask("a");
  await expect.poll(() => relay.counts().sentBytes, soon).toBe(1);
  one.ask("b");
  await expect.poll(() => traces[0]?.failure, soon).toMatch(/^E[A-Z]+$/);
  expect(relay.counts()).toMatchObject({ open: 0, total: 1, failed: 1, sentBytes: 2 });
});

test("what is kept for a server that never answers has a bound", async () => {
  const server = await open("127.0.0.1");
  const hub = new RelayHub();
  const { port } = server.address();
  const { port: listen, relay } = await startForward({ host: "localhost", port }, { transport: "udp", hub });
  const [one, other] = [await asker(listen), await asker(listen)];
  const datagram = Buffer.alloc(60_000);
  for (let index = 0; index < 80; index += 1) {
    const taken = once(server, "message");
    (index % 2 === 0 ? one : other).ask(datagram);
    await taken;
  }
  expect(relay.counts().sentBytes).toBe(80 * datagram.length);
  expect(hub.keptBytes).toBeGreaterThan(1024 * 1024);
  expect(hub.keptBytes).toBeLessThanOrEqual(4 * 1024 * 1024);
  await relay.close({ drainMs: 0 });
  expect(hub.keptBytes).toBe(0);
});

test("of too many clients the one that was silent for longest gives way", async () => {
  const { port } = await answer();
  const { port: listen, relay, traces } = await startForward({ port }, { transport: "udp", mostConnections: 2 });
  const [first, second, third] = [await asker(listen), await asker(listen), await asker(listen)];
  for (const [index, one] of [first, second, first, third].entries()) {
    const before = one.heard.length;
    one.ask(String(index));
    await expect.poll(() => one.heard.length, soon).toBe(before + 1);
  }
  expect(traces.map(({ client, failure }) => [client, failure])).toEqual([
    [`127.0.0.1:${second.port}`, "gave way to another client"],
  ]);
  expect(relay.counts()).toMatchObject({ open: 2, total: 3 });
});

test("relays that lead round pass nothing twice, and one after another pass it on", async () => {
  const hub = new RelayHub();
  const ports = [await freeUdpPort(), await freeUdpPort()] as const;
  const relays: RunningRelay[] = [];
  for (const [index, port] of ports.entries())
    relays.push((await startForward({ port: ports[1 - index]! }, { transport: "udp", hub, port })).relay);
  const one = await asker(ports[0]);
  one.ask("round");
  await expect.poll(() => relays.reduce((sum, relay) => sum + relay.counts().refused, 0), soon).toBe(1);
  for (const relay of relays) expect(relay.counts().sentBytes).toBe(5);

  const { port } = await answer();
  const last = await startForward({ port }, { transport: "udp", hub });
  const first = await startForward({ port: last.port }, { transport: "udp", hub });
  const other = await asker(first.port);
  other.ask("on");
  await expect.poll(() => other.heard, soon).toEqual(["on!"]);
});

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
