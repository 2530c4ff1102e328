/**
 * @module From a host name to its addresses, by the system's own resolver: /etc/hosts, mDNS and DNS, as every program asks.
 */
import { lookup } from "node:dns/promises";
import { PortolanError, tryParseIpAddress } from "../core/index.ts";

/** How long a name is waited for, milliseconds: longer than the resolver's usual two tries of 5 s each. */
const deadlineMs = 12_000;

/**
 * Every address of a name in the resolver's order, canonical text; empty for none. `localhost` is loopback without asking
 * (RFC 6761 §6.3).
 * @throws ABORTED
 */
export async function resolveName(name: string, signal: AbortSignal): Promise<readonly string[]> {
  if (name === "localhost" || name.endsWith(".localhost")) return ["127.0.0.1", "::1"];
  const stopped = stopOf(signal);
  try {
    const found = await Promise.race([lookup(name, { all: true, order: "verbatim" }), stopped.promise]);
    const addresses = found.map(({ address }) => tryParseIpAddress(address)).filter((address) => address !== undefined);
    return [...new Set(addresses.map(({ address, zone }) => (zone === null ? address : `${address}%${zone}`)))];
  } catch (error) {
    if (signal.aborted) throw new PortolanError("ABORTED", `Looking up ${name} was stopped.`, { cause: error });
    // No such name, no address, no server that answers: it has none for us.
    return [];
  } finally {
    stopped.done();
  }
}

/** A promise that fails with the signal or after the deadline: the resolver itself cannot be stopped. */
function stopOf(signal: AbortSignal): { readonly promise: Promise<never>; readonly done: () => void } {
  let done = (): void => undefined;
  const promise = new Promise<never>((_resolve, reject) => {
    const stop = (): void => reject(new Error("stopped"));
    const timer = setTimeout(stop, deadlineMs);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
  });
  promise.catch(() => undefined);
  return { promise, done };
}
