/**
 * @module A connection that is reset in any moment of its end is closed.
 */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { expect, test } from "vitest";
import { resetSocket } from "./reset-socket.ts";

async function pair(): Promise<{ readonly here: Socket; readonly there: Socket; readonly close: () => void }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const there = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [here] = await accepted;
  for (const socket of [here, there]) socket.on("error", () => undefined).resume();
  return {
    here,
    there,
    close: () => {
      server.close();
      here.destroy();
      there.destroy();
    },
  };
}

test.each<[string, (socket: Socket) => void, string]>([
  ["in the moment of its end", (socket) => socket.end(), "whole"],
  ["in the moment of its end, behind bytes", (socket) => socket.end("last words"), "whole"],
  ["before its end", (socket) => void socket.write("words"), "reset"],
  ["with much still to be written, and its end behind it", (socket) => socket.end(Buffer.alloc(64 << 20)), "reset"],
])("%s", async (_, act, seen) => {
  const { here, there, close } = await pair();
  try {
    const closed = once(here, "close");
    const heard = new Promise<string>((resolve) => {
      there.once("error", () => resolve("reset"));
      there.once("end", () => resolve("whole"));
    });
    act(here);
    resetSocket(here);
    await closed;
    expect(await heard).toBe(seen);
  } finally {
    close();
  }
});

test("when its end is in the kernel's hands", async () => {
  const { here, close } = await pair();
  try {
    here.end("last words");
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const closed = once(here, "close");
    resetSocket(here);
    await closed;
    expect(here.destroyed).toBe(true);
  } finally {
    close();
  }
});
