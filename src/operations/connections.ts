/**
 * @module `connections`: who is connected with this machine, and what went over it.
 */
import * as v from "valibot";
import { compareClaims, unknown, type Claim, type Port, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { nameHolders, measureConnection } from "./connection-facts.ts";
import { selectConnections } from "./connection-filter.ts";
import {
  connectionGroupSchema,
  countDirections,
  groupConnections,
  groupKeys,
  sortGroups,
} from "./connection-groups.ts";
import { directions, type JoinedConnection } from "./connection-join.ts";
import { joinLooks, looksOf } from "./connection-looks.ts";
import { connectionSortKeys, sortConnections } from "./connection-order.ts";
import { defineOperation } from "./define-operation.ts";
import { claimsOfNumber } from "./describe-door.ts";
import { describeLook } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalInteger, optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";
import {
  claimSchema,
  familySchema,
  knownSchema,
  listOf,
  lookEntries,
  namespaceDescription,
  portSchema,
  socketAddressSchema,
  socketStateSchema,
  timeSchema,
  transportSchema,
} from "./schemas.ts";

/** More ports than this are chosen here, not in the kernel. */
const mostKernelPorts = 1024;
const mostRows = 10_000_000;

const inputSchema = v.object({
  port: optionalTexts("Only connections with one of these ports at either end: 5432, 8000-8100, ..1023, ssh", {
    placeholder: "PORT",
  }),
  process: optionalText("Only what a process holds whose name, executable or arguments contain this text", {
    placeholder: "TEXT",
  }),
  pid: optionalInteger("Only what this process holds", 1, 4_194_304, { placeholder: "PID" }),
  remote: optionalText("Only connections with this address at the other end, or one in this network (10.0.0.0/8)", {
    placeholder: "ADDRESS",
  }),
  state: optionalText("Only these states: established, time-wait, syn-sent, …; several with commas between them", {
    placeholder: "STATES",
  }),
  transport: optionalChoice(["tcp", "udp"], "Only this transport", { short: "t" }),
  namespace: optionalText(namespaceDescription, { placeholder: "NAME" }),
  direction: optionalChoice(directions, "Only connections that came in, went out, or have both ends here"),
  group: optionalChoice(groupKeys, "Count and sum by process, by called port, or by the address at the other end", {
    short: "g",
  }),
  sort: optionalChoice(
    connectionSortKeys,
    "Order of the rows, default port, the one that was called; of groups, default their size",
    { short: "s" },
  ),
  reverse: optionalSwitch("Turn the order round", { short: "r" }),
  limit: optionalInteger("Show at most so many rows or groups", 1, mostRows, { placeholder: "N", short: "n" }),
});

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));
const nullableCount = (description: string) => v.pipe(v.nullable(countSchema), v.description(description));

const trafficSchema = v.object({
  bytesAcknowledged: countSchema,
  bytesSent: v.nullable(countSchema),
  bytesReceived: countSchema,
  roundTripMicroseconds: v.nullable(countSchema),
  roundTripDeviationMicroseconds: v.nullable(countSchema),
  idleSendMs: countSchema,
  idleReceiveMs: countSchema,
});

const endEntries = {
  networkNamespace: v.pipe(
    v.nullable(v.object({ id: knownSchema(v.string()), names: listOf(v.string()) })),
    v.description("The network namespace it is in, when that is not the reader's own; null for the own"),
  ),
  state: socketStateSchema,
  inode: v.pipe(countSchema, v.description("0 when no process can hold it any more")),
  uid: countSchema,
  receiveQueue: v.pipe(countSchema, v.description("Bytes received that the process has not read")),
  sendQueue: v.pipe(knownSchema(countSchema), v.description("Bytes sent and not acknowledged")),
  holders: knownSchema(listOf(v.object({ pid: countSchema, name: knownSchema(v.string()) }))),
  traffic: v.pipe(knownSchema(trafficSchema), v.description("The kernel's own counters of this end (struct tcp_info)")),
};

const connectionSchema = v.object({
  transport: transportSchema,
  family: familySchema,
  direction: v.pipe(
    v.picklist(directions),
    v.description("in: a listener of this machine was called; out: this machine called; local: both ends are here"),
  ),
  local: socketAddressSchema,
  remote: socketAddressSchema,
  boundInterface: knownSchema(v.nullable(v.string())),
  ...endEntries,
  peer: v.pipe(
    v.nullable(v.object({ family: familySchema, ...endEntries })),
    v.description(
      "The socket at the other end when it is on this machine; local is then the caller's end, if that is known",
    ),
  ),
  servicePort: v.pipe(v.nullable(portSchema), v.description("The port that was called, null when that cannot be told")),
  service: v.pipe(
    v.nullable(claimSchema(v.string())),
    v.description("What that port is usually for: a guess by its number"),
  ),
  sent: nullableCount("Bytes from local to remote that were acknowledged"),
  received: nullableCount("Bytes from remote to local"),
  roundTripMicroseconds: nullableCount("Smoothed round-trip time"),
  idleMs: nullableCount("Since data last went either way"),
  since: v.pipe(
    knownSchema(timeSchema),
    v.description("When it was made: Linux does not keep that, so it is unknown there"),
  ),
});

const outputSchema = v.object({
  ...lookEntries,
  connections: v.pipe(listOf(connectionSchema), v.description("Empty when groups were asked for")),
  groups: v.pipe(v.nullable(listOf(connectionGroupSchema)), v.description("With group, largest first, otherwise null")),
  limit: v.pipe(v.nullable(countSchema), v.description("As given in the input")),
  totals: v.object({
    connections: v.pipe(countSchema, v.description("On this machine, of the asked ports; two ends here count once")),
    matching: v.pipe(countSchema, v.description("Those that every filter accepts, before the limit")),
    groups: v.pipe(v.nullable(countSchema), v.description("Groups before the limit")),
    directions: v.pipe(
      v.object({ in: countSchema, out: countSchema, local: countSchema, unknown: countSchema }),
      v.description("Matching connections by direction"),
    ),
  }),
});

