/**
 * @module Tells a program of the user's each change, one at a time and in order.
 */
import { findProgram, tellProgram } from "../act/index.ts";
import { PortolanError, quote } from "../core/index.ts";
import type { FollowEvent } from "./follow.ts";
import type { OperationContext } from "./operation.ts";

/** How long a program may take for one change, milliseconds. */
const deadlineMs = 30_000;
/** Changes that wait for a slow program; more are merged. */
const mostWaiting = 100;

type Change = Exclude<FollowEvent, { kind: "start" }>;

/** Runs the program as changes come. */
export class ChangeNotifier {
  readonly #path: string;
  readonly #words: readonly string[];
  readonly #context: OperationContext;
  readonly #waiting: Change[] = [];
  #left = 0;
  #running: Promise<void> | undefined;
  #failure: string | null = null;

  /** @throws ARGUMENT_INVALID without a program; COMMAND_NOT_FOUND */
  constructor([program, ...words]: readonly string[], context: OperationContext) {
    if (program === undefined || program === "") {
      throw new PortolanError("ARGUMENT_INVALID", "--on-change needs a program: --on-change -- PROGRAM ARGS", {
        details: { argument: "onChange" },
      });
    }
    const path = findProgram(program, context.environment);
    if (path === undefined) {
      throw new PortolanError("COMMAND_NOT_FOUND", `There is no program ${quote(program)}.`, { details: { program } });
    }
    this.#path = path;
    this.#words = words;
    this.#context = context;
  }

  /** What went wrong with the program since this was asked last; `null` for nothing. */
  takeFailure(): string | null {
    const failure = this.#failure;
    this.#failure = null;
    return failure;
  }

  /** Tells a change, as soon as the program is free. */
  tell(change: Change): void {
    if (this.#waiting.length === mostWaiting) {
      this.#waiting.shift();
      this.#left += 1;
    }
    this.#waiting.push(change);
    this.#running ??= this.#work();
  }

  /** Waits for the program that runs; the aborted signal has ended it. */
  async close(): Promise<void> {
    this.#waiting.length = 0;
    await this.#running;
  }

  async #work(): Promise<void> {
    let failedBefore = false;
    for (;;) {
      const change = this.#next();
      if (change === undefined || this.#context.signal.aborted) break;
      const port = "service" in change ? { PORTOLAN_PORT: String(change.service.port) } : {};
      const failure = await tellProgram({
        path: this.#path,
        words: this.#words,
        input: `${JSON.stringify(change)}\n`,
        environment: { ...this.#context.environment, PORTOLAN_EVENT: change.kind, ...port },
        deadlineMs,
        signal: this.#context.signal,
      });
      // Told once, and again after it has worked in between.
      if (failure !== null && !failedBefore) this.#failure = failure;
      failedBefore = failure !== null;
    }
    this.#running = undefined;
  }

  #next(): Change | undefined {
    if (this.#left === 0) return this.#waiting.shift();
    const sightings = this.#left;
    this.#left = 0;
    return { kind: "missed", at: new Date(this.#context.nowMs()).toISOString(), sightings, gapMs: 0 };
  }
}
