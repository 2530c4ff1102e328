/**
 * @module `watch`: what listens, what comes and goes, and how much traffic each port has.
 */
import * as v from "valibot";
import { linkAbort, type Port } from "../core/index.ts";
import { watchTraffic } from "../observe/index.ts";
import { ChangeNotifier } from "./change-notifier.ts";
import { defineOperation } from "./define-operation.ts";
import { mergeEvents } from "./event-stream.ts";
import { filterEntries, ownReachEntries } from "./filter-entries.ts";
import { followEventSchemas, runFollow, type FollowEvent } from "./follow.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";
import { listOf, portSchema, timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  ...filterEntries,
  interval: optionalText("What lives longer than this is not missed (default 500ms; from 20ms to 1h)", {
    placeholder: "DURATION",
  }),
  ...ownReachEntries,
  onChange: optionalTexts("Start this program at each change, with the event as JSON on its standard input", {
    afterDashes: true,
    placeholder: "PROGRAM",
    ...onCommandLine,
  }),
  showSecrets: optionalSwitch("Show passwords and tokens in arguments instead of ***", onCommandLine),
});

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

const nullableCountSchema = (description: string) => v.pipe(v.nullable(countSchema), v.description(description));

/** What a listening port's connections carry. */
const portTrafficSchema = v.object({
  transport: v.literal("tcp"),
  port: portSchema,
  connections: v.pipe(countSchema, v.description("Connections that it has accepted and that are open")),
  sentPerSecond: nullableCountSchema(
    "Bytes a second to its clients since the last look; null where that cannot be read",
  ),
  receivedPerSecond: nullableCountSchema("Bytes a second from its clients since the last look"),
  sentBytes: nullableCountSchema("Bytes to its clients since the watch began"),
  receivedBytes: nullableCountSchema("Bytes from its clients since the watch began"),
});

const trafficEventSchema = v.object({
  kind: v.literal("traffic"),
  at: timeSchema,
  elapsedMs: v.pipe(v.number(), v.description("Since the last look; 0 for the first")),
  ports: v.pipe(listOf(portTrafficSchema), v.description("Ports of which something is different from the last event")),
});

const programEventSchema = v.object({
  kind: v.literal("program-failed"),
  at: timeSchema,
  reason: v.pipe(v.string(), v.description("What went wrong with the program of onChange; told once until it works")),
});

const eventSchema = v.variant("kind", [...followEventSchemas, trafficEventSchema, programEventSchema]);

const outputSchema = v.object({
  complete: v.boolean(),
  startedAt: timeSchema,
  endedAt: timeSchema,
  appeared: v.number(),
  changed: v.number(),
  disappeared: v.number(),
  longestGapMs: v.number(),
});

export type WatchInput = v.InferInput<typeof inputSchema>;
export type TrafficEvent = v.InferOutput<typeof trafficEventSchema>;
type ProgramEvent = v.InferOutput<typeof programEventSchema>;
export type WatchEvent = FollowEvent | TrafficEvent | ProgramEvent;
export type WatchResult = v.InferOutput<typeof outputSchema>;

/** Usual time between two looks at the traffic, milliseconds. */
const trafficPaceMs = 1000;

/** Runs `watch` until the context's signal aborts. */
export async function* runWatch(
  input: WatchInput,
  context: OperationContext,
): AsyncGenerator<WatchEvent, WatchResult, void> {
  const { screen } = context.faces ?? {};
  // Who is told by a program does not look at the screen all the time.
  if (screen !== undefined && input.onChange === undefined) return await screen(input, context);
  const linked = linkAbort(context.signal);
  const inner = { ...context, signal: linked.signal };
  const doors = new ShownDoors();
  const notifier = input.onChange === undefined ? null : new ChangeNotifier(input.onChange, inner);
  const following = doors.note(runFollow(input, inner));
  try {
    const first = await following.next();
    if (first.done === true) return first.value;
    yield first.value;
    const events = mergeEvents(following, tellTraffic(inner, doors), () => linked.abort());
    for (;;) {
      const step = await events.next();
      if (step.done === true) return step.value;
      const event = step.value;
      if (event.kind !== "traffic" && event.kind !== "start") notifier?.tell(event);
      yield event;
      const reason = notifier?.takeFailure() ?? null;
      if (reason !== null) yield { kind: "program-failed", at: new Date(context.nowMs()).toISOString(), reason };
    }
  } finally {
    linked.abort();
    await following.return(undefined as never);
    await notifier?.close();
  }
}

async function* tellTraffic(context: OperationContext, doors: ShownDoors): AsyncGenerator<TrafficEvent, void, void> {
  const pace = { intervalMs: trafficPaceMs, signal: context.signal };
  for await (const { atMs, elapsedMs, changed } of watchTraffic(context.host, pace)) {
    const ports = changed.filter(({ port }) => doors.has(port));
    if (ports.length === 0) continue;
    yield {
      kind: "traffic",
      at: new Date(atMs).toISOString(),
      elapsedMs,
      ports: ports.map((port) => ({ transport: "tcp", ...port, port: port.port as Port })),
    };
  }
}

/** TCP ports that are told of, so that traffic is told of these alone. */
class ShownDoors {
  readonly #rows = new Map<number, number>();

  has(port: number): boolean {
    return this.#rows.has(port);
  }

  /** Passes on what `follow` tells, and notes which ports it is about. */
  async *note(events: ReturnType<typeof runFollow>): ReturnType<typeof runFollow> {
    for (;;) {
      const step = await events.next();
      if (step.done === true) return step.value;
      const event = step.value;
      if (event.kind === "start") for (const service of event.services) this.#count(service, 1);
      else if (event.kind === "appeared") this.#count(event.service, 1);
      else if (event.kind === "disappeared") this.#count(event.service, -1);
      yield event;
    }
  }

  #count({ transport, port }: { readonly transport: string; readonly port: number }, by: number): void {
    if (transport !== "tcp") return;
    const rows = (this.#rows.get(port) ?? 0) + by;
    if (rows > 0) this.#rows.set(port, rows);
    else this.#rows.delete(port);
  }
}

/** The declaration of `watch`. */
export const watchOperation = defineOperation({
  name: "watch",
  summary: "A live table of what listens, with its traffic",
  description:
    "On a terminal a table that moves: what comes and goes, who is connected, bytes a second of each port; keys filter, sort, open and free. " +
    "In a pipe a line for each change, of JSON with --json or --ndjson. --on-change -- PROGRAM ARGS starts a program at each change: the event is " +
    "a line of JSON on its standard input, PORTOLAN_EVENT and PORTOLAN_PORT are in its environment; no shell is in between.",
  effect: "exec",
  faces: ["cli", "http"],
  positional: ["filter"],
  examples: [
    { command: "watch", note: "everything on this machine, live" },
    { command: "watch 3000-3999", note: "these ports alone" },
    { command: "watch --ndjson | jq .kind", note: "for a program" },
    { command: "watch --on-change -- notify-send Ports changed", note: "a program at each change" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runWatch,
});
