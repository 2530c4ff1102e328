/**
 * @module `traffic`: how many requests each name gets, four times a second, with examples: for a page, which shows no more than that.
 */
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import { followGateway, readGatewayStatus, routeName } from "../gateway/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { stateFolderToAsk } from "./own-files.ts";
import { optionalText } from "./parameters.ts";
import { readPlace } from "./route.ts";
import { listOf, timeSchema } from "./schemas.ts";
import { requestEventSchema, type RequestEvent } from "./trace.ts";

const inputSchema = v.object({
  name: optionalText("Examples of this name or route alone; what is counted is always everything", {
    placeholder: "NAME",
  }),
});

const countSchema = v.pipe(v.number(), v.minValue(0));

const eventSchema = v.object({
  kind: v.literal("traffic"),
  at: timeSchema,
  routes: v.pipe(
    listOf(
      v.object({
        route: v.pipe(v.nullable(v.string()), v.description("null: no route took them")),
        requests: countSchema,
        failures: v.pipe(countSchema, v.description("Of them: without an answer, or with one of 500 and above")),
        receivedBytes: countSchema,
        sentBytes: countSchema,
        elapsedMs: v.pipe(countSchema, v.description("Of all of them together")),
      }),
    ),
    v.description("Every request since the last event, counted by the route that took it"),
  ),
  examples: v.pipe(listOf(requestEventSchema), v.description("Some of them, in the order in which they ended")),
  leftOut: v.pipe(countSchema, v.description("Requests that are counted and not among the examples")),
});

const outputSchema = v.object({
  complete: v.boolean(),
  requests: v.pipe(countSchema, v.description("Requests that were counted")),
});

export type TrafficInput = v.InferInput<typeof inputSchema>;
export type RequestTraffic = v.InferOutput<typeof eventSchema>;
export type TrafficResult = v.InferOutput<typeof outputSchema>;

type ToldExample = Omit<RequestEvent, "kind" | "at"> & { readonly atMs: number };

/** What the gateway tells a line at a time; one of another version may not know the question. */
type Told =
  | { readonly error: string }
  | {
      readonly traffic: Pick<RequestTraffic, "routes" | "leftOut"> & {
        readonly atMs: number;
        readonly examples: readonly ToldExample[];
      };
    };

/**
 * Runs `traffic` until the context's signal aborts or the gateway ends.
 * @throws GATEWAY_STOPPED, GATEWAY_FAILED, ROUTE_NAME_INVALID
 */
export async function* runTraffic(
  input: TrafficInput,
  context: OperationContext,
): AsyncGenerator<RequestTraffic, TrafficResult, void> {
  const name = input.name === undefined ? null : routeName(readPlace(input.name));
  const stateFolder = stateFolderToAsk(context.environment);
  let requests = 0;
  do {
    for await (const told of followGateway<Told>(stateFolder, { do: "traffic", name }, context.signal)) {
      if ("error" in told) throw new PortolanError("GATEWAY_FAILED", `The gateway refused: ${told.error}.`);
      const { atMs, routes, examples, leftOut } = told.traffic;
      for (const route of routes) requests += route.requests;
      yield { kind: "traffic", at: timeOf(atMs), routes, examples: examples.map(describeExample), leftOut };
    }
    // One that was replaced has a successor, which is asked from then on.
  } while (!context.signal.aborted && (await readGatewayStatus(stateFolder)) !== null);
  return { complete: true, requests };
}

function describeExample({ atMs, ...told }: ToldExample): RequestEvent {
  return { kind: "request", at: timeOf(atMs), ...told };
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** The declaration of `traffic`. */
export const trafficOperation = defineOperation({
  name: "traffic",
  summary: "How many requests each name gets, as they happen, with examples",
  description:
    "Counts what passes the gateway by route and tells it up to four times a second, with at most 40 requests as examples and the number of those left out. " +
    "Until the caller goes away or the gateway ends. While nobody asks for it, it costs the gateway nothing; trace tells every single request.",
  effect: "read",
  faces: ["http"],
  positional: ["name"],
  examples: [],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runTraffic,
});
