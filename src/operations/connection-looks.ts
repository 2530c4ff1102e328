/**
 * @module Connections of all looked-at network namespaces, and the joining of ends that are in two of them.
 */
import { ipv4OfMapped, isLoopbackAddress, knownOr, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { joinConnections, type JoinedConnection } from "./connection-join.ts";

/** A snapshot and those of other namespaces in it; places in it are what `nearLook` and `farLook` number. */
export function looksOf(snapshot: Snapshot): readonly Snapshot[] {
  return [snapshot, ...(snapshot.others ?? [])];
}

/**
 * Joins the connections of each namespace, then those between two of them.
 * @param listening a snapshot with all listeners, which may be the same
 */
export function joinLooks(snapshot: Snapshot, listening: Snapshot): JoinedConnection[] {
  const listenersOf = matchLooks(looksOf(listening));
  const joined = looksOf(snapshot).map((look, index) => {
    // The limits of another namespace take a visit there.
    if (!look.sockets.some(({ remote }) => remote !== null)) return [];
    return joinConnections(look.sockets, {
      listeners: listenersOf(look, index),
      ownAddresses: look.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)),
      ephemeralRange: knownOr(look.limits.ephemeralRange, undefined),
      look: index,
    });
  });
  const [own = [], ...others] = joined;
  return others.every((connections) => connections.length === 0) ? own : joinAcross(joined.flat());
}

/** Two looks one after the other can see different namespaces: they are matched by number. */
function matchLooks(looks: readonly Snapshot[]): (look: Snapshot, index: number) => readonly Socket[] {
  return (look, index) => {
    if (index === 0 || looks[index] === look) return looks[index]?.sockets ?? [];
    const id = knownOr(look.networkNamespace, undefined);
    const same = looks.find(
      (other, place) => place > 0 && id !== undefined && knownOr(other.networkNamespace, "") === id,
    );
    return same?.sockets ?? look.sockets;
  };
}

/**
 * An end in one namespace and an end in another with the same addresses the other way round are one connection, as of a container with its
 * host, unless several ends could be meant. Where addresses are translated in between the two ends do not show that they belong together.
 */
function joinAcross(connections: readonly JoinedConnection[]): JoinedConnection[] {
  const singles = new Map<string, JoinedConnection | null>();
  for (const connection of connections) {
    if (!mayCross(connection)) continue;
    const key = keyOf(connection.near, false);
    singles.set(key, singles.has(key) ? null : connection);
  }
  const taken = new Set<JoinedConnection>();
  const joined: JoinedConnection[] = [];
  for (const connection of connections) {
    if (taken.has(connection)) continue;
    const other = mayCross(connection) ? singles.get(keyOf(connection.near, true)) : undefined;
    const isAlone = other !== undefined && other !== null && singles.get(keyOf(connection.near, false)) === connection;
    if (!isAlone || other.nearLook === connection.nearLook) {
      joined.push(connection);
      continue;
    }
    taken.add(other);
    joined.push(connection.direction === "in" ? meet(other, connection) : meet(connection, other));
  }
  return joined;
}

function mayCross({ near, far, direction }: JoinedConnection): boolean {
  return far === null && direction !== "local" && near.remote !== null && !isLoopbackAddress(near.remote.address);
}

function meet(caller: JoinedConnection, called: JoinedConnection): JoinedConnection {
  const isKnown = called.direction === "in" || (caller.direction === "out" && called.direction !== "out");
  return {
    near: caller.near,
    far: called.near,
    direction: "local",
    servicePort: isKnown ? called.near.local.port : null,
    nearLook: caller.nearLook,
    farLook: called.nearLook,
  };
}

function keyOf({ transport, local, remote }: Socket, turned: boolean): string {
  const near = `${ipv4OfMapped(local.address) ?? local.address} ${local.port}`;
  const far = remote === null ? "" : `${ipv4OfMapped(remote.address) ?? remote.address} ${remote.port}`;
  return turned ? `${transport} ${far} ${near}` : `${transport} ${near} ${far}`;
}
