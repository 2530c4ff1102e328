/**
 * @module Forwards of TCP: bytes, ends and resets in both directions, who speaks first, limits, choosers and circles.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { resetSocket } from "../../src/gateway/engine/reset.ts";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
import type { Chooser, RelayReason } from "../../src/gateway/relay/relay-wish.ts";
import { closeAll, freePort, serve, startForward, talk, type Client, type TestRelay } from "../support/relays.ts";

afterEach(closeAll);

const echo = (socket: Socket): void => void socket.pipe(socket);
const soon = { timeout: 5000 };

describe("bytes", () => {
  test.each([
    ["127.0.0.1", "localhost", "127.0.0.1"],
    ["127.0.0.1", "localhost", "::1"],
    ["::1", "127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "::1", "::1"],
  ])("from %s to %s, where a server at %s speaks first", async (address, host, at) => {
    const port = await serve((socket) => socket.end("220 hello\r\n"), at);
    const { port: listen, relay, traces } = await startForward({ host, port }, { address });
    const client = talk(listen, "", address);
    await once(client.socket, "end");
    expect(client.heard).toBe("220 hello\r\n");
    client.socket.end();
    expect(await client.over).toBe("");
    await expect.poll(() => traces, soon).toHaveLength(1);
    expect(traces[0]).toMatchObject({
      kind: "forward",
      transport: "tcp",
      reason: { protocol: null, name: null, alpn: [], rule: "forward" },
      receivedBytes: 11,
      sentBytes: 0,
      failure: null,
    });
    expect(relay.counts()).toMatchObject({ open: 0, total: 1, refused: 0, failed: 0, receivedBytes: 11 });
  });

  test("every address takes IPv4 and IPv6", async () => {
    const port = await serve(echo);
    const { port: listen, traces } = await startForward({ port }, { address: "::" });
    for (const host of ["127.0.0.1", "::1"]) {
      const client = talk(listen, "hello", host);
      client.socket.end();
      expect(await client.over).toBe("");
      expect(client.heard).toBe("hello");
    }
    await expect.poll(() => traces, soon).toHaveLength(2);
    expect(traces.map(({ client }) => client.replace(/\d+$/, ""))).toEqual(["127.0.0.1:", "[::1]:"]);
  });

  test("16 MiB go there and back unharmed", async () => {
    const port = await serve(echo);
    const { port: listen, relay } = await startForward({ port });
    const bytes = randomBytes(16 * 1024 * 1024);
    const client = talk(listen);
    client.socket.removeAllListeners("data");
    client.socket.setEncoding("binary");
    const hash = createHash("sha256");
    client.socket.on("data", (part: string) => hash.update(part, "latin1"));
    client.socket.end(bytes);
    expect(await client.over).toBe("");
    expect(hash.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
    await expect
      .poll(() => relay.counts(), soon)
      .toMatchObject({ open: 0, receivedBytes: bytes.length, sentBytes: bytes.length });
  });

  test("a client that has said all gets its answer", async () => {
    const asked: string[] = [];
    const port = await serve((socket) => {
      socket.setEncoding("latin1").on("data", (part: string) => asked.push(part));
      socket.once("end", () => socket.end(`answer to ${asked.join("")}`));
    });
    const { port: listen } = await startForward({ port });
    const client = talk(listen, "question");
    client.socket.end();
    expect(await client.over).toBe("");
    expect(client.heard).toBe("answer to question");
  });

  test("a server that has said all goes on hearing", async () => {
    let heard = "";
    let over!: () => void;
    const heardAll = new Promise<void>((resolve) => (over = resolve));
    const port = await serve((socket) => {
      socket.end("that is all");
      socket.setEncoding("latin1").on("data", (part: string) => (heard += part));
      socket.once("end", over);
    });
    const { port: listen } = await startForward({ port });
    const client = talk(listen);
    await once(client.socket, "end");
    expect(client.heard).toBe("that is all");
    client.socket.write("not ");
    client.socket.end("for me");
    await heardAll;
    expect(heard).toBe("not for me");
    expect(await client.over).toBe("");
  });

  test("who does not read holds the other side up, and gets every byte in the end", async () => {
    const piece = Buffer.alloc(64 * 1024, "x");
    let sent = 0;
    let stalled = false;
    const state = { stop: false };
    const port = await serve((socket) => {
      const write = (): void => {
        stalled = false;
        while (!state.stop) {
          sent += piece.length;
          if (!socket.write(piece)) {
            stalled = true;
            return void socket.once("drain", write);
          }
        }
        socket.end();
      };
      write();
    });
    const { port: listen, relay } = await startForward({ port });
    const client = talk(listen);
    client.socket.pause();
    // Stands still: as much at one look as at the one before.
    let before = -1;
    await expect
      .poll(
        () => {
          const same = stalled && sent === before && sent > piece.length;
          before = sent;
          return same;
        },
        { timeout: 10_000, interval: 200 },
      )
      .toBe(true);
    // What the kernel holds of both connections, and next to nothing here.
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    expect(relay.counts().open).toBe(1);
    state.stop = true;
    client.socket.resume();
    await once(client.socket, "end");
    expect(client.heard.length).toBe(sent);
    client.socket.end();
  });
});

describe("what breaks off", () => {
  test("a reset of the client is one for the server", async () => {
    let code: string | undefined;
    const port = await serve((socket) =>
      socket.on("error", (error: NodeJS.ErrnoException) => (code = error.code)).resume(),
    );
    const { port: listen, relay, traces } = await startForward({ port });
    const client = talk(listen, "hello");
    await expect.poll(() => relay.counts().sentBytes, soon).toBe(5);
    client.socket.resetAndDestroy();
    await expect.poll(() => code, soon).toBe("ECONNRESET");
    await expect.poll(() => traces[0]?.failure, soon).toBe("ECONNRESET");
    expect(relay.counts()).toMatchObject({ open: 0, failed: 1, refused: 0 });
  });

  test("a reset of the server is one for the client", async () => {
    const port = await serve((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const { port: listen, traces } = await startForward({ port });
    expect(await talk(listen, "hello").over).toBe("ECONNRESET");
    await expect.poll(() => traces[0]?.failure, soon).toBe("ECONNRESET");
  });

  test("nobody at the target is a reset, and told", async () => {
    const target = { host: "localhost", port: await freePort() };
    const { port: listen, relay, traces } = await startForward(target);
    const client = talk(listen);
    expect(await client.over).toBe("ECONNRESET");
    expect(client.heard).toBe("");
    await expect.poll(() => traces, soon).toHaveLength(1);
    expect(traces[0]).toMatchObject({ failure: "ECONNREFUSED", target: `localhost:${target.port}` });
    expect(relay.counts()).toMatchObject({ total: 1, failed: 1, open: 0 });
  });

  test("silence ends both when it was asked to", async () => {
    const port = await serve(echo);
    const { port: listen, traces, relay } = await startForward({ port }, { idleMs: 60 });
    const client = talk(listen, "a");
    // What came may not be all there is: it is no end.
    expect(await client.over).toBe("ECONNRESET");
    await expect.poll(() => traces[0]?.failure, soon).toBe("idle");
    expect(client.heard).toBe("a");
    expect(relay.counts()).toMatchObject({ failed: 0, refused: 0 });
  });

  test("what is just ending is closed as well", async () => {
    const port = await serve(echo);
    const { port: listen, relay } = await startForward({ port });
    // Whichever moment of its end each of them is in.
    for (let round = 0; round < 30; round += 1) {
      const client = talk(listen, "a");
      await expect.poll(() => client.heard, soon).toBe("a");
      client.socket.end();
      resetSocket(client.socket);
      expect(await client.over).toBe("");
    }
    await expect.poll(() => relay.counts().open, soon).toBe(0);
    const clients = Array.from({ length: 50 }, () => talk(listen, "a"));
    await expect.poll(() => clients.map(({ heard }) => heard).join("").length, soon).toBe(clients.length);
    for (const { socket } of clients) socket.end();
    await expect.poll(() => clients.some(({ socket }) => socket.readableEnded), { ...soon, interval: 1 }).toBe(true);
    await relay.close({ drainMs: 0 });
    expect(relay.counts().open).toBe(0);
  });

  test("closing resets what is open, or waits for it", async () => {
    const port = await serve(echo);
    const { port: listen, relay, traces } = await startForward({ port });
    const stays = talk(listen, "a");
    await expect.poll(() => stays.heard, soon).toBe("a");
    await relay.close({ drainMs: 0 });
    expect(await stays.over).toBe("ECONNRESET");
    expect(traces[0]?.failure).toBe("stopped");
    expect(await talk(listen).over).toBe("ECONNREFUSED");

    const other = await startForward({ port });
    const goes = talk(other.port, "a");
    await expect.poll(() => goes.heard, soon).toBe("a");
    const closed = other.relay.close({ drainMs: 60_000 });
    goes.socket.end("b");
    expect(await goes.over).toBe("");
    expect(goes.heard).toBe("ab");
    await closed;
  });
});

describe("limits", () => {
  test("of a listener: who is too many waits in the kernel's queue, and is served then", async () => {
    const port = await serve(echo);
    const { port: listen, relay } = await startForward({ port }, { mostConnections: 2 });
    const [first, second, third] = [talk(listen, "1"), talk(listen, "2"), talk(listen, "3")];
    const heard = (): string => [first, second, third].map((client) => client!.heard).join("");
    await expect.poll(() => [heard().length, third.socket.readyState], soon).toEqual([2, "open"]);
    expect(relay.counts()).toMatchObject({ open: 2, total: 2, refused: 0 });
    // Whichever was let in goes.
    const inside = [first, second, third].find((client) => client.heard !== "")!;
    inside.socket.end();
    await expect.poll(() => heard().length, soon).toBe(3);
    expect(relay.counts()).toMatchObject({ open: 2, total: 3, refused: 0 });
    for (let round = 0; round < 20; round += 1) {
      const more = [talk(listen, "x"), talk(listen, "y")];
      for (const client of [first, second, third]) client.socket.end();
      for (const client of more) {
        await expect.poll(() => client.heard.length, soon).toBe(1);
        client.socket.end();
        expect(await client.over).toBe("");
      }
    }
    expect(relay.counts()).toMatchObject({ total: 43, refused: 0, failed: 0 });
  });

  test("of a target: who is too many is refused", async () => {
    const port = await serve(echo);
    const { port: listen, relay, traces } = await startForward({ port }, { mostToTarget: 1 });
    const first = talk(listen, "1");
    await expect.poll(() => first.heard, soon).toBe("1");
    expect(await talk(listen, "2").over).toBe("ECONNRESET");
    await expect.poll(() => traces, soon).toHaveLength(1);
    expect(traces[0]).toMatchObject({ failure: `too many connections to 127.0.0.1:${port}`, target: null });
    expect(relay.counts()).toMatchObject({ refused: 1, open: 1, targets: [{ open: 1, total: 1 }] });
  });
});

describe("choosers", () => {
  const reason: RelayReason = { protocol: "letters", name: null, alpn: [], rule: "1" };

  /** Waits for four letters; what is silent or ends before goes with what there is. */
  function letters(port: number): Chooser {
    const target = { host: "127.0.0.1", port: port as never };
    return {
      waitMs: 80,
      choose: (bytes, state) => {
        if (bytes.length < 4 && state === "open") return { kind: "more" };
        if (Buffer.from(bytes).toString("latin1").startsWith("nono")) return { kind: "close", reason };
        return { kind: "target", target, sendProxy: null, reason: { ...reason, rule: state } };
      },
    };
  }

  async function start(): Promise<Awaited<ReturnType<typeof startForward>>> {
    const port = await serve(echo);
    return startForward({ port }, { chooser: letters(port) });
  }

  test("what they looked at reaches the server, with what comes behind it", async () => {
    const { port, traces } = await start();
    const client = talk(port);
    client.socket.setNoDelay(true);
    for (const letter of "abcdefgh") {
      client.socket.write(letter);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await expect.poll(() => client.heard, soon).toBe("abcdefgh");
    client.socket.end("!");
    expect(await client.over).toBe("");
    expect(client.heard).toBe("abcdefgh!");
    await expect
      .poll(() => traces[0], soon)
      .toMatchObject({ sentBytes: 9, receivedBytes: 9, reason: { rule: "open" } });
  });

  test("who says nothing, or stops in between", async () => {
    const { port, traces } = await start();
    const [silent, halfway] = [talk(port), talk(port, "ab")];
    await expect.poll(() => halfway.heard, soon).toBe("ab");
    halfway.socket.end();
    await expect.poll(() => traces[0]?.reason.rule, soon).toBe("silent");
    silent.socket.end("late");
    expect(await silent.over).toBe("");
    expect(silent.heard).toBe("late");
  });

  test.each(["ab", "abcd", ""])("who says %j and ends", async (text) => {
    const { port, traces } = await start();
    const client = talk(port, text);
    client.socket.end();
    expect(await client.over).toBe("");
    expect(client.heard).toBe(text);
    await expect.poll(() => traces[0]?.failure, soon).toBeNull();
  });

  test("what fits nowhere is ended, and told", async () => {
    const { port, traces, relay } = await start();
    expect(await talk(port, "nono").over).toBe("ECONNRESET");
    await expect.poll(() => traces[0], soon).toMatchObject({ target: null, failure: "nothing fits", reason });
    expect(relay.counts()).toMatchObject({ refused: 1, failed: 0 });
  });

  test("who says much that decides nothing is not read without end", async () => {
    const chooser: Chooser = { waitMs: 60_000, choose: () => ({ kind: "more" }) };
    const { port, traces, relay } = await startForward({ port: await serve(echo) }, { chooser });
    expect(await talk(port, Buffer.alloc(1024 * 1024, "x")).over).toMatch(/^ECONNRESET|EPIPE$/);
    await expect.poll(() => traces[0], soon).toMatchObject({ target: null, failure: "nothing was chosen" });
    expect(relay.counts()).toMatchObject({ refused: 1, open: 0 });
  });

  test("a client that goes away before it is decided", async () => {
    const { port, traces, relay } = await start();
    const client = talk(port, "a");
    await expect.poll(() => relay.counts().open, soon).toBe(1);
    client.socket.resetAndDestroy();
    await expect.poll(() => traces[0]?.failure, soon).toBe("ECONNRESET");
    expect(relay.counts()).toMatchObject({ open: 0, failed: 1 });
  });
});

