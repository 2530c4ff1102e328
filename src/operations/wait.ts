/**
 * @module `wait`: until somebody listens, answers, or is gone.
 */
import * as v from "valibot";
import { PortolanError, formatDuration, isPortolanError, linkAbort, parseDuration, quote } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import { streamEvents } from "./event-stream.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText, requiredTexts } from "./parameters.ts";
import { listOf } from "./schemas.ts";
import { readWaitDoor } from "./wait-doors.ts";
import { nameHolder, waitByConnecting, waitByTable, type WaitState, type WaitWork } from "./wait-tasks.ts";

const usualTimeout = "60s";
const usualStatus = "200-399";

const inputSchema = v.object({
  endpoints: requiredTexts(
    "3000, localhost:3000, udp:53, db.internal:5432, http://localhost:3000/health, a service's name",
    {
      placeholder: "ENDPOINT",
    },
  ),
  http: optionalText("Until this path answers with a status that is accepted", { placeholder: "PATH" }),
  status: optionalText(`Statuses that are accepted (default ${usualStatus})`, { placeholder: "SET" }),
  gone: optionalSwitch("Until nobody listens there any more"),
  any: optionalSwitch("Until one of them is, instead of all"),
  timeout: optionalText(`How long at most (default ${usualTimeout}; 0 for ever)`, { placeholder: "DURATION" }),
});

const howSchema = v.picklist(["table", "connection", "http"]);

const outputSchema = v.object({
  complete: v.boolean(),
  ready: v.boolean(),
  elapsedMs: v.number(),
  endpoints: listOf(
    v.object({
      endpoint: v.string(),
      ready: v.boolean(),
      how: v.pipe(
        v.nullable(howSchema),
        v.description("By this machine's socket table, by a connection, or by an answer over HTTP"),
      ),
      afterMs: v.nullable(v.number()),
      reason: v.pipe(v.nullable(v.string()), v.description("Why it is not as wished; null when it is")),
      status: v.pipe(v.nullable(v.number()), v.description("Last HTTP status")),
    }),
  ),
});

const eventSchema = v.object({
  kind: v.literal("ready"),
  endpoint: v.string(),
  gone: v.boolean(),
  how: howSchema,
  afterMs: v.number(),
});

export type WaitInput = v.InferInput<typeof inputSchema>;
export type WaitResult = v.InferOutput<typeof outputSchema>;
export type WaitEvent = v.InferOutput<typeof eventSchema>;

/** Runs `wait`. */
export async function* runWait(
  input: WaitInput,
  context: OperationContext,
): AsyncGenerator<WaitEvent, WaitResult, void> {
  const timeoutMs = parseDuration(input.timeout ?? usualTimeout, "--timeout");
  const gone = input.gone === true;
  if (gone && input.http !== undefined) {
    throw new PortolanError("ARGUMENT_INVALID", "--gone and --http exclude each other: who is gone answers nothing.");
  }
  const accepts = readStatuses(input.status ?? usualStatus);
  const states = input.endpoints.map((text): WaitState => {
    const door = readWaitDoor(text, { http: input.http, gone }, context);
    return { door, ready: false, how: null, afterMs: null, reason: null, status: null };
  });
  if (input.status !== undefined && states.every(({ door }) => door.http === null)) {
    throw new PortolanError("ARGUMENT_INVALID", "--status is of HTTP, and no page is asked for.", {
      details: { argument: "status", hint: "Add --http PATH, or wait for a URL." },
    });
  }
  return yield* streamEvents<WaitEvent, WaitResult>(context.signal, (emit, signal) =>
    waitForAll(states, { gone, accepts, any: input.any === true, timeoutMs }, { ...context, signal }, emit),
  );
}

