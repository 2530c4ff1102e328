/**
 * @module An operation's events as text/event-stream (HTML Living Standard, section 9.2.6), at the reader's pace.
 */
import { PortolanError, isPortolanError } from "../../core/index.ts";
import type { OperationResult, ProgressMeasure } from "../../operations/operation.ts";

/** So often a quiet stream says that it is alive, milliseconds: whoever went away is noticed. */
const heartbeatMs = 15_000;

/** A failure as every answer carries it. */
export function describeFailure(error: unknown): {
  readonly body: { readonly error: object };
  readonly status: number;
} {
  const failure = isPortolanError(error)
    ? error
    : new PortolanError("INTERNAL", error instanceof Error ? error.message : String(error), { cause: error });
  const { code, message, hint, details, httpStatus } = failure;
  return { body: { error: { code, message, hint, details } }, status: httpStatus };
}

/** Progress is told at most so often, milliseconds: only the latest matters. */
const progressPaceMs = 200;

/** The latest that an operation said of its progress. */
export class ProgressSlot {
  #latest: { readonly message: string; readonly measure: ProgressMeasure | null } | null = null;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #wake: (() => void) | undefined;

  /** To be given to the operation as its `progress`. */
  readonly tell = (message: string, measure?: ProgressMeasure): void => {
    this.#latest = { message, measure: measure ?? null };
    if (performance.now() - this.#toldAtMs >= progressPaceMs) this.#wake?.();
  };

  /** Settles when there is something new to tell. */
  changed(): Promise<"progress"> {
    return new Promise((resolve) => {
      this.#wake = () => resolve("progress");
    });
  }

  /** The text of it; used up by this. */
  take(): string {
    const text = this.#latest === null ? "" : eventText("progress", this.#latest);
    this.#latest = null;
    this.#toldAtMs = performance.now();
    return text;
  }
}

/** As much of a generator as is needed to read it. */
type Steps = Pick<AsyncGenerator<unknown, OperationResult, void>, "next" | "return">;

/**
 * Runs what was started to its end or until the reader goes.
 * @param ended called once, however it ends; it aborts the work, too
 * @param progress what the work says of itself on its way
 */
export function streamAsText(
  started: Promise<OperationResult> | AsyncGenerator<unknown, OperationResult, void>,
  ended: () => void,
  progress: ProgressSlot,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const steps: Steps = started instanceof Promise ? onlyResult(started) : started;
  let pending: ReturnType<typeof readStep> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      pending ??= readStep(steps);
      const text = await firstOf(pending, progress);
      if (text === "progress" || text === "heartbeat") {
        controller.enqueue(encoder.encode((text === "progress" ? progress.take() : "") || ": alive\n\n"));
        return;
      }
      pending = undefined;
      controller.enqueue(encoder.encode(text.text));
      if (!text.last) return;
      controller.close();
      ended();
    },
    async cancel() {
      ended();
      await pending?.catch(() => undefined);
      await steps.return({ complete: false }).catch(() => undefined);
    },
  });
}

/** What only returns, as a generator that yields nothing. */
function onlyResult(started: Promise<OperationResult>): Steps {
  return {
    next: async () => ({ done: true, value: await started }),
    return: async () => ({ done: true, value: await started }),
  };
}

async function readStep(steps: Steps): Promise<{ readonly text: string; readonly last: boolean }> {
  try {
    const { done, value } = await steps.next();
    return { text: eventText(done === true ? "result" : "event", value), last: done === true };
  } catch (error) {
    return { text: eventText("error", describeFailure(error).body), last: true };
  }
}

/** JSON holds no line break, so one `data` line carries it. */
function eventText(event: string, value: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`;
}

async function firstOf<Value>(
  pending: Promise<Value>,
  progress: ProgressSlot,
): Promise<Value | "progress" | "heartbeat"> {
  let timer: NodeJS.Timeout | undefined;
  const beat = new Promise<"heartbeat">((resolve) => {
    timer = setTimeout(() => resolve("heartbeat"), heartbeatMs);
  });
  try {
    return await Promise.race([pending, progress.changed(), beat]);
  } finally {
    clearTimeout(timer);
  }
}
