/**
 * @module Which ports may be handed out when nobody names any.
 */
import { PortSet, knownOr } from "../core/index.ts";
import type { PortLimits } from "../host/index.ts";
import { browserBlockedPorts, listKnownPorts } from "../registry/index.ts";

/** First port of the registered range: those below need a privilege on most machines. */
const firstOrdinaryPort = 1024;
const lastPort = 65_535;
/** Where the kernel assigns ports when its own range cannot be read (Linux's default, ip-sysctl.rst). */
const usualEphemeralRange = { first: 32_768, last: 60_999 };

/** Browsers open none of these, whatever answers there. */
export const blockedPorts: PortSet = PortSet.from(browserBlockedPorts);

/** The ports that may be handed out. */
export interface PortPools {
  /** Ports that may be: from 1024 on, none that the kernel assigns by itself, sets aside or forbids, none that browsers refuse. */
  readonly all: PortSet;
  /** Those that are assigned to nobody and nobody's default. */
  readonly preferred: PortSet;
}

let remembered: { readonly key: string; readonly pools: PortPools } | undefined;

/** The ports that this machine's limits leave to hand out. */
export function poolsOf(limits: PortLimits): PortPools {
  const { first, last } = knownOr(limits.ephemeralRange, usualEphemeralRange);
  const reserved = knownOr(limits.reservedPorts, "");
  const lowest = Math.max(firstOrdinaryPort, knownOr(limits.unprivilegedPortStart, firstOrdinaryPort));
  const key = `${first} ${last} ${lowest} ${reserved}`;
  if (remembered?.key !== key) {
    let all = PortSet.range(lowest, lastPort).difference(PortSet.range(first, last)).difference(blockedPorts);
    if (reserved !== "") all = all.difference(PortSet.parse(reserved));
    remembered = { key, pools: { all, preferred: all.difference(listKnownPorts()) } };
  }
  return remembered.pools;
}
