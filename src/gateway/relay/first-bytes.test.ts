/**
 * @module How long a client is waited for: silence, slowness, and who would go on for ever. The clock is the test's.
 */
import type { Socket } from "node:net";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { readFirstBytes, type FirstBytes } from "./first-bytes.ts";
import type { Chooser, RelayReason } from "./relay-wish.ts";

const reason: RelayReason = { protocol: null, name: null, alpn: [], rule: "a line" };

/** Wants a line; what it was asked with is kept. */
function lineChooser(waitMs: number): Chooser & { readonly states: string[] } {
  const states: string[] = [];
  return {
    waitMs,
    states,
    choose: (bytes, state) => {
      states.push(`${bytes.length} ${state}`);
      return bytes.includes(10) || state !== "open" ? { kind: "close", reason } : { kind: "more" };
    },
  };
}

/** Nothing of a socket is used here but that it is a stream. */
function listenTo(chooser: Chooser, acceptProxy = false) {
  const socket = new PassThrough();
  const heard: FirstBytes[] = [];
  readFirstBytes(
    socket as unknown as Socket,
    { chooser, acceptProxy, proxyMs: 5000 },
    (first) => void heard.push(first),
  );
  const say = async (text: string): Promise<void> => {
    socket.write(text);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { socket, heard, say };
}

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

test("who says nothing is silent when the wait is over, and not before", async () => {
  const chooser = lineChooser(3000);
  const { heard } = listenTo(chooser);
  await vi.advanceTimersByTimeAsync(2999);
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect([heard.length, chooser.states]).toEqual([1, ["0 silent"]]);
});

test("who goes on is slow and not silent: each piece gives the wait anew", async () => {
  const chooser = lineChooser(500);
  const { heard, say } = listenTo(chooser);
  for (const piece of ["a", "b", "c", "d"]) {
    await vi.advanceTimersByTimeAsync(400);
    await say(piece);
  }
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(400);
  await say("\n");
  expect(heard).toMatchObject([{ kind: "chosen", bytes: Buffer.from("abcd\n") }]);
  expect(chooser.states.at(-1)).toBe("5 open");
});

test("who stops in the middle is waited for once more, and who never comes to an end for 30 s", async () => {
  const stopped = lineChooser(500);
  const one = listenTo(stopped);
  await vi.advanceTimersByTimeAsync(400);
  await one.say("a");
  await vi.advanceTimersByTimeAsync(499);
  expect(one.heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect([one.heard.length, stopped.states.at(-1)]).toEqual([1, "1 silent"]);

  const endless = lineChooser(500);
  const other = listenTo(endless);
  for (let count = 0; count < 100 && other.heard.length === 0; count += 1) {
    await other.say("a");
    await vi.advanceTimersByTimeAsync(400);
  }
  expect([other.heard.length, endless.states.at(-1)]).toEqual([1, "75 silent"]);
});

test("behind a PROXY header the wait begins with the header's end", async () => {
  const chooser = lineChooser(500);
  const { heard, say } = listenTo(chooser, true);
  await vi.advanceTimersByTimeAsync(4000);
  await say("PROXY UNKNOWN\r\n");
  await vi.advanceTimersByTimeAsync(499);
  expect(heard).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect([heard.length, chooser.states]).toEqual([1, ["0 open", "0 silent"]]);
});
