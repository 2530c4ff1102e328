/**
 * @module Short pauses in long synchronous work, so that an abort can arrive and timers run.
 */

/** Longest stretch without a pause, milliseconds. */
export const stretchMs = 20;

/** Meters stretches of work. */
export interface Pause {
  /** True when a stretch has lasted long enough, or when the signal was aborted already. */
  isDue(): boolean;
  /** Lets the event loop turn once; answers whether the work should stop. */
  take(): Promise<boolean>;
}

/** A clock that never jumps. `performance` would load a module of a millisecond at its first use. */
function nowMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** A meter that starts now. Without a signal nothing is ever due: there is nobody to let in. */
export function createPause(signal: AbortSignal | undefined): Pause {
  let start = nowMs();
  const isAborted = (): boolean => signal?.aborted === true;
  return {
    isDue: () => signal !== undefined && (isAborted() || nowMs() - start > stretchMs),
    async take() {
      if (isAborted()) return true;
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      start = nowMs();
      return isAborted();
    },
  };
}
