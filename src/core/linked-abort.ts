/**
 * @module Work that ends with somebody else's signal, or earlier. In place of `AbortSignal.any` and `AbortSignal.timeout`, which several
 * versions of Node forget when garbage is collected, so that they never fire (nodejs/node issues 57736 and 65995).
 */

/** A signal of its own that follows another. */
export interface LinkedAbort {
  readonly signal: AbortSignal;
  /** Ends the work, whatever the other signal says. */
  readonly abort: () => void;
  /** Forgets the other signal and the deadline, when the work has ended by itself. */
  readonly release: () => void;
}

/**
 * Follows a signal.
 * @param timeoutMs aborts after so many milliseconds as well; no limit by default
 */
export function linkAbort(parent: AbortSignal, timeoutMs?: number): LinkedAbort {
  const controller = new AbortController();
  const abort = (): void => {
    release();
    controller.abort();
  };
  const timer = timeoutMs === undefined ? undefined : setTimeout(abort, timeoutMs);
  const release = (): void => {
    clearTimeout(timer);
    parent.removeEventListener("abort", abort);
  };
  if (parent.aborted) abort();
  else parent.addEventListener("abort", abort, { once: true });
  return { signal: controller.signal, abort, release };
}
