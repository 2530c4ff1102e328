/**
 * @module Two joined connections: every byte, in order, once, at whatever pace, and each kind of end as what it is.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { array, assert, asyncProperty, integer, oneof, option, record } from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joinSockets, type Joined, type JoinWish } from "../../src/gateway/engine/join.ts";

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly joined: Joined;
  readonly done: Promise<"idle" | Error | null>;
}

const closers: (() => unknown)[] = [];
let front: Server;
let back: Server;
let wish: Partial<JoinWish>;
let awaited: ((pair: Omit<Pair, "client">) => void)[];
let accepted: ((socket: Socket) => void)[];

beforeEach(async () => {
  wish = {};
  awaited = [];
  accepted = [];
  back = createServer({ allowHalfOpen: true }, (socket) => accepted.shift()!(socket));
  front = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
    const tell = awaited.shift()!;
    const server = connect({ port: portOf(back), host: "127.0.0.1", allowHalfOpen: true });
    const reached = new Promise<Socket>((resolve) => void accepted.push(resolve));
    server.once("connect", () => {
      let end: (failure: "idle" | Error | null) => void = () => undefined;
      const done = new Promise<"idle" | Error | null>((resolve) => (end = resolve));
      const joined = joinSockets(client, server, { idleMs: null, ...wish, onDone: (failure) => end(failure) });
      void reached.then((socket) => tell({ server: socket, joined, done }));
    });
  });
  for (const listener of [back, front]) {
    await once(listener.listen(0, "127.0.0.1"), "listening");
    closers.push(() => listener.close());
  }
});

afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function makePair(): Promise<Pair> {
  const made = new Promise<Omit<Pair, "client">>((resolve) => void awaited.push(resolve));
  const client = connect({ port: portOf(front), host: "127.0.0.1", allowHalfOpen: true });
  const rest = await made;
  for (const socket of [client, rest.server]) {
    socket.on("error", () => undefined);
    closers.push(() => socket.destroy());
  }
  return { client, ...rest };
}

/** Sends pieces of these sizes, no faster than they are taken, then the end. @returns what was sent, as a digest */
async function send(socket: Socket, sizes: readonly number[], seed: number): Promise<string> {
  const hash = createHash("sha256");
  let value = seed;
  for (const size of sizes) {
    const piece = Buffer.allocUnsafe(size);
    for (let index = 0; index < size; index++) {
      value = (value * 1_103_515_245 + 12_345) >>> 0;
      piece[index] = value >>> 16;
    }
    hash.update(piece);
    if (!socket.write(piece)) await once(socket, "drain");
  }
  socket.end();
  return hash.digest("hex");
}

/** Everything until the end. @param rests after so many bytes it does not read for a moment */
async function receive(socket: Socket, rests: number | null): Promise<string> {
  const hash = createHash("sha256");
  let sinceRest = 0;
  // An iterator would destroy the socket at the end of what it reads, while it may still have to send.
  socket.on("data", (piece: Buffer) => {
    hash.update(piece);
    sinceRest += piece.length;
    if (rests === null || sinceRest < rests) return;
    sinceRest = 0;
    socket.pause();
    void pause(1).then(() => socket.resume());
  });
  await once(socket, "end");
  return hash.digest("hex");
}

const sum = (sizes: readonly number[]): number => sizes.reduce((total, size) => total + size, 0);

