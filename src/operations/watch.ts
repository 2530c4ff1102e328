/**
 * @module `watch`: what listens, what comes and goes, and how much traffic each port has.
 */
import * as v from "valibot";
import { defineOperation } from "./define-operation.ts";
import { filterEntries, ownReachEntries } from "./filter-entries.ts";
import { followEventSchemas, runFollow, type FollowEvent } from "./follow.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf, portSchema, timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  ...filterEntries,
  interval: optionalText("What lives longer than this is not missed (default 500ms; from 20ms to 1h)", {
    placeholder: "DURATION",
  }),
  ...ownReachEntries,
  showSecrets: optionalSwitch("Show passwords and tokens in arguments instead of ***", onCommandLine),
});

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What a listening port's connections carry. */
const portTrafficSchema = v.object({
  transport: v.literal("tcp"),
  port: portSchema,
  connections: v.pipe(countSchema, v.description("Connections that it has accepted and that are open")),
  sentPerSecond: v.pipe(v.number(), v.description("Bytes a second to its clients since the last look")),
  receivedPerSecond: v.pipe(v.number(), v.description("Bytes a second from its clients since the last look")),
  sentBytes: v.pipe(countSchema, v.description("Bytes to its clients since the watch began")),
  receivedBytes: v.pipe(countSchema, v.description("Bytes from its clients since the watch began")),
});

const trafficEventSchema = v.object({
  kind: v.literal("traffic"),
  at: timeSchema,
  elapsedMs: v.pipe(v.number(), v.description("Since the last look; 0 for the first")),
  ports: v.pipe(listOf(portTrafficSchema), v.description("Ports of which something is different from the last event")),
});

const eventSchema = v.variant("kind", [...followEventSchemas, trafficEventSchema]);

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
export type WatchEvent = FollowEvent | TrafficEvent;
export type WatchResult = v.InferOutput<typeof outputSchema>;

/** Runs `watch` until the context's signal aborts. */
export async function* runWatch(
  input: WatchInput,
  context: OperationContext,
): AsyncGenerator<WatchEvent, WatchResult, void> {
  const { screen } = context.faces ?? {};
  if (screen !== undefined) return await screen(input, context);
  return yield* runFollow(input, context);
}

/** The declaration of `watch`. */
export const watchOperation = defineOperation({
  name: "watch",
  summary: "A live table of what listens, with its traffic",
  description:
    "On a terminal a table that moves: what comes and goes, who is connected, bytes a second of each port; keys filter, sort, open and free. " +
    "Elsewhere a line of JSON for each event.",
  effect: "exec",
  faces: ["cli", "http"],
  positional: ["filter"],
  examples: [
    { command: "watch", note: "everything on this machine, live" },
    { command: "watch --ndjson | jq .kind", note: "for a program" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runWatch,
});
