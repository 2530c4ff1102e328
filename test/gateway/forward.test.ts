/**
 * @module Forwards: bytes, ends and resets in both directions, who speaks first, limits, PROXY headers, UDP, and the command.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { forwardChooser } from "../../src/gateway/relay/forward-chooser.ts";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
import type { ForwardWish, RelayTrace } from "../../src/gateway/relay/relay-wish.ts";
import { startTcpRelay } from "../../src/gateway/relay/tcp-relay.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("a server that speaks first", async () => {
  const server = createServer((socket) => socket.on("error", () => undefined).end("220 hello\r\n"));
  await once(server.listen(0, "127.0.0.1"), "listening");
  closers.push(() => server.close());
  const hub = new RelayHub();
  const traces: RelayTrace[] = [];
  hub.listen((t) => traces.push(t));
  const wish: ForwardWish = {
    kind: "forward",
    listen: { transport: "tcp", address: "127.0.0.1", port: 0 as never },
    target: { host: "localhost", port: (server.address() as AddressInfo).port as never },
    acceptProxy: false,
    sendProxy: 1,
    idleMs: null,
    mostConnections: 2,
    mostToTarget: 100,
  };
  const relay = await startTcpRelay(wish, forwardChooser(wish), hub);
  closers.push(() => relay.close({ drainMs: 0 }));
  const one = connect(relay.place.port, "127.0.0.1");
  let heard = "";
  for await (const part of one.setEncoding("latin1")) heard += part;
  expect(heard).toBe("220 hello\r\n");
  await expect.poll(() => traces.length).toBe(1);
  console.log(traces, relay.counts());
});
