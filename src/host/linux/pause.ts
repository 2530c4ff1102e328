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

/** A meter that starts now. Without a signal nothing is ever due: there is nobody to let in. */
export function createPause(signal: AbortSignal | undefined): Pause {
  let start = performance.now();
  const isAborted = (): boolean => signal?.aborted === true;
  return {
    isDue: () => signal !== undefined && (isAborted() || performance.now() - start > stretchMs),
    async take() {
      if (isAborted()) return true;
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
      start = performance.now();
      return isAborted();
    },
  };
}
