/**
 * @module Which ports may be handed out when nobody names any.
 */
import { PortSet, knownOr } from "../core/index.ts";
import type { PortLimits } from "../host/index.ts";
import { allConventions, browserBlockedPorts, listAssignedPorts } from "../registry/index.ts";

/** First port of the registered range: those below need a privilege on most machines. */
const firstOrdinaryPort = 1024;
const lastPort = 65_535;
/** Where the kernel assigns ports when its own range cannot be read (Linux's default, ip-sysctl.rst). */
const usualEphemeralRange = { first: 32_768, last: 60_999 };

/** Browsers open none of these, whatever answers there. */
export const blockedPorts: PortSet = PortSet.from(browserBlockedPorts);

/** Two sets of ports, the second for when the first is used up. */
export interface PortPools {
  /** Assigned to nobody and nobody's default. */
  readonly preferred: PortSet;
  /** Those, and the assigned ones. */
  readonly all: PortSet;
}

let nobodys: PortSet | undefined;
let remembered: { readonly key: string; readonly pools: PortPools } | undefined;

/**
 * The ports from 1024 on that the kernel does not assign by itself, that are not set aside (net.ipv4.ip_local_reserved_ports), that browsers
 * open, and that an ordinary user may bind.
 */
export function poolsOf(limits: PortLimits): PortPools {
  const { first, last } = knownOr(limits.ephemeralRange, usualEphemeralRange);
  const reserved = knownOr(limits.reservedPorts, "");
  const lowest = Math.max(firstOrdinaryPort, knownOr(limits.unprivilegedPortStart, firstOrdinaryPort));
  const key = `${first} ${last} ${lowest} ${reserved}`;
  if (remembered?.key !== key) {
    let pool = PortSet.range(lowest, lastPort).difference(PortSet.range(first, last)).difference(blockedPorts);
    if (reserved !== "") pool = pool.difference(PortSet.parse(reserved));
    nobodys ??= PortSet.from(listAssignedPorts())
      .union(PortSet.from(allConventions().map(({ port }) => port)))
      .complement();
    remembered = { key, pools: { preferred: pool.intersect(nobodys), all: pool } };
  }
  return remembered.pools;
}
