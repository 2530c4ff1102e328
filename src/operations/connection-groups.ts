/**
 * @module Connections counted and summed by process, by port or by the address at the other end.
 */
import * as v from "valibot";
import { ipv4OfMapped, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { firstHolder, measureConnection } from "./connection-facts.ts";
import type { JoinedConnection } from "./connection-join.ts";
import { claimSchema, knownSchema } from "./schema-parts.ts";

/** What connections can be gathered by. */
export const groupKeys = ["process", "port", "remote"] as const;
export type GroupKey = (typeof groupKeys)[number];

const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/** One group. */
export const connectionGroupSchema = v.object({
  process: v.pipe(
    v.nullable(v.object({ pid: countSchema, name: knownSchema(v.string()) })),
    v.description("With group=process: the process; null for connections that none is known to hold"),
  ),
  port: v.pipe(v.nullable(countSchema), v.description("With group=port: the port that was called, null where unknown")),
  transport: v.pipe(v.nullable(v.picklist(["tcp", "udp", "sctp", "dccp"])), v.description("With group=port")),
  service: v.pipe(v.nullable(claimSchema(v.string())), v.description("With group=port: what the port is usually for")),
  remote: v.pipe(v.nullable(v.string()), v.description("With group=remote: the address at the other end")),
  connections: countSchema,
  directions: v.object({ in: countSchema, out: countSchema, local: countSchema, unknown: countSchema }),
  sent: v.pipe(countSchema, v.description("Bytes acknowledged by the other end, of connections that tell")),
  received: v.pipe(countSchema, v.description("Bytes received, of connections that tell")),
  unmeasured: v.pipe(countSchema, v.description("Connections that do not tell what they carried")),
});

export type ConnectionGroup = v.InferOutput<typeof connectionGroupSchema>;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Gathered = Mutable<Omit<ConnectionGroup, "directions">> & { directions: Mutable<ConnectionGroup["directions"]> };

/**
 * Gathers. By process a connection whose ends are held by two processes here counts for both, each time from that end's point of view.
 * The group of most connections comes first.
 */
export function groupConnections(
  connections: readonly JoinedConnection[],
  key: GroupKey,
  snapshot: Snapshot,
  serviceOf: (port: number, transport: Socket["transport"]) => ConnectionGroup["service"],
): ConnectionGroup[] {
  const groups = new Map<string | number, Gathered>();

  function groupOf(id: string | number, facts: () => Partial<ConnectionGroup>): Gathered {
    let group = groups.get(id);
    if (group === undefined) {
      group = { ...emptyGroup, directions: { in: 0, out: 0, local: 0, unknown: 0 }, ...facts() };
      groups.set(id, group);
    }
    return group;
  }
  function groupOfProcess(socket: Socket): Gathered {
    const pid = firstHolder(snapshot, socket);
    return groupOf(pid ?? -1, () => ({
      process: pid === undefined ? null : { pid, name: snapshot.processOf(pid).name },
    }));
  }

  for (const connection of connections) {
    const { near, far, servicePort } = connection;
    if (key === "process") {
      const own = groupOfProcess(near);
      add(own, connection, false);
      if (far === null) continue;
      const other = groupOfProcess(far);
      if (other !== own) add(other, connection, true);
    } else if (key === "port") {
      const { transport } = near;
      const id = servicePort === null ? transport : `${transport}/${servicePort}`;
      const service = () => (servicePort === null ? null : serviceOf(servicePort, transport));
      add(
        groupOf(id, () => ({ port: servicePort, transport, service: service() })),
        connection,
        false,
      );
    } else {
      const remote = near.remote === null ? "" : (ipv4OfMapped(near.remote.address) ?? near.remote.address);
      add(
        groupOf(remote, () => ({ remote })),
        connection,
        false,
      );
    }
  }
  // Sorting is stable: groups of one size stay in the order of their first connection.
  return [...groups.values()].sort((one, two) => two.connections - one.connections);
}

const emptyGroup = {
  process: null,
  port: null,
  transport: null,
  service: null,
  remote: null,
  connections: 0,
  sent: 0,
  received: 0,
  unmeasured: 0,
};

function add(group: Gathered, connection: JoinedConnection, fromFarEnd: boolean): void {
  const { sent, received } = measureConnection(connection);
  group.connections += 1;
  group.directions[connection.direction] += 1;
  if (sent === null && received === null) group.unmeasured += 1;
  group.sent += (fromFarEnd ? received : sent) ?? 0;
  group.received += (fromFarEnd ? sent : received) ?? 0;
}

/** Totals by direction. */
export function countDirections(connections: readonly JoinedConnection[]): ConnectionGroup["directions"] {
  const counts = { in: 0, out: 0, local: 0, unknown: 0 };
  for (const { direction } of connections) counts[direction] += 1;
  return counts;
}
