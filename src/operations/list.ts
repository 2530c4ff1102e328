/**
 * @module `list`: every listening socket of this machine, told as services.
 */
import * as v from "valibot";
import { isListening, known, knownOr } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { readContainers } from "../tenant/index.ts";
import { defineOperation } from "./define-operation.ts";
import { filterEntries } from "./filter-entries.ts";
import { describeLook, describeServices, requireLive } from "./look.ts";
import { nameServices } from "./named-services.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalChoice, optionalSwitch, optionalText } from "./parameters.ts";
import { knownSchema, listOf, lookEntries, namespaceDescription, serviceSchema, socketSchema } from "./schemas.ts";
import { selectServices, sortKeys, sortServices, type Selection } from "./select.ts";

const inputSchema = v.object({
  ...filterEntries,
  address: optionalText("Only listeners that answer at this IP address", { placeholder: "IP" }),
  container: optionalText("Only containers whose name, id, image, pod or compose project contains this text", {
    placeholder: "TEXT",
  }),
  namespace: optionalText(namespaceDescription, {
    placeholder: "NAME",
  }),
  range: optionalChoice(["well-known", "registered", "dynamic"], "Only ports of this range"),
  reach: optionalChoice(
    ["namespace", "machine", "networks", "everywhere", "nowhere"],
    "Only listeners that reach exactly this far",
  ),
  sort: optionalChoice(sortKeys, "Order of the rows; default port", { short: "s" }),
  reverse: optionalSwitch("Turn the order round", { short: "r" }),
  all: optionalSwitch("Every state: connections too, not only listeners", { short: "a" }),
  fast: optionalSwitch("Stop at the first holder found of each socket: faster, and may miss some that share it"),
  identify: optionalSwitch("Ask each listener that is shown what it is, by connecting to it"),
  showSecrets: optionalSwitch("Show passwords and tokens in arguments instead of ***", onCommandLine),
});

const connectionSchema = v.object({
  ...socketSchema.entries,
  holders: knownSchema(listOf(v.object({ pid: v.number(), name: knownSchema(v.string()) }))),
});

const outputSchema = v.object({
  ...lookEntries,
  services: listOf(serviceSchema),
  connections: v.pipe(
    listOf(connectionSchema),
    v.description("Sockets in every other state; empty unless all was asked"),
  ),
  totals: v.object({
    listeners: v.pipe(v.number(), v.description("Listening sockets on this machine, before any filter")),
    services: v.pipe(v.number(), v.description("Services they make up, before any filter")),
    inRange: v.pipe(
      v.object({ "well-known": v.number(), registered: v.number(), dynamic: v.number() }),
      v.description("Services by range of their port, before any filter"),
    ),
  }),
});

export type ListInput = v.InferInput<typeof inputSchema>;
export type ListResult = v.InferOutput<typeof outputSchema>;

/** Runs `list`. */
export async function runList(input: ListInput, context: OperationContext): Promise<ListResult> {
  const user = input.user === "me" && context.userId !== null ? String(context.userId) : input.user;
  const selection = selectServices({ ...input, user });
  const snapshot = await context.host.snapshot({
    states: input.all === true ? "all" : "listening",
    holders: input.fast === true ? "first" : "all",
    namespaces: input.namespace === "own" ? "own" : "all",
    signal: context.signal,
  });
  const showSecrets = input.showSecrets === true;
  const containers = await readContainers(snapshot, context.environment, context.signal);
  let services = describeServices(snapshot, { showSecrets, containers });
  if (input.identify === true) {
    requireLive(snapshot);
    const { proveServices } = await import("./prove-services.ts");
    const wanted = services.filter((service) => selection.accepts(service));
    const proofs = await proveServices(wanted, snapshot.interfaces, context);
    services = describeServices(snapshot, { showSecrets, containers, proofs });
  }
  const named = await nameServices(services, snapshot, context);
  ({ services } = named);
  const inRange = { "well-known": 0, registered: 0, dynamic: 0 };
  for (const service of services) inRange[service.range] += 1;
  const shown = services.filter((service) => selection.accepts(service));
  const look = describeLook(snapshot, containers);
  return {
    ...look,
    blindSpots: [...look.blindSpots, ...named.blindSpots],
    complete: snapshot.complete && !context.signal.aborted,
    services: sortServices(shown, input.sort ?? "port", input.reverse === true),
    connections: input.all === true ? listConnections(snapshot, selection, shown) : [],
    totals: {
      listeners: services.reduce((sum, service) => sum + service.sockets.length, 0),
      services: services.length,
      inRange,
    },
  };
}

type Connection = ListResult["connections"][number];

/** Sockets that do not listen: all of them, or those on the ports and of the holders that the filter left. */
function listConnections(snapshot: Snapshot, selection: Selection, shown: ListResult["services"]): Connection[] {
  const pids = new Set(shown.flatMap((service) => knownOr(service.holders, []).map((holder) => holder.pid)));
  const doors = new Set(shown.map((service) => `${service.transport}/${service.port}`));
  const connections: Connection[] = [];
  for (const socket of snapshot.sockets) {
    if (isListening(socket)) continue;
    const { transport, uid } = socket;
    const { address, port } = socket.local;
    if (!selection.acceptsSocket({ transport, port, address, uid })) continue;
    const holders = snapshot.holdersOf(socket);
    const related =
      selection.everything ||
      doors.has(`${transport}/${port}`) ||
      knownOr(holders, []).some((holder) => pids.has(holder.pid));
    if (!related) continue;
    connections.push({
      ...socket,
      holders: holders.known
        ? known(holders.value.map(({ pid }) => ({ pid, name: snapshot.processOf(pid).name })))
        : holders,
    });
  }
  return connections;
}

/** The declaration of `list`. */
export const listOperation = defineOperation({
  name: "list",
  summary: "Every listening port of this machine: its meaning, its holder, its reach",
  description:
    "One row is one service as a person thinks of it: the IPv4 and IPv6 sockets of one server, and all its workers, are one row. " +
    "Works as an ordinary user and says what it could not see. Sends nothing to anybody, except with --identify, which connects to " +
    "this machine's own ports (never to printers' ports, 9100 to 9107). With --follow it goes on and tells every change: see follow.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["filter"],
  examples: [
    { command: "list", note: "every listening port" },
    { command: "list 3000..3999 5173", note: "only these ports" },
    { command: "list node", note: "rows that mention node: program, project, user or name" },
    { command: "list --reach everywhere", note: "what other devices can knock at" },
    { command: "list --identify", note: "what each proves to be when it is asked" },
    { command: "list --follow", note: "and then every change as it comes" },
    { command: "list --project shop --json", note: "one project's ports, for a program" },
    { command: "list --all -t tcp 5432", note: "the connections of a database too" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runList,
});
