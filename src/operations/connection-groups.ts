/**
 * @module Connections counted and summed by process, by port or by the address at the other end.
 */
import * as v from "valibot";
import { PortolanError, ipv4OfMapped, knownOr, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { firstHolder, measureConnection } from "./connection-facts.ts";
import type { ConnectionSortKey } from "./connection-order.ts";
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

/** Gathers. By process a connection whose ends are held by two processes here counts for both, each time from that end's point of view. */
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
  // The largest first; sorting is stable, so that groups of one size stay in the order of their first connection.
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

/**
 * Groups in an order: by one of their sums, largest first, or by what they were made by. Equal ones stay in order of their size.
 * @throws ARGUMENT_INVALID for an order that groups do not have
 */
export function sortGroups(
  groups: readonly ConnectionGroup[],
  key: GroupKey,
  sort: ConnectionSortKey | undefined,
  reverse: boolean,
): ConnectionGroup[] {
  const amountOf = sort === undefined ? sums["connections"] : sums[sort];
  if (amountOf === undefined && sort !== key) {
    throw new PortolanError("ARGUMENT_INVALID", `Groups by ${key} have no order by ${sort}.`, {
      details: {
        argument: "sort",
        hint: `Groups can be sorted by ${key}, bytes, sent and received, or by their size.`,
      },
    });
  }
  const sign = reverse ? -1 : 1;
  if (amountOf !== undefined) return [...groups].sort((one, two) => sign * (amountOf(two) - amountOf(one)));
  return [...groups].sort((one, two) => {
    const [left, right] = [identityOf(one), identityOf(two)];
    if (left === right) return 0;
    // What has no name comes last either way.
    if (left === null || right === null) return left === null ? 1 : -1;
    return left < right ? -sign : sign;
  });
}

const sums: Readonly<Record<string, ((group: ConnectionGroup) => number) | undefined>> = {
  connections: (group) => group.connections,
  bytes: (group) => group.sent + group.received,
  sent: (group) => group.sent,
  received: (group) => group.received,
};

function identityOf({ process, port, remote }: ConnectionGroup): string | number | null {
  if (process !== null) return knownOr(process.name, "").toLowerCase();
  return port ?? remote;
}

/** Totals by direction. */
export function countDirections(connections: readonly JoinedConnection[]): ConnectionGroup["directions"] {
  const counts = { in: 0, out: 0, local: 0, unknown: 0 };
  for (const { direction } of connections) counts[direction] += 1;
  return counts;
}
