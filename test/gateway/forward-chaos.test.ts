/**
 * @module Bytes through `portolan forward` while peers stall, reset, close, die and come back at random: nothing is lost, doubled, moved or told to the
 * wrong one, a connection that was cut off looks cut off, the counters add up, and nothing stays. PORTOLAN_CHAOS_RUNS in the environment repeats it
 * with other seeds; PORTOLAN_CHAOS_SEED repeats a run; each run prints its own.
 */
import { spawn, type ChildProcess } from "node:child_process";
import type { Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { endedByReset } from "../../src/gateway/engine/reset.ts";
import { followRelays, type RelayTrace } from "../../src/gateway/index.ts";
import { bundleSource, type SourceBundle } from "../support/bundle.ts";
import { findFaults, pairUp, type ChaosPair } from "../support/chaos-check.ts";
import { playPeer, type PeerOutcome } from "../support/chaos-peer.ts";
import { drawPlan, findWrong, patternOf, seededNumbers } from "../support/chaos-plan.ts";
import { bindUdp } from "../support/listeners.ts";
import { startRelayProcess, type RelayProcess } from "../support/relay-process.ts";

const runs = Number(process.env["PORTOLAN_CHAOS_RUNS"] ?? 1);
const firstSeed = Number(process.env["PORTOLAN_CHAOS_SEED"] ?? Date.now() % 2 ** 31);
const seeds = Array.from({ length: runs }, (_, run) => firstSeed + run);
/** Servers' numbers begin there, clients' at 0. */
const firstServer = 1_000_000;
/** So many for each time that a server is started. */
const numbersOfLife = 10_000;
const longestRunMs = 40_000;

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

let bundle: SourceBundle;
beforeAll(async () => {
  bundle = await bundleSource({ server: "test/support/chaos-server.ts" });
});
afterAll(() => bundle.remove());

async function startRelay(words: readonly string[]): Promise<{ relay: RelayProcess; traces: RelayTrace[] }> {
  const relay = await startRelayProcess(words);
  closers.push(() => relay.close());
  const traces: RelayTrace[] = [];
  const following = new AbortController();
  const followed = (async () => {
    for await (const trace of followRelays(relay.folder, following.signal, () => true)) traces.push(trace);
  })();
  closers.push(async () => {
    following.abort();
    await followed;
  });
  // The first connections are not told yet; what is loaded and kept with them is no leak either.
  const play = (number: number): Promise<PeerOutcome[]> =>
    playClients(relay.ports[0]!, { seed: 1, first: 500_000 + number, count: 1, atOnce: 1 });
  for (let number = 0; traces.length === 0 && number < 500; number += 1) await play(number);
  // They are told in their order: behind this one there is none of them.
  const [last] = await play(1000);
  await expect.poll(() => traces.some(({ client }) => client === `127.0.0.1:${last!.ownPort}`)).toBe(true);
  return { relay, traces };
}

/** Plays clients, so many at once, until all numbers are used or nobody wants to go on. */
async function playClients(
  port: number,
  {
    seed,
    count,
    atOnce,
    first = 0,
    goesOn = () => true,
  }: { seed: number; count: number; atOnce: number; first?: number; goesOn?: () => boolean },
): Promise<PeerOutcome[]> {
  const outcomes: PeerOutcome[] = [];
  let next = first;
  const play = async (): Promise<void> => {
    while (next < first + count && goesOn()) {
      const number = next++;
      const random = seededNumbers(seed + number);
      // Every second pair comes to its own end, if the server's plan is of the same kind.
      const plan = drawPlan(random, { waits: false, orderly: number % 2 === 0 });
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const outcome = await playPeer(socket, number, plan, random);
      outcomes.push(outcome);
      // Whoever met nobody comes back a little later.
      if (outcome.otherNumber === null) await pause(5);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, play));
  return outcomes;
}

function isOrderly({ client, server }: ChaosPair): boolean {
  return client.cut === null && server.cut === null;
}

function sumOf(peers: readonly PeerOutcome[], of: "sentBytes" | "receivedBytes"): number {
  return peers.reduce((sum, peer) => sum + peer[of], 0);
}

test.each(seeds)(
  "peers that stall, reset and close: seed %i",
  async (seed) => {
    const serving: Promise<PeerOutcome>[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const number = firstServer + serving.length;
      const random = seededNumbers(seed + number);
      serving.push(playPeer(socket, number, drawPlan(random, { waits: true, orderly: number % 2 === 0 }), random));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    closers.push(() => server.close());
    const { relay, traces } = await startRelay(["forward", "0", `127.0.0.1:${(server.address() as AddressInfo).port}`]);
    const port = relay.ports[0]!;
    const before = await relay.holds();
    const [earlier] = await relay.counts();
    const served = serving.length;
    traces.length = 0;

    const clients = await playClients(port, { seed, count: 160, atOnce: 40 });
    const servers = await Promise.all(serving.slice(served));
    const { pairs, alone } = pairUp(clients, servers);
    console.log(
      `seed ${seed}: ${pairs.length} pairs, ${pairs.filter(isOrderly).length} of them orderly, ${alone.length} alone, ` +
        `${Math.round((sumOf(clients, "sentBytes") + sumOf(servers, "sentBytes")) / 1e6)} MB`,
    );
    expect(findFaults(clients, servers)).toEqual([]);
    expect(pairs.filter(isOrderly).length).toBeGreaterThan(60);
    expect(pairs.filter((pair) => !isOrderly(pair)).length).toBeGreaterThan(10);

    await expect.poll(() => traces.length).toBe(clients.length);
    checkTraces(traces, pairs);
    const [counts] = await relay.counts();
    expect(counts).toMatchObject({ open: 0, total: earlier!.total + clients.length, refused: 0 });
    for (const [from, to, moved] of [
      [clients, servers, traces.reduce((sum, { sentBytes }) => sum + sentBytes, 0)],
      [servers, clients, traces.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0)],
    ] as const) {
      expect(moved).toBeGreaterThanOrEqual(sumOf(to, "receivedBytes"));
      expect(moved).toBeLessThanOrEqual(sumOf(from, "sentBytes"));
    }
    const all = traces.reduce((sum, { sentBytes, receivedBytes }) => sum + sentBytes + receivedBytes, 0);
    const until = earlier!.sentBytes + earlier!.receivedBytes;
    expect(counts!.sentBytes + counts!.receivedBytes - until).toBe(all);

    await expect.poll(async () => (await relay.holds()).descriptors).toBe(before.descriptors);
    const after = await relay.holds();
    expect(after.resources).toEqual(before.resources);
    expect(after.outsideBytes - before.outsideBytes).toBeLessThan(2 * 1024 * 1024);
    expect(await relay.stop()).toMatchObject({ complete: true, forwards: [{ counts: { open: 0 } }] });
  },
  longestRunMs,
);

/** What the relay told of each connection whose client's port was used once. */
function checkTraces(traces: readonly RelayTrace[], pairs: readonly ChaosPair[]): void {
  const byClient = new Map<string, RelayTrace[]>();
  for (const trace of traces) byClient.set(trace.client, [...(byClient.get(trace.client) ?? []), trace]);
  let compared = 0;
  for (const pair of pairs) {
    const { client, server } = pair;
    const [trace, ...others] = byClient.get(`127.0.0.1:${client.ownPort}`) ?? [];
    if (trace === undefined || others.length > 0) continue;
    compared += 1;
    const told = JSON.stringify({ trace, client, server });
    if (isOrderly(pair)) {
      expect([trace.sentBytes, trace.receivedBytes, trace.failure], told).toEqual([
        client.sentBytes,
        server.sentBytes,
        null,
      ]);
    } else if ([client, server].some(({ cut, ended }) => cut === "reset" && !ended))
      expect(trace.failure, told).not.toBeNull();
  }
  expect(compared).toBeGreaterThan(pairs.length / 2);
}

/** A server that is killed and started again at its place. */
class MortalServer {
  readonly told: PeerOutcome[] = [];
  readonly address: string;
  readonly #seed: number;
  #port = 0;
  #first = firstServer;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(address: string, seed: number) {
    this.address = address;
    this.#seed = seed;
  }

  get port(): number {
    return this.#port;
  }

  async start(): Promise<void> {
    // Each life has numbers of its own.
    const words = [bundle.pathOf("server"), this.address, this.#port, this.#seed, (this.#first += numbersOfLife)];
    const child = spawn(process.execPath, words.map(String), { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    this.#ended = once(child, "close");
    const listening = new Promise<void>((resolve) => {
      createInterface({ input: child.stdout }).on("line", (line) => {
        const what = JSON.parse(line) as PeerOutcome & { port?: number };
        if (what.port === undefined) return void this.told.push(what);
        this.#port = what.port;
        return resolve();
      });
    });
    await Promise.race([listening, this.#ended.then(() => Promise.reject(new Error("The server did not start")))]);
  }

  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }
}

test.each(seeds)(
  "servers that are killed and come back: seed %i",
  async (seed) => {
    const random = seededNumbers(seed);
    // An address of its own, so that nobody takes the port while no server is there.
    const server = new MortalServer(`127.${1 + Math.floor(random() * 250)}.${process.pid % 250}.7`, seed);
    closers.push(() => server.kill());
    await server.start();
    const { relay, traces } = await startRelay(["forward", "0", `${server.address}:${server.port}`]);
    const port = relay.ports[0]!;
    const before = await relay.holds();
    const [earlier] = await relay.counts();
    traces.length = 0;
    let lives = 1;
    const over = new AbortController();
    const playing = playClients(port, { seed, count: 5000, atOnce: 20, goesOn: () => !over.signal.aborted });
    // Each life serves somebody to the end.
    const served = (life: number): boolean =>
      server.told.some(
        ({ number, ended, heardEnd, failure }) =>
          ended && heardEnd && failure === null && Math.floor((number - firstServer) / numbersOfLife) === life,
      );
    for (; lives <= 3; lives += 1) {
      await expect.poll(() => served(lives), { interval: 10 }).toBe(true);
      await pause(random() * 200);
      await server.kill();
      // Clients meet nobody for some time, and then a server that is just there.
      await pause(random() * 100);
      await server.start();
    }
    await expect.poll(() => served(lives), { interval: 10 }).toBe(true);
    over.abort();
    const clients = await playing;
    // Whoever is left with the last one comes to an end of its own.
    await expect.poll(async () => (await relay.counts())[0]!.open).toBe(0);
    const { pairs } = pairUp(clients, server.told);
    const ended = clients.filter((client) => pairs.some((pair) => pair.client === client));
    const lost = clients.filter((client) => !ended.includes(client));
    console.log(
      `seed ${seed}: ${lives} servers, ${clients.length} clients: ${ended.length} whose server lived, ${lost.length} whose did not`,
    );
    const met = new Set(pairs.map((pair) => pair.server));
    expect(
      findFaults(
        ended,
        server.told.filter((peer) => met.has(peer)),
      ),
    ).toEqual([]);
    for (const peer of [...lost, ...server.told]) {
      expect([peer.hung, peer.wrongAt], JSON.stringify(peer)).toEqual([false, null]);
      // A process that is killed closes its sockets, and that may look like an end; but where nothing came, nobody ended anything.
      if (peer.receivedBytes === 0 && peer.cut === null && !peer.ended)
        expect(peer.failure, JSON.stringify(peer)).not.toBeNull();
    }
    await expect.poll(() => traces.length).toBe(clients.length);
    expect((await relay.counts())[0]).toMatchObject({ open: 0, total: earlier!.total + clients.length, refused: 0 });
    await expect.poll(async () => (await relay.holds()).descriptors).toBe(before.descriptors);
    expect((await relay.holds()).resources).toEqual(before.resources);
  },
  longestRunMs,
);

test("a relay that is stopped cuts off what is open", async () => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => undefined);
    const fill = (): void => {
      if (!socket.destroyed) socket.write(patternOf(1, 0, 65_536), () => setImmediate(fill));
    };
    fill();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => server.close());
  const relay = await startRelayProcess(["forward", "0", `127.0.0.1:${(server.address() as AddressInfo).port}`]);
  closers.push(() => relay.close());
  const heard: Promise<string>[] = [];
  for (let client = 0; client < 10; client += 1) {
    const socket = connect({ port: relay.ports[0]!, host: "127.0.0.1", allowHalfOpen: true });
    // Half of them have said all that they had to say.
    if (client % 2 === 0) socket.end("done");
    heard.push(
      new Promise((resolve) => {
        socket.once("error", ({ code }: NodeJS.ErrnoException) => resolve(code ?? "error"));
        socket.once("end", () => {
          resolve(endedByReset(socket) ? "ECONNRESET" : "an end");
          socket.destroy();
        });
      }),
    );
    await once(socket, "data");
    socket.resume();
  }
  await relay.stop();
  expect(await Promise.all(heard)).toEqual(heard.map(() => "ECONNRESET"));
});

/** A datagram says who it is from, which it is, and carries the pattern of that. */
function writeDatagram(client: number, number: number, sizeBytes: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(client, 0);
  head.writeUInt32BE(number, 4);
  head.writeUInt32BE(sizeBytes, 8);
  return Buffer.concat([head, patternOf(client * 1000 + number, 0, sizeBytes)]);
}

/** What a datagram is; `null` when it is not whole. */
function readDatagram(bytes: Buffer): { client: number; number: number } | null {
  if (bytes.length < 12) return null;
  const [client, number, sizeBytes] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4), bytes.readUInt32BE(8)];
  const isWhole = bytes.length === 12 + sizeBytes && findWrong(client * 1000 + number, 0, bytes.subarray(12)) === null;
  return isWhole ? { client, number } : null;
}