describe("circles", () => {
  test("one relay after another is none", async () => {
    const hub = new RelayHub();
    const port = await serve(echo);
    const last = await startForward({ port }, { hub });
    const middle = await startForward({ port: last.port }, { hub });
    const first = await startForward({ port: middle.port }, { hub });
    const client = talk(first.port, "hello");
    client.socket.end();
    expect(await client.over).toBe("");
    expect(client.heard).toBe("hello");
  });

  test.each([1, 2, 3])("%i relays that lead round end what comes", async (count) => {
    const hub = new RelayHub();
    const ports = [];
    for (let index = 0; index < count; index += 1) ports.push(await freePort());
    const relays: TestRelay[] = [];
    for (const [index, port] of ports.entries())
      relays.push(await startForward({ host: "localhost", port: ports[(index + 1) % count]! }, { hub, port }));
    const clients: Client[] = ports.map((port) => talk(port, "round"));
    for (const client of clients) expect(await client.over).toBe("ECONNRESET");
    await expect.poll(() => relays.map(({ relay }) => relay.counts().open), soon).toEqual(ports.map(() => 0));
    expect(relays.flatMap(({ traces }) => traces.map(({ failure }) => failure))).toContain("loop");
    for (const { relay } of relays) expect(relay.counts().total).toBeLessThan(5 * count);
  });
});
