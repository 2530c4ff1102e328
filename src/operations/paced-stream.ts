/**
 * @module From callbacks to a generator, with a say for whoever tells too fast: what many programs print must not gather here.
 */
import { linkAbort } from "../core/index.ts";

/** Where events go in. */
export interface PacedChannel<Event> {
  /** Takes the event in any case. @returns false when the reader is behind: tell no more until it has caught up */
  readonly tell: (event: Event) => boolean;
  /** Calls it each time the reader has caught up. */
  readonly onCaughtUp: (act: () => void) => void;
}

/** From so many events on that nobody has read yet the reader is behind. */
const mostWaiting = 256;

/**
 * Yields what the work tells, in order, and returns what it resolves with. A reader that stops early aborts the work and waits for its end.
 * @param work is given the channel, and a signal that fires with the caller's or when the reader stops
 */
export async function* streamPaced<Event, Result>(
  signal: AbortSignal,
  work: (channel: PacedChannel<Event>, signal: AbortSignal) => Promise<Result>,
): AsyncGenerator<Event, Result, void> {
  const linked = linkAbort(signal);
  const actions: (() => void)[] = [];
  let waiting: Event[] = [];
  let unread = 0;
  let behind = false;
  let ended = false;
  let wake = (): void => undefined;
  const tell = (event: Event): boolean => {
    waiting.push(event);
    unread += 1;
    behind ||= unread >= mostWaiting;
    wake();
    return !behind;
  };
  const working = work({ tell, onCaughtUp: (act) => void actions.push(act) }, linked.signal).finally(() => {
    ended = true;
    wake();
  });
  // A failure is told where the result is awaited, also when it comes while nobody waits.
  working.catch(() => undefined);
  try {
    for (;;) {
      const events = waiting;
      waiting = [];
      for (const event of events) {
        yield event;
        unread -= 1;
      }
      if (waiting.length > 0) continue;
      if (behind) {
        behind = false;
        for (const act of actions) act();
        continue;
      }
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