test.each(seeds)(
  "datagrams arrive whole or not at all, at whom they are for: seed %i",
  async (seed) => {
    const random = seededNumbers(seed);
    const address = `127.${1 + Math.floor(random() * 250)}.${process.pid % 250}.8`;
    const faults: string[] = [];
    let port = 0;
    let taken = 0;
    let server: DatagramSocket;
    const openServer = async (): Promise<void> => {
      server = await bindUdp("udp4", address, port);
      ({ port } = server.address());
      const own = server;
      own.on("error", () => undefined);
      own.on("message", (bytes, from) => {
        const what = readDatagram(bytes);
        if (what === null) return void faults.push(`the server got ${bytes.length} bytes that are nobody's`);
        taken += 1;
        // Answers of other sizes, none, or several; the last one is what the client waits for.
        const { client, number } = what;
        for (let answer = number % 3; answer > 0; answer -= 1)
          own.send(writeDatagram(client, number, Math.floor(random() * 9000)), from.port, from.address);
        return own.send(bytes, from.port, from.address);
      });
    };
    await openServer();
    closers.push(() => server.close());
    const relay = await startRelayProcess(["forward", "0/udp", `${address}:${port}`, "--idle", "1s"]);
    closers.push(() => relay.close());
    const before = await relay.holds();
    const over = new AbortController();
    let answered = 0;
    const clients = Array.from({ length: 30 }, async (_, client) => {
      const socket = await bindUdp("udp4", "127.0.0.1");
      let wake: () => void = () => undefined;
      const got = new Set<number>();
      socket.on("error", () => undefined);
      socket.on("message", (bytes) => {
        const what = readDatagram(bytes);
        if (what === null) faults.push(`client ${client} got ${bytes.length} bytes that are nobody's`);
        else if (what.client !== client) faults.push(`client ${client} got what is for ${what.client}`);
        else got.add(what.number);
        answered += 1;
        wake();
      });
      const ask = async (number: number, sizeBytes: number): Promise<void> => {
        const answer = new Promise<void>((resolve) => (wake = resolve));
        socket.send(writeDatagram(client, number, sizeBytes), relay.ports[0]!, "127.0.0.1");
        await Promise.race([answer, pause(30)]);
      };
      let number = 0;
      while (!over.signal.aborted) {
        const most = [0, 100, 1400, 9000, 65_495][Math.floor(random() * 5)]!;
        await ask(number++, Math.floor(random() * (most + 1)));
        if (random() < 0.1) await pause(random() * 20);
      }
      // The server is there to stay now, and everybody reaches it.
      for (let attempt = 0; attempt < 300 && !got.has(number); attempt += 1) await ask(number, 1000);
      socket.close();
      return got.has(number);
    });
    for (let life = 0; life < 3; life += 1) {
      await pause(100 + random() * 200);
      await new Promise<void>((resolve) => server.close(resolve));
      await pause(random() * 100);
      await openServer();
    }
    await pause(100);
    over.abort();
    expect(await Promise.all(clients)).toEqual(clients.map(() => true));
    console.log(`seed ${seed}: ${taken} datagrams taken, ${answered} answers`);
    expect(faults).toEqual([]);
    const [counts] = await relay.counts();
    expect(counts).toMatchObject({ total: 30, refused: 0 });
    // Nobody says that an exchange is over: the time without a word does.
    await expect.poll(async () => (await relay.counts())[0]!.open).toBe(0);
    await expect.poll(async () => (await relay.holds()).descriptors).toBe(before.descriptors);
    expect((await relay.holds()).resources).toEqual(before.resources);
  },
  longestRunMs,
);
