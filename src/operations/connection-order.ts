/**
 * @module Orders in which connections are told.
 */
import { knownOr } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { firstHolder, measureConnection, type ConnectionMeasures } from "./connection-facts.ts";
import type { JoinedConnection } from "./connection-join.ts";

/** What rows can be ordered by. Amounts and times begin with the largest, names and ports with the smallest. */
export const connectionSortKeys = [
  "port",
  "remote",
  "process",
  "state",
  "bytes",
  "sent",
  "received",
  "rtt",
  "idle",
] as const;
export type ConnectionSortKey = (typeof connectionSortKeys)[number];

/** Rows without a value come last, whatever the direction; equal rows stay in the order in which they came. */
export function sortConnections(
  connections: readonly JoinedConnection[],
  key: ConnectionSortKey,
  reverse: boolean,
  snapshot: Snapshot,
): JoinedConnection[] {
  if (key === "remote" || key === "process" || key === "state") {
    return sortByText(connections, textOf(key, snapshot), reverse ? -1 : 1);
  }
  const amountOf = key === "port" ? portOf : measureOf(key);
  const ascending = (key === "port") !== reverse;
  const amounts = new Float64Array(connections.length);
  connections.forEach((connection, index) => {
    const amount = amountOf(connection);
    amounts[index] = amount === null ? Infinity : ascending ? amount : -amount;
  });
  const order = Uint32Array.from(amounts.keys());
  // Infinity less Infinity is no number, and says nothing about the order.
  order.sort((one, two) => (amounts[one] === amounts[two] ? one - two : amounts[one]! - amounts[two]!));
  return Array.from(order, (index) => connections[index]!);
}

function portOf({ servicePort }: JoinedConnection): number | null {
  return servicePort;
}

function measureOf(
  key: "bytes" | "sent" | "received" | "rtt" | "idle",
): (connection: JoinedConnection) => number | null {
  const choose: Record<typeof key, (measures: ConnectionMeasures) => number | null> = {
    bytes: ({ sent, received }) => (sent === null && received === null ? null : (sent ?? 0) + (received ?? 0)),
    sent: ({ sent }) => sent,
    received: ({ received }) => received,
    rtt: ({ roundTripMicroseconds }) => roundTripMicroseconds,
    idle: ({ idleMs }) => idleMs,
  };
  const chosen = choose[key];
  return (connection) => chosen(measureConnection(connection));
}

function textOf(
  key: "remote" | "process" | "state",
  snapshot: Snapshot,
): (connection: JoinedConnection) => string | undefined {
  if (key === "remote") return ({ near }) => near.remote?.address;
  if (key === "state") return ({ near }) => near.state;
  return ({ near }) => {
    const pid = firstHolder(snapshot, near);
    return pid === undefined ? undefined : knownOr(snapshot.processOf(pid).name, undefined)?.toLowerCase();
  };
}

function sortByText(
  connections: readonly JoinedConnection[],
  textFor: (connection: JoinedConnection) => string | undefined,
  sign: 1 | -1,
): JoinedConnection[] {
  return connections
    .map((connection) => ({ connection, text: textFor(connection) }))
    .sort((one, two) => {
      if (one.text === two.text) return 0;
      if (one.text === undefined) return 1;
      if (two.text === undefined) return -1;
      return one.text < two.text ? -sign : sign;
    })
    .map(({ connection }) => connection);
}
