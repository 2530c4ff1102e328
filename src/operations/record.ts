/**
 * @module `record`: writes down who holds which port and when, until it is stopped.
 */
import * as v from "valibot";
import { formatDuration, knownOr, linkAbort } from "../core/index.ts";
import { HistoryWriter, heartbeatMs, historyPathOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { mergeEvents } from "./event-stream.ts";
import { runFollow, type FollowEvent } from "./follow.ts";
import type { OperationContext } from "./operation.ts";
import { optionalInteger, optionalText } from "./parameters.ts";
import { residenceFactsOf } from "./residence-facts.ts";
import { timeSchema, type ListedService } from "./schemas.ts";

const usualKeepDays = 30;
const usualMost = 100_000;
const dayMs = 86_400_000;

const inputSchema = v.object({
  keepDays: optionalInteger(`Forget what ended longer ago (default ${usualKeepDays} days)`, 1, 3650, {
    placeholder: "DAYS",
  }),
  most: optionalInteger(
    `Keep at most so many residences, the oldest go first (default ${usualMost})`,
    100,
    10_000_000,
    {
      placeholder: "N",
    },
  ),
  interval: optionalText("What lives longer than this is not missed (default 500ms; from 20ms to 1h)", {
    placeholder: "DURATION",
  }),
});

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const eventSchema = v.object({
  kind: v.literal("started"),
  path: v.pipe(v.string(), v.description("The file that is written")),
  present: v.pipe(countSchema, v.description("Services that are there already")),
  laidAside: v.pipe(v.nullable(v.string()), v.description("Where an earlier record was laid that is damaged")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  path: v.string(),
  startedAt: timeSchema,
  endedAt: timeSchema,
  residences: v.pipe(countSchema, v.description("Residences that were written")),
});

export type RecordInput = v.InferInput<typeof inputSchema>;
export type RecordEvent = v.InferOutput<typeof eventSchema>;
export type RecordResult = v.InferOutput<typeof outputSchema>;

/** Runs `record` until the context's signal aborts. */
export async function* runRecord(
  input: RecordInput,
  context: OperationContext,
): AsyncGenerator<RecordEvent, RecordResult, void> {
  const path = historyPathOf(context.environment);
  const bounds = { keepMs: (input.keepDays ?? usualKeepDays) * dayMs, mostResidences: input.most ?? usualMost };
  const startedMs = context.nowMs();
  const writer = await HistoryWriter.open(path, bounds, startedMs);
  const linked = linkAbort(context.signal);
  const inner = { ...context, signal: linked.signal };
  const register = new Register(writer);
  try {
    const following = runFollow(input.interval === undefined ? {} : { interval: input.interval }, inner);
    const events = mergeEvents(following, beats(linked.signal), () => linked.abort());
    for (;;) {
      const step = await events.next();
      if (step.done === true) break;
      const event = step.value;
      if (event === "beat") writer.beat(context.nowMs());
      else register.take(event);
      if (event !== "beat" && event.kind === "start") {
        yield { kind: "started", path, present: event.services.length, laidAside: writer.laidAside };
      }
      context.progress(
        `Recording for ${formatDuration(context.nowMs() - startedMs)}: ${register.written} residences. Ctrl-C ends it.`,
      );
    }
  } finally {
    linked.abort();
    writer.close(context.nowMs());
  }
  return {
    // It has no other end than being stopped.
    complete: true,
    path,
    startedAt: new Date(startedMs).toISOString(),
    endedAt: new Date(context.nowMs()).toISOString(),
    residences: register.written,
  };
}

/** A residence that goes on. */
interface Present {
  readonly id: number;
  /** The process that is written down; `null` while it is not known. */
  readonly pid: number | null;
}

/** Which residence each service is, by its sockets. */
class Register {
  readonly #writer: HistoryWriter;
  readonly #residences = new Map<string, Present>();
  #written = 0;

  constructor(writer: HistoryWriter) {
    this.#writer = writer;
  }

  get written(): number {
    return this.#written;
  }

  take(event: FollowEvent): void {
    if (event.kind === "missed") return;
    const atMs = Date.parse(event.at);
    if (event.kind === "start") {
      this.#writer.together(() => {
        for (const service of event.services) this.#begin(service, atMs, false);
      });
    } else if (event.kind === "appeared") this.#begin(event.service, atMs, true);
    else if (event.kind === "disappeared") this.#end(event.service, atMs);
    else this.#change(event.service, atMs);
  }

  #begin(service: ListedService, atMs: number, startKnown: boolean): void {
    const { transport, port } = service;
    const facts = residenceFactsOf(service);
    const id = this.#writer.begin({ transport, port, appearedMs: atMs, startKnown, facts: JSON.stringify(facts) });
    this.#keep(service, { id, pid: facts.pid });
    this.#written += 1;
  }

  #keep(service: ListedService, present: Present): void {
    for (const key of keysOf(service)) this.#residences.set(key, present);
  }

  #end(service: ListedService, atMs: number): void {
    const present = this.#find(service);
    for (const key of keysOf(service)) this.#residences.delete(key);
    if (present !== undefined) this.#writer.end(present.id, atMs);
  }

  /**
   * Another holder is another residence; everything else is more known of the same. That a holder is joined by others is no change of
   * hands: whoever starts a program shares its sockets with it from fork(2) to execve(2).
   */
  #change(service: ListedService, atMs: number): void {
    const present = this.#find(service);
    const holders = knownOr(service.holders, []);
    const before = present?.pid ?? null;
    const isStill = before === null || holders.length === 0 || holders.some(({ pid }) => pid === before);
    if (present === undefined || !isStill) {
      if (present !== undefined) this.#writer.end(present.id, atMs);
      this.#begin(service, atMs, true);
      return;
    }
    // What was known once is not forgotten because it cannot be seen now.
    if (holders.length === 0 && before !== null) {
      this.#keep(service, present);
      return;
    }
    const facts = residenceFactsOf(service, before);
    this.#writer.change(present.id, JSON.stringify(facts));
    this.#keep(service, { id: present.id, pid: facts.pid });
  }

  #find(service: ListedService): Present | undefined {
    return keysOf(service)
      .map((key) => this.#residences.get(key))
      .find((present) => present !== undefined);
  }
}

function keysOf({ transport, port, sockets }: ListedService): string[] {
  return sockets.map(({ inode }) => `${transport}/${port}/${inode}`);
}

/** A beat at a fixed pace until the signal aborts. */
async function* beats(signal: AbortSignal): AsyncGenerator<"beat", void, void> {
  while (!signal.aborted) {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, heartbeatMs);
      signal.addEventListener("abort", done, { once: true });
    });
    if (!signal.aborted) yield "beat";
  }
}

/** The declaration of `record`. */
export const recordOperation = defineOperation({
  name: "record",
  summary: "Write down who holds which port and when, for portolan history",
  description:
    "Nothing is recorded unless this runs. Writes a database of the user's own, readable by nobody else, until Ctrl-C: each residence on a port with its " +
    "process, project and times; passwords and tokens in arguments are masked. What is old or too much is forgotten. One recorder a user is enough; " +
    "exit status 1 when one runs already.",
  effect: "change",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "record", note: "until Ctrl-C" },
    { command: "record --keep-days 7 --most 10000", note: "a short memory" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runRecord,
});
