/**
 * @module From callbacks to a generator: work that reports as it goes, read at the reader's pace.
 */

import { setMaxListeners } from "node:events";
import { linkAbort } from "../core/index.ts";

/**
 * Yields what the work emits, in order, and returns what it resolves with. A reader that stops early aborts the work and waits
 * for its end.
 * @param work is given `emit` and a signal that fires with the caller's or when the reader stops
 */
export async function* streamEvents<Event, Result>(
  signal: AbortSignal,
  work: (emit: (event: Event) => void, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Event, Result, void> {
  const linked = linkAbort(signal);
  // Every conversation that goes on at the same time listens to it.
  setMaxListeners(0, linked.signal);
  let waiting: Event[] = [];
  let wake = (): void => undefined;
  let ended = false;
  const working = work((event) => {
    waiting.push(event);
    wake();
  }, linked.signal).finally(() => {
    ended = true;
    wake();
  });
  // A failure is told where the result is awaited, also when it comes while nobody waits.
  working.catch(() => undefined);
  try {
    for (;;) {
      const events = waiting;
      waiting = [];
      yield* events;
      if (waiting.length > 0) continue;
      if (ended) return await working;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    linked.abort();
    await working.catch(() => undefined);
  }
}
