/**
 * @module Whether relays lead to themselves: seen in what was wished for, before anything listens. What leads round by another name, or
 * through another process, is not seen here.
 */
import { isLoopbackAddress, isWildcardAddress } from "../../core/index.ts";
import type { RelayPair } from "./relay-words.ts";

/**
 * The first circle among them, from a place back to that place; `null` when there is none.
 * @param ownAddresses addresses of this machine
 */
export function findLoop(pairs: readonly RelayPair[], ownAddresses: ReadonlySet<string>): readonly RelayPair[] | null {
  const harmless = new Set<RelayPair>();
  for (const start of pairs) {
    const way: RelayPair[] = [];
    let pair: RelayPair | undefined = start;
    while (pair !== undefined && !harmless.has(pair)) {
      const at = way.indexOf(pair);
      if (at >= 0) return way.slice(at);
      way.push(pair);
      const from: RelayPair = pair;
      pair = pairs.find((next) => leadsTo(from, next, ownAddresses));
    }
    for (const passed of way) harmless.add(passed);
  }
  return null;
}

function leadsTo({ listen, target }: RelayPair, { listen: next }: RelayPair, own: ReadonlySet<string>): boolean {
  if (listen.transport !== next.transport || target.port !== next.port) return false;
  const { host } = target;
  // Who connects to "every address" gets this machine.
  const isHere = host === "localhost" || isWildcardAddress(host);
  if (isWildcardAddress(next.address))
    return (isHere || isLoopbackAddress(host) || own.has(host)) && takesFamily(next.address, host);
  return host === next.address || (isHere && (next.address === "127.0.0.1" || next.address === "::1"));
}

/** A socket at `::` takes IPv4 as well. */
function takesFamily(address: string, host: string): boolean {
  return address === "::" || !host.includes(":");
}
