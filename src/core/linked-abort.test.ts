import { expect, test } from "vitest";
import { linkAbort } from "./linked-abort.ts";

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

test("follows the other signal, and not the other way round", () => {
  const parent = new AbortController();
  const first = linkAbort(parent.signal);
  const second = linkAbort(parent.signal);
  first.abort();
  expect([first.signal.aborted, second.signal.aborted, parent.signal.aborted]).toEqual([true, false, false]);
  parent.abort();
  expect(second.signal.aborted).toBe(true);
  expect(linkAbort(parent.signal, 1000).signal.aborted).toBe(true);
});

test("fires at its deadline, also when garbage has been collected meanwhile", async () => {
  const started = performance.now();
  const { signal } = linkAbort(new AbortController().signal, 60);
  const aborted = whenAborted(signal);
  const litter = setInterval(() => {
    Array.from({ length: 100_000 }, (_, number) => ({ number }));
  }, 1);
  await aborted;
  clearInterval(litter);
  expect(performance.now() - started).toBeGreaterThan(50);
});

test("released, it hears nothing any more", () => {
  const parent = new AbortController();
  const linked = linkAbort(parent.signal, 1);
  linked.release();
  parent.abort();
  expect(linked.signal.aborted).toBe(false);
});
