import { expect, test } from "vitest";
import { mergeEvents, streamEvents } from "./event-stream.ts";

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

/** A generator that tells what it is given, when it is given it. */
function makeSource<Value>() {
  const waiting: Value[] = [];
  let wake = (): void => undefined;
  let ended = false;
  let taken = 0;
  const source = (async function* (): AsyncGenerator<Value, string, void> {
    try {
      for (;;) {
        while (waiting.length > 0) {
          taken += 1;
          yield waiting.shift()!;
        }
        if (ended) return "over";
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      ended = true;
    }
  })();
  return {
    source,
    taken: () => taken,
    hasEnded: () => ended,
    tell(value: Value) {
      waiting.push(value);
      wake();
    },
    end() {
      ended = true;
      wake();
    },
  };
}

test("two streams come as one, the first one's result ends both", async () => {
  const [first, second] = [makeSource<string>(), makeSource<number>()];
  const merged = mergeEvents(first.source, second.source, () => second.end());
  first.tell("a");
  expect(await merged.next()).toEqual({ done: false, value: "a" });
  second.tell(1);
  expect(await merged.next()).toEqual({ done: false, value: 1 });
  second.tell(2);
  second.tell(3);
  expect(await merged.next()).toEqual({ done: false, value: 2 });
  // What was not taken is not gone on from.
  expect(second.taken()).toBeLessThanOrEqual(2);
  first.end();
  let step = await merged.next();
  while (step.done !== true) step = await merged.next();
  expect(step.value).toBe("over");
  expect([first.hasEnded(), second.hasEnded()]).toEqual([true, true]);
});

test("a failure of either is the reader's, and ends the other", async () => {
  const first = makeSource<string>();
  first.tell("a");
  const second = (async function* (): AsyncGenerator<number, void, void> {
    yield 1;
    throw new Error("broken");
  })();
  const merged = mergeEvents(first.source, second, () => first.end());
  const values: unknown[] = [];
  await expect(
    (async () => {
      for await (const value of merged) {
        values.push(value);
        if (values.length === 2) first.end();
      }
    })(),
  ).rejects.toThrow("broken");
  expect(values).toContain(1);
});

test("a reader that goes ends both, also while they wait", async () => {
  const [first, second] = [makeSource<string>(), makeSource<number>()];
  const merged = mergeEvents(first.source, second.source, () => {
    first.end();
    second.end();
  });
  first.tell("a");
  await merged.next();
  await merged.return("left");
  expect([first.hasEnded(), second.hasEnded()]).toEqual([true, true]);
});
