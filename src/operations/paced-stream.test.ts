import { expect, test } from "vitest";
import { streamPaced } from "./paced-stream.ts";

test("tells in order, and whoever tells too fast hears that it should wait, and when to go on", async () => {
  const answers: boolean[] = [];
  const stream = streamPaced<number, string>(new AbortController().signal, async ({ tell, onCaughtUp }) => {
    let next = 0;
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const tellSome = (): void => {
      while (next < 1000) {
        next += 1;
        answers.push(tell(next));
        if (answers.at(-1) === false) return;
      }
      finish();
    };
    onCaughtUp(tellSome);
    tellSome();
    await finished;
    return "done";
  });
  const told: number[] = [];
  for (;;) {
    const step = await stream.next();
    if (step.done === true) {
      expect(step.value).toBe("done");
      break;
    }
    told.push(step.value);
    // Never more than so many ahead of the reader.
    expect(answers.length - told.length).toBeLessThanOrEqual(256);
  }
  expect(told).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
  expect(answers.filter((answer) => !answer)).toHaveLength(3);
});

test("a reader that stops ends the work first", async () => {
  let ended = false;
  const stream = streamPaced<number, void>(new AbortController().signal, async ({ tell }, signal) => {
    tell(1);
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    ended = true;
  });
  await stream.next();
  await stream.return();
  expect(ended).toBe(true);
});

test("a failure is told behind what was told before it", async () => {
  const stream = streamPaced<number, void>(new AbortController().signal, ({ tell }) => {
    tell(1);
    return Promise.reject(new Error("broken"));
  });
  expect(await stream.next()).toEqual({ done: false, value: 1 });
  await expect(stream.next()).rejects.toThrow("broken");
});