export type ConnectionsInput = v.InferInput<typeof inputSchema>;
export type ConnectionsResult = v.InferOutput<typeof outputSchema>;
export type ListedConnection = ConnectionsResult["connections"][number];

/** Runs `connections`. */
export async function runConnections(input: ConnectionsInput, context: OperationContext): Promise<ConnectionsResult> {
  const selection = selectConnections(input);
  const ports = selection.ports !== undefined && selection.ports.size <= mostKernelPorts ? selection.ports : undefined;
  const namespaces = input.namespace === "own" ? "own" : "all";
  const snapshot = await context.host.snapshot({
    states: "all",
    traffic: true,
    namespaces,
    signal: context.signal,
    ...(ports === undefined ? {} : { ports: ports.toArray() }),
  });
  // Who called whom depends on all listeners, those of other ports too.
  const listening =
    ports === undefined
      ? snapshot
      : await context.host.snapshot({ holders: "none", namespaces, signal: context.signal });
  const all = joinLooks(snapshot, listening);
  const matching = all.filter((connection) => selection.accepts(connection, snapshot));
  const limit = input.limit ?? Infinity;
  const serviceOf = rememberServices();
  const groups =
    input.group === undefined
      ? null
      : sortGroups(
          groupConnections(matching, input.group, snapshot, serviceOf),
          input.group,
          input.sort,
          input.reverse === true,
        );
  const shown =
    groups === null
      ? sortConnections(matching, input.sort ?? "port", input.reverse === true, snapshot).slice(0, limit)
      : [];
  return {
    ...describeLook(snapshot),
    complete: snapshot.complete && !context.signal.aborted,
    connections: describeConnections(shown, snapshot, serviceOf),
    groups: groups?.slice(0, limit) ?? null,
    limit: input.limit ?? null,
    totals: {
      connections: all.length,
      matching: matching.length,
      groups: groups?.length ?? null,
      directions: countDirections(matching),
    },
  };
}

type ServiceLookup = (port: number, transport: Socket["transport"]) => Claim<string> | null;

/** What a port is usually for: the strongest of the claims that its number allows. */
function rememberServices(): ServiceLookup {
  const remembered = new Map<string, Map<number, Claim<string> | null>>();
  return (port, transport) => {
    let ports = remembered.get(transport);
    if (ports === undefined) remembered.set(transport, (ports = new Map()));
    let service = ports.get(port);
    if (service === undefined) {
      service = claimsOfNumber(port as Port, transport).sort(compareClaims)[0] ?? null;
      ports.set(port, service);
    }
    return service;
  };
}

const untold = unknown("unsupported");

function describeConnections(
  connections: readonly JoinedConnection[],
  snapshot: Snapshot,
  serviceOf: ServiceLookup,
): ListedConnection[] {
  const holdersOf = nameHolders(snapshot);
  const namespaces = looksOf(snapshot).map((look, index) =>
    index === 0 ? null : { id: look.networkNamespace, names: look.namespaceNames ?? [] },
  );
  return connections.map((connection) => {
    const { near, far, direction, servicePort } = connection;
    const { sent, received, roundTripMicroseconds, idleMs } = measureConnection(connection);
    // Each member by name: a spread of what is the same for both ends costs more than all else here.
    return {
      transport: near.transport,
      family: near.family,
      direction,
      local: near.local,
      remote: near.remote!,
      boundInterface: near.boundInterface,
      networkNamespace: namespaces[connection.nearLook] ?? null,
      state: near.state,
      inode: near.inode,
      uid: near.uid,
      receiveQueue: near.receiveQueue,
      sendQueue: near.sendQueue,
      holders: holdersOf(near),
      traffic: near.traffic ?? untold,
      peer:
        far === null
          ? null
          : {
              family: far.family,
              networkNamespace: namespaces[connection.farLook] ?? null,
              state: far.state,
              inode: far.inode,
              uid: far.uid,
              receiveQueue: far.receiveQueue,
              sendQueue: far.sendQueue,
              holders: holdersOf(far),
              traffic: far.traffic ?? untold,
            },
      servicePort: servicePort as Port | null,
      service: servicePort === null ? null : serviceOf(servicePort, near.transport),
      sent,
      received,
      roundTripMicroseconds,
      idleMs,
      since: untold,
    };
  });
}

/** The declaration of `connections`. */
export const connectionsOperation = defineOperation({
  name: "connections",
  summary: "Who is connected: with whom, since how long idle, how many bytes, how far away",
  description:
    "One row is one connection. When both of its ends are on this machine they are one row, from the calling process to the called one. " +
    "Bytes and round-trip times are the kernel's own (tcp_info), which only TCP has; when a connection was made is kept by nobody. " +
    "Works as an ordinary user, who sees all connections but not the processes of others. Sends nothing to anybody.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["port"],
  examples: [
    { command: "connections", note: "every connection, by the port that was called" },
    { command: "connections 5432", note: "who uses the database, and whom it talks to" },
    { command: "connections --direction out --process node", note: "whom a program has called" },
    { command: "connections --remote 10.0.0.0/8 --sort bytes", note: "one network, most bytes first" },
    { command: "connections --group remote --limit 10", note: "the ten addresses with most connections" },
    { command: "connections --state time-wait,close-wait --json", note: "what has not ended yet, for a program" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runConnections,
});
