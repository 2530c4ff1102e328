/**
 * @module Signals that ask this process to end, remembered for who asks later.
 */
import { constants } from "node:os";
import { endSignals } from "./end-signals.ts";

/** Signals so soon after the first are the same wish: npm passes Ctrl-C on to what has got it from the terminal already. Milliseconds. */
const sameWishMs = 400;

/** Remembers signals that ask this process to end, beside whoever else listens for them. */
export class EndWishes {
  first: NodeJS.Signals | null = null;
  #firstAtMs = 0;
  readonly #again = new AbortController();
  readonly #listeners = new Set<() => void>();
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    if (this.first !== null) {
      if (performance.now() - this.#firstAtMs > sameWishMs) this.#again.abort();
      return;
    }
    this.first = signal;
    this.#firstAtMs = performance.now();
    for (const listener of this.#listeners) listener();
  };

  constructor() {
    for (const signal of endSignals) process.on(signal, this.#onSignal);
  }

  /** Aborts with the second of them. */
  get again(): AbortSignal {
    return this.#again.signal;
  }

  /** @returns forgets the listener */
  onFirst(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.first !== null) listener();
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    for (const signal of endSignals) process.off(signal, this.#onSignal);
  }
}

/** Exit status of who ends by a signal, as shells count. */
export function statusOfSignal(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal];
}
