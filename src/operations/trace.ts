/**
 * @module `trace`: which request goes to which application by which rule, and which connection to which server, as it happens.
 */
import * as v from "valibot";
import { PortolanError, linkAbort } from "../core/index.ts";
import { followGateway, followRelays, listRelays, readGatewayStatus, type RelayTrace } from "../gateway/index.ts";
import { defineOperation } from "./define-operation.ts";
import { mergeStreams } from "./merge-streams.ts";
import type { OperationContext } from "./operation.ts";
import { stateFolderToAsk } from "./own-files.ts";
import { optionalText } from "./parameters.ts";
import { readPlace } from "./route.ts";
import { listOf, timeSchema } from "./schemas.ts";

const inputSchema = v.object({
  name: optionalText(
    "Only what asks for this name or was taken by its route; or a port: connections of the relay there",
    {
      placeholder: "NAME",
    },
  ),
});

const countSchema = v.pipe(v.number(), v.minValue(0));

/** One request through the gateway. */
export const requestEventSchema = v.object({
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

/** One connection of a forward or a share; over UDP one client's exchange. */
const connectionEventSchema = v.object({
  kind: v.literal("connection"),
  at: v.pipe(timeSchema, v.description("When it came")),
  relay: v.picklist(["forward", "share"]),
  transport: v.picklist(["tcp", "udp"]),
  listen: v.pipe(v.string(), v.description("Where the relay listens")),
  client: v.pipe(
    v.string(),
    v.description("Address and port of the client, as its PROXY header says where there is one"),
  ),
  protocol: v.pipe(
    v.nullable(v.string()),
    v.description("What its first bytes are; null when they tell none or were not looked at"),
  ),
  name: v.pipe(v.nullable(v.string()), v.description("Name that it asked for, by SNI or Host")),
  alpn: listOf(v.string()),
  rule: v.pipe(v.string(), v.description("Why it went where it went")),
  target: v.pipe(v.nullable(v.string()), v.description("null when it was led nowhere")),
  pid: v.pipe(v.number(), v.description("Process of the relay")),
  elapsedMs: countSchema,
  receivedBytes: v.pipe(countSchema, v.description("Bytes from the server to the client")),
  sentBytes: v.pipe(countSchema, v.description("Bytes from the client to the server")),
  failure: v.pipe(v.nullable(v.string()), v.description("Why it did not come to its own end")),
});

const eventSchema = v.variant("kind", [requestEventSchema, connectionEventSchema]);

const outputSchema = v.object({
  complete: v.boolean(),
  requests: v.pipe(countSchema, v.description("Requests that were told")),
  connections: v.pipe(countSchema, v.description("Connections that were told")),
});

export type TraceInput = v.InferInput<typeof inputSchema>;
export type RequestEvent = v.InferOutput<typeof requestEventSchema>;
export type ConnectionEvent = v.InferOutput<typeof connectionEventSchema>;
export type TraceEvent = v.InferOutput<typeof eventSchema>;
export type TraceResult = v.InferOutput<typeof outputSchema>;

interface ToldTrace {
  readonly trace: Omit<RequestEvent, "kind" | "at"> & { readonly atMs: number };
}

/**
 * Runs `trace` until the context's signal aborts or the gateway and the last relay have ended.
 * @throws GATEWAY_STOPPED when none of them runs
 */
export async function* runTrace(
  input: TraceInput,
  context: OperationContext,
): AsyncGenerator<TraceEvent, TraceResult, void> {
  const isWanted = filterOf(input.name);
  const stateFolder = stateFolderToAsk(context.environment);
  const [gateway, relays] = await Promise.all([readGatewayStatus(stateFolder), listRelays(stateFolder)]);
  if (gateway === null && relays.length === 0)
    throw new PortolanError("GATEWAY_STOPPED", "No gateway runs, and no forward or share.");
  let [requests, connections] = [0, 0];
  const linked = linkAbort(context.signal);
  try {
    for await (const event of tellAll(stateFolder, gateway !== null, linked.signal)) {
      if (!isWanted(event)) continue;
      if (event.kind === "request") requests += 1;
      else connections += 1;
      yield event;
    }
  } finally {
    linked.abort();
  }
  return { complete: true, requests, connections };
}

function tellAll(
  stateFolder: string,
  gatewayRuns: boolean,
  signal: AbortSignal,
): AsyncGenerator<TraceEvent, void, void> {
  let gatewayEnded = !gatewayRuns;
  async function* requestsOf(): AsyncGenerator<TraceEvent, void, void> {
    try {
      do {
        for await (const { trace } of followGateway<ToldTrace>(stateFolder, { do: "trace" }, signal)) {
          const { atMs, ...told } = trace;
          yield { kind: "request", at: new Date(atMs).toISOString(), ...told };
        }
        // One that was replaced has a successor, which is asked from then on.
      } while (!signal.aborted && (await readGatewayStatus(stateFolder)) !== null);
    } finally {
      gatewayEnded = true;
    }
  }
  async function* connectionsOf(): AsyncGenerator<TraceEvent, void, void> {
    for await (const trace of followRelays(stateFolder, signal, () => !gatewayEnded)) yield describeConnection(trace);
  }
  return mergeStreams(gatewayRuns ? [requestsOf(), connectionsOf()] : [connectionsOf()]);
}

function describeConnection(trace: RelayTrace): ConnectionEvent {
  const { atMs, kind, reason, ...told } = trace;
  const { protocol, name, alpn, rule } = reason;
  return {
    kind: "connection",
    at: new Date(atMs).toISOString(),
    relay: kind,
    ...told,
    protocol,
    name,
    alpn: [...alpn],
    rule,
  };
}

/** A number is a relay's port; everything else is a name. @throws ROUTE_NAME_INVALID */
function filterOf(text: string | undefined): (event: TraceEvent) => boolean {
  if (text === undefined) return () => true;
  const port = /^:?(\d{1,5})$/.exec(text)?.[1];
  if (port !== undefined) return (event) => event.kind === "connection" && event.listen.endsWith(`:${port}`);
  const { host, path } = readPlace(text);
  const name = path === "/" ? host : `${host}${path}`;
  return (event) =>
    event.kind === "request" ? event.host === name || event.route === name : path === "/" && event.name === host;
}

/** The declaration of `trace`. */
export const traceOperation = defineOperation({
  name: "trace",
  summary: "Which request and which connection goes where, as it happens",
  description:
    "Tells each request through the gateway when its answer is complete: client, protocol, name, path, the rule and the route that took it, process, status, time, bytes; " +
    "and each connection of a forward or a share when it is over: client, what it asked for, the rule and the target, process, time, bytes both ways, and why it broke off. " +
    "Until Ctrl-C, or until the gateway and the last of them have ended. What is not traced costs nothing.",
  effect: "read",
  faces: ["cli", "http"],
  positional: ["name"],
  examples: [
    { command: "trace", note: "every request and connection" },
    { command: "trace shop --ndjson", note: "those for shop.localhost, for programs" },
    { command: "trace 8080", note: "connections of the forward at 8080" },
  ],
  input: inputSchema,
  output: outputSchema,
  event: eventSchema,
  run: runTrace,
});
