import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectSecurely, createServer as createSecureServer, type TLSSocket } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { joinSockets } from "./join.ts";
import { endedByReset, resetSocket } from "./reset.ts";

const closers: (() => unknown)[] = [];
afterEach(() => {
  for (const close of closers.splice(0).toReversed()) close();
});

/** Both ends of one connection, unread and half open. */
async function openPair(): Promise<{ near: Socket; far: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [[near]] = (await Promise.all([once(server, "connection"), once(far, "connect")])) as [[Socket], unknown];
  server.close();
  closers.push(() => {
    near.destroy();
    far.destroy();
  });
  return { near, far };
}

/** What a socket hears until it is closed. */
function hear(socket: Socket): Promise<{ bytes: number; end: boolean; failure: string | null }> {
  const heard = { bytes: 0, end: false, failure: null as string | null };
  socket.on("data", (part: Buffer) => (heard.bytes += part.length));
  socket.on("end", () => {
    if (endedByReset(socket)) heard.failure = "ECONNRESET";
    else heard.end = true;
    socket.destroy();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => (heard.failure = error.code ?? error.message));
  return new Promise((resolve) => socket.once("close", () => resolve(heard)));
}

test.each(["reset", "end"] as const)("a %s that came together with bytes is told as what it is", async (how) => {
  const [client, server] = [await openPair(), await openPair()];
  client.far.write("the last words");
  if (how === "reset") client.far.resetAndDestroy();
  else client.far.end();
  if (how === "reset") await once(client.far, "close");
  else await once(client.far, "finish");
  // Both are there before the first byte is read.
  const heard = hear(server.far);
  const done = new Promise((resolve) => void joinSockets(client.near, server.near, { idleMs: null, onDone: resolve }));
  if (how === "reset") {
    expect(await heard).toMatchObject({ end: false, failure: "ECONNRESET" });
    expect(await done).toBeInstanceOf(Error);
  } else {
    client.far.resume();
    expect(await heard).toEqual({ bytes: 14, end: true, failure: null });
    expect(await done).toBeNull();
  }
});

test.each(["in the same moment", "a turn of the loop later"])(
  "a reset %s as the end is sent leaves nothing open",
  async (when) => {
    const { near, far } = await openPair();
    const closed = once(near, "close");
    const heard = hear(far);
    near.end("words");
    if (when !== "in the same moment") await new Promise((resolve) => setImmediate(resolve));
    resetSocket(near);
    await closed;
    await heard;
  },
);

test("a reset does not wait for who does not read", async () => {
  const { near, far } = await openPair();
  near.on("error", () => undefined);
  far.pause();
  while (near.write(Buffer.alloc(1_000_000)));
  expect(near.writableLength).toBeGreaterThan(0);
  near.end();
  resetSocket(near);
  const heard = hear(far);
  await once(near, "close");
  far.resume();
  expect(await heard).toMatchObject({ end: false, failure: "ECONNRESET" });
});

test("a reset of the server closes a client that speaks TLS, and throws nothing", async () => {
  const server = await openPair();
  const key = Buffer.alloc(16, 7);
  const terms = { ciphers: "PSK", minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
  const listener = createSecureServer({ ...terms, pskCallback: () => key }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  closers.push(() => listener.close());
  const far = connectSecurely({
    ...terms,
    port: (listener.address() as AddressInfo).port,
    host: "127.0.0.1",
    pskCallback: () => ({ psk: key, identity: "test" }),
    checkServerIdentity: () => undefined,
  });
  closers.push(() => far.destroy());
  far.on("error", () => undefined).resume();
  const [near] = (await once(listener, "secureConnection")) as [TLSSocket];
  const done = new Promise((resolve) => void joinSockets(near, server.near, { idleMs: null, onDone: resolve }));
  const closed = once(far, "close");
  server.far.resetAndDestroy();
  expect(await done).toMatchObject({ code: "ECONNRESET" });
  await closed;
});
