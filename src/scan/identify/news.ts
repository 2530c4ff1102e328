/**
 * @module Waits for something to happen on a connection, for some time, or until all is stopped.
 */

/** One waiter at a time. */
export class News {
  readonly #signal: AbortSignal;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /** Something happened: who waits goes on. */
  tell(): void {
    this.#wake?.();
  }

  /** Resolves at the next news, after `patienceMs`, or at an abort. */
  wait(patienceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#signal.removeEventListener("abort", done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      this.#wake = done;
      if (this.#signal.aborted) done();
      else this.#signal.addEventListener("abort", done);
    });
  }
}