describe("bytes", () => {
  test("of every size, in both directions at once, to readers of every pace", async () => {
    const size = oneof(
      integer({ min: 1, max: 200 }),
      integer({ min: 16_000, max: 70_000 }),
      integer({ min: 200_000, max: 1_500_000 }),
    );
    const side = record({
      sizes: array(size, { maxLength: 12 }),
      rests: option(integer({ min: 50_000, max: 500_000 })),
    });
    const runs = asyncProperty(side, side, async (up, down) => {
      const { client, server, joined, done } = await makePair();
      const [sent, answered, arrived, returned] = await Promise.all([
        send(client, up.sizes, 1),
        send(server, down.sizes, 2),
        receive(server, up.rests),
        receive(client, down.rests),
      ]);
      expect(arrived).toBe(sent);
      expect(returned).toBe(answered);
      expect(await done).toBeNull();
      expect([joined.sentBytes, joined.receivedBytes]).toEqual([sum(up.sizes), sum(down.sizes)]);
    });
    await assert(runs, { numRuns: 25 });
  });

  test("small ones after large ones after small ones", async () => {
    const { client, server } = await makePair();
    const sizes = [...Array<number>(50).fill(10), 500_000, ...Array<number>(300).fill(7), 900_000, 1];
    // Each on its own: the next is sent when the last has arrived.
    let arrivedBytes = 0;
    const arrivals = new Set<() => void>();
    server.on("data", (piece: Buffer) => {
      arrivedBytes += piece.length;
      for (const tell of arrivals) tell();
    });
    let sentBytes = 0;
    for (const size of sizes) {
      sentBytes += size;
      client.write(Buffer.alloc(size, "x"));
      await new Promise<void>((resolve) => {
        const tell = (): void => {
          if (arrivedBytes < sentBytes) return;
          arrivals.delete(tell);
          resolve();
        };
        arrivals.add(tell);
        tell();
      });
    }
    expect(arrivedBytes).toBe(sum(sizes));
  });

  test("of more connections that wait than there is memory for", async () => {
    const sizes = [400_000, 400_000, 30_000];
    const pairs = await Promise.all(Array.from({ length: 300 }, () => makePair()));
    const sent = pairs.map(({ client }, index) => send(client, sizes, index));
    // Nobody reads until as much has gone out as the kernel takes.
    const [first] = pairs;
    let before = -1;
    while (first!.joined.sentBytes !== before) {
      before = first!.joined.sentBytes;
      await pause(20);
    }
    const residentBytes = process.memoryUsage().arrayBuffers;
    const arrived = await Promise.all(
      pairs.map(({ server }) => {
        server.end();
        return receive(server, null);
      }),
    );
    expect(arrived).toEqual(await Promise.all(sent));
    console.log(`300 connections whose servers do not read: ${Math.round(residentBytes / 2 ** 20)} MiB of buffers`);
    expect(await Promise.all(pairs.map(({ done }) => done))).toEqual(pairs.map(() => null));
  });

  test("that wait to be taken are not touched by what others send", async () => {
    const [slow, lively] = [await makePair(), await makePair()];
    const answers = lively.client.resume();
    lively.server.pipe(lively.server);
    const piece = (index: number): Buffer => Buffer.alloc(12_000, String.fromCharCode(97 + (index % 26)));
    let pieces = 0;
    // One by one, so that each is read alone, until the kernel takes no more of them.
    for (let waits = 0; waits < 20;) {
      const before = slow.joined.sentBytes;
      slow.client.write(piece(pieces++));
      for (waits = 0; waits < 20 && slow.joined.sentBytes < before + 12_000; waits++) await pause(1);
      lively.client.write("!".repeat(12_000));
      await once(answers, "data");
    }
    slow.client.end();
    const sent = createHash("sha256");
    for (let index = 0; index < pieces; index++) sent.update(piece(index));
    expect(await receive(slow.server, null)).toBe(sent.digest("hex"));
  });

  test("who reads nothing stops who sends", async () => {
    const { client, joined } = await makePair();
    let written = 0;
    const piece = Buffer.alloc(256 * 1024);
    while (client.write(piece)) written += piece.length;
    for (let turn = 0; turn < 200; turn++) {
      const drained = await Promise.race([once(client, "drain").then(() => true), pause(200, false)]);
      if (!drained) break;
      client.write(piece);
      written += piece.length;
    }
    // What the kernel keeps on both sides, and not more than a few pieces here.
    expect(joined.sentBytes).toBeLessThan(200 * piece.length);
    expect(written).toBeLessThan(200 * piece.length);
  });
});

describe("ends", () => {
  test("of one side are heard by the other, which still may speak", async () => {
    for (const who of ["client", "server"] as const) {
      const { client, server, done } = await makePair();
      const [ends, stays] = who === "client" ? [client, server] : [server, client];
      ends.end("the last word");
      expect(String((await once(stays, "data"))[0])).toBe("the last word");
      await once(stays.resume(), "end");
      stays.write("an answer");
      expect(String((await once(ends, "data"))[0])).toBe("an answer");
      stays.end();
      await once(ends.resume(), "end");
      expect(await done).toBeNull();
    }
  });

  test("by a reset are a reset on the other side, and told", async () => {
    for (const who of ["client", "server"] as const) {
      const { client, server, done } = await makePair();
      const [ends, stays] = who === "client" ? [client, server] : [server, client];
      const failed = once(stays.resume(), "error");
      ends.resetAndDestroy();
      expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
      expect(await done).toMatchObject({ code: "ECONNRESET" });
    }
  });

  test("by nothing that moves for so long", async () => {
    wish = { idleMs: 150 };
    const { client, server, done } = await makePair();
    // What is ended so may have been cut off, and does not look whole.
    const heard = Promise.all([client, server].map((socket) => once(socket.resume(), "error")));
    // As long as either side speaks it is not idle.
    for (let turn = 0; turn < 5; turn++) {
      server.write("x");
      await once(client, "data");
      await pause(60);
    }
    expect(client.closed).toBe(false);
    expect(await done).toBe("idle");
    for (const [error] of await heard) expect(error).toMatchObject({ code: "ECONNRESET" });
  });

  test("by whoever joined them", async () => {
    const { client, server, joined, done } = await makePair();
    const heard = [client, server].map((socket) => once(socket.resume(), "end"));
    joined.destroy();
    expect(await done).toBeNull();
    await Promise.all(heard);
  });
});