async function waitForAll(
  states: readonly WaitState[],
  wish: {
    readonly gone: boolean;
    readonly accepts: (status: number) => boolean;
    readonly any: boolean;
    readonly timeoutMs: number;
  },
  context: OperationContext,
  emit: (event: WaitEvent) => void,
): Promise<WaitResult> {
  const { gone, accepts, any, timeoutMs } = wish;
  const startedMs = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedMs);
  const done = linkAbort(context.signal, timeoutMs === 0 ? undefined : timeoutMs);
  const isDone = (): boolean => (any ? states.some(({ ready }) => ready) : states.every(({ ready }) => ready));
  const settle: WaitWork["settle"] = (state, how) => {
    const afterMs = elapsed();
    Object.assign(state, { ready: true, how, afterMs, reason: null });
    emit({ kind: "ready", endpoint: state.door.endpoint, gone, how, afterMs });
    if (isDone()) done.abort();
    else tell();
  };
  const tell = (): void => context.progress(explainWaiting(states, wish));
  const work: WaitWork = { gone, accepts, context, signal: done.signal, settle };
  tell();
  try {
    const local = states.filter(({ door }) => door.local !== undefined);
    const far = states.filter(({ door }) => door.local === undefined);
    await Promise.all([
      local.length === 0 ? undefined : waitByTable(local, work),
      ...far.map((state) => waitByConnecting(state, work)),
    ]);
  } finally {
    done.abort();
  }
  const ready = isDone();
  if (!ready && gone) await nameHolders(states, context);
  return {
    complete: ready || !context.signal.aborted,
    ready,
    elapsedMs: elapsed(),
    endpoints: states.map(({ door, how, afterMs, reason, status, ready: one }) => {
      return {
        endpoint: door.endpoint,
        ready: one,
        how,
        afterMs,
        reason: one ? null : (reason ?? "There was no time to look."),
        status,
      };
    }),
  };
}

async function nameHolders(states: readonly WaitState[], context: OperationContext): Promise<void> {
  for (const state of states) {
    if (state.ready || state.door.local === undefined) continue;
    try {
      const holder = await nameHolder(state.door, context);
      if (holder !== null) state.reason = `${holder} listens there still.`;
    } catch (error) {
      if (!isPortolanError(error)) throw error;
    }
  }
}

function explainWaiting(
  states: readonly WaitState[],
  { gone, any, timeoutMs }: { gone: boolean; any: boolean; timeoutMs: number },
): string {
  const left = states
    .filter(({ ready }) => !ready)
    .map(({ door }) => `${door.endpoint}${door.http === null ? "" : ` to answer ${door.http.path}`}`);
  const names =
    left.length <= 4 ? left.join(any ? " or " : ", ") : `${left.slice(0, 3).join(", ")} and ${left.length - 3} more`;
  const limit = timeoutMs === 0 ? "" : `, ${formatDuration(timeoutMs)} at most`;
  return gone ? `Waiting until nobody listens at ${names}${limit}` : `Waiting for ${names}${limit}`;
}

/** `200,204,300-399` as a test. @throws ARGUMENT_INVALID */
function readStatuses(text: string): (status: number) => boolean {
  const ranges = text.split(",").map((part): readonly [number, number] => {
    const match = /^\s*([1-5]\d\d)(?:\s*-\s*([1-5]\d\d))?\s*$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (match === null || last < first) {
      throw new PortolanError("ARGUMENT_INVALID", `--status: ${quote(text)} is not a set of HTTP statuses.`, {
        details: { argument: "status", given: text, hint: "Write 200, 200-299 or 200,204,300-399." },
      });
    }
    return [first, last];
  });
  return (status) => ranges.some(([first, last]) => status >= first && status <= last);
}

/** The declaration of `wait`. */
export const waitOperation = defineOperation({
  name: "wait",
  summary: "Wait until somebody listens, answers by HTTP, or is gone",
  description:
    "For this machine the socket table is asked every few milliseconds and no connection is made; elsewhere by connecting, with growing pauses. With --http, or for a " +
    "URL, until the path answers with a status that is accepted, whatever the certificate. Exit status 0, 1 when the time was over, with the reason for each.",
  effect: "network",
  faces: ["cli", "http", "mcp"],
  positional: ["endpoints"],
  examples: [
    { command: "wait 3000", note: "until somebody listens on port 3000" },
    { command: "wait 5432 6379 --timeout 30s", note: "until both do" },
    { command: "wait http://localhost:3000/health", note: "until it answers well" },
    { command: "wait 3000 --gone", note: "until the port is free" },
    { command: "wait db.internal:5432", note: "on another device" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runWait,
});
