/**
 * @module From callbacks to a generator, and from two generators to one: work that reports as it goes, read at the reader's pace.
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

/**
 * Yields what both tell, as it comes, and returns what the first returns; the second is then ended. Neither goes on before what it told
 * was taken, so that a slow reader slows both and nothing gathers.
 * @param stop makes both end soon: a generator that waits for something does not hear that nobody reads it any more
 */
export async function* mergeEvents<First, Second, Result>(
  first: AsyncGenerator<First, Result, void>,
  second: AsyncGenerator<Second, unknown, void>,
  stop: () => void,
): AsyncGenerator<First | Second, Result, void> {
  let wake = (): void => undefined;
  const called = (): void => wake();
  let firstStep = startStep(first, called);
  let secondStep: Step<Second, unknown> | null = startStep(second, called);
  try {
    for (;;) {
      const firstOutcome = firstStep.outcome;
      if (firstOutcome !== null) {
        const step = unwrap(firstOutcome);
        if (step.done === true) return step.value;
        yield step.value;
        firstStep = startStep(first, called);
        continue;
      }
      const secondOutcome: Outcome<Second, unknown> | null = secondStep?.outcome ?? null;
      if (secondOutcome !== null) {
        const step = unwrap(secondOutcome);
        secondStep = null;
        if (step.done === true) continue;
        yield step.value;
        secondStep = startStep(second, called);
        continue;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stop();
    await Promise.allSettled([first.return(undefined as never), second.return(undefined)]);
  }
}

type Outcome<Value, Result> = { readonly step: IteratorResult<Value, Result> } | { readonly error: unknown };

/** One step of a generator that is on its way; `outcome` is filled when it has come. */
interface Step<Value, Result> {
  outcome: Outcome<Value, Result> | null;
}

function startStep<Value, Result>(
  generator: AsyncGenerator<Value, Result, void>,
  onSettled: () => void,
): Step<Value, Result> {
  const started: Step<Value, Result> = { outcome: null };
  void settle(generator, started, onSettled);
  return started;
}

async function settle<Value, Result>(
  generator: AsyncGenerator<Value, Result, void>,
  started: Step<Value, Result>,
  onSettled: () => void,
): Promise<void> {
  try {
    started.outcome = { step: await generator.next() };
  } catch (error) {
    started.outcome = { error };
  }
  onSettled();
}

function unwrap<Value, Result>(outcome: Outcome<Value, Result>): IteratorResult<Value, Result> {
  if ("error" in outcome) throw outcome.error;
  return outcome.step;
}
