/**
 * @module `trace`: which request goes to which application by which rule, as it happens.
 */
import * as v from "valibot";
import { followGateway, readGatewayStatus } from "../gateway/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { stateFolderToAsk } from "./own-files.ts";
import { optionalText } from "./parameters.ts";
import { readPlace } from "./route.ts";
import { timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  name: optionalText("Only requests for this name, or that its route took", { placeholder: "NAME" }),
});

const countSchema = v.pipe(v.number(), v.minValue(0));

/** One request. */
export const traceEventSchema = v.object({
  kind: v.literal("request"),
  at: timeSchema,
  client: v.pipe(v.string(), v.description("Address and port of the client")),
  protocol: v.picklist(["http/1.0", "http/1.1", "h2", "websocket"]),
  secure: v.boolean(),
  method: v.string(),
  host: v.pipe(v.string(), v.description("Name that was asked for, without port")),
  path: v.pipe(v.string(), v.description("Path without its query")),
  route: v.pipe(v.nullable(v.string()), v.description("Route that was taken")),
  rule: v.pipe(
    v.picklist(["name", "wildcard", "gateway", "none"]),
    v.description("Why: the exact name, a wildcard, the gateway's own page, nobody's name"),
  ),
  target: v.nullable(v.string()),
  pid: v.pipe(v.nullable(v.number()), v.description("Program of the route, when run started it")),
  status: v.pipe(v.number(), v.description("0 when nothing was answered")),
  elapsedMs: countSchema,
  receivedBytes: v.pipe(countSchema, v.description("Bytes of the answer's body")),
  sentBytes: v.pipe(v.nullable(countSchema), v.description("Bytes to the server of a WebSocket")),
  failure: v.nullable(v.string()),
});

const outputSchema = v.object({
  complete: v.boolean(),
  requests: v.pipe(countSchema, v.description("Requests that were told")),
});

export type TraceInput = v.InferInput<typeof inputSchema>;
export type TraceEvent = v.InferOutput<typeof traceEventSchema>;
export type TraceResult = v.InferOutput<typeof outputSchema>;

interface ToldTrace {
  readonly trace: Omit<TraceEvent, "kind" | "at"> & { readonly atMs: number };
}

/** Runs `trace` until the context's signal aborts or the gateway ends. */
export async function* runTrace(
  input: TraceInput,
  context: OperationContext,
): AsyncGenerator<TraceEvent, TraceResult, void> {
  const wanted = input.name === undefined ? null : readPlace(input.name);
  const name = wanted === null ? null : wanted.path === "/" ? wanted.host : `${wanted.host}${wanted.path}`;
  const stateFolder = stateFolderToAsk(context.environment);
  let requests = 0;
  do {
    for await (const { trace } of followGateway<ToldTrace>(stateFolder, { do: "trace" }, context.signal)) {
      const { atMs, ...told } = trace;
      if (name !== null && told.host !== name && told.route !== name) continue;
      requests += 1;
      yield { kind: "request", at: new Date(atMs).toISOString(), ...told };
    }
    // One that was replaced has a successor, which is asked from then on.
  } while (!context.signal.aborted && (await readGatewayStatus(stateFolder)) !== null);
  return { complete: true, requests };
}

/** The declaration of `trace`. */
export const traceOperation = defineOperation({
  name: "trace",
  summary: "Which request goes to which application, as it happens",
  description:
    "Tells each request through the gateway when its answer is complete: client, protocol, name, path, the rule and the route that took it, process, status, time, bytes. " +
    "Until Ctrl-C, or until the gateway ends. What is not traced costs nothing.",
  effect: "read",
  faces: ["cli", "http"],
  positional: ["name"],
  examples: [
    { command: "trace", note: "every request" },
    { command: "trace shop --ndjson", note: "those for shop.localhost, for programs" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: traceEventSchema,
  run: runTrace,
});
