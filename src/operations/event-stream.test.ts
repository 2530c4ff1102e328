import { expect, test } from "vitest";
import { streamEvents } from "./event-stream.ts";

const never = new AbortController().signal;

test("events come in order, then the result", async () => {
  const stream = streamEvents<number, string>(never, async (emit) => {
    emit(1);
    emit(2);
    await Promise.resolve();
    emit(3);
    return "done";
  });
  const events: number[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done === true) {
      expect(step.value).toBe("done");
      break;
    }
    events.push(step.value);
  }
  expect(events).toEqual([1, 2, 3]);
});

test("a failure reaches the reader after the events before it", async () => {
  const stream = streamEvents<number, string>(never, async (emit) => {
    emit(1);
    throw new Error("broken");
  });
  expect(await stream.next()).toEqual({ done: false, value: 1 });
  await expect(stream.next()).rejects.toThrow("broken");
});

test("a reader that stops early ends the work", async () => {
  let stopped = false;
  const stream = streamEvents<number, string>(never, async (emit, signal) => {
    emit(1);
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    stopped = true;
    return "stopped";
  });
  await stream.next();
  await stream.return("");
  expect(stopped).toBe(true);
});

test("the caller's signal reaches the work", async () => {
  const abort = new AbortController();
  const stream = streamEvents<never, boolean>(abort.signal, async (_emit, signal) => {
    abort.abort();
    return signal.aborted;
  });
  expect(await stream.next()).toEqual({ done: true, value: true });
});
