/**
 * @module Another port for a wish that cannot have its own: the nearest one above it that nobody has, wants or keeps, so that the answer is
 * the same as long as the machine is.
 */
import type { PortSet } from "../core/index.ts";
import { nodePorts } from "./kubernetes.ts";
import type { PortWish } from "./port-wish.ts";

/** What decides about a proposal. */
export interface Availability {
  /** Ports that are safe to hand out. */
  readonly pool: PortSet;
  /** Whether somebody has it, wants it or keeps it. */
  readonly isTaken: (port: number) => boolean;
}

/** Ports looked at above the wish. */
const mostTried = 20_000;

/** The first port of a run as long as the wish's; `null` when there is none. */
export function proposePort(wish: PortWish, { pool, isTaken }: Availability): number | null {
  const inCluster = wish.binder === "cluster" && wish.port >= nodePorts.first && wish.port <= nodePorts.last;
  const last = inCluster ? nodePorts.last : 65_535;
  const isGood = (port: number): boolean =>
    port <= last &&
    (inCluster || pool.has(port)) &&
    !isTaken(port) &&
    !(port >= wish.port && port < wish.port + wish.count);
  const start = wish.port < 1024 ? 8_000 + wish.port : wish.port + 1;
  for (const from of inCluster ? [start, nodePorts.first] : [start, 3_001]) {
    let run = 0;
    for (let port = from; port < from + mostTried && port <= last; port += 1) {
      run = isGood(port) ? run + 1 : 0;
      if (run === wish.count) return port - wish.count + 1;
    }
  }
  return null;
}
