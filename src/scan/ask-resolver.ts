/**
 * @module What the system's resolver says of a name, `localhost` too: a diagnosis asks what others would be told.
 */
import { lookup } from "node:dns/promises";
import { tryParseIpAddress } from "../core/index.ts";

/** Every address in the resolver's order, canonical; empty for none, and when none came in time. */
export async function askResolver(
  name: string,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<readonly string[]> {
  const stop = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const stopped = new Promise<readonly []>((resolve) => {
    stop.addEventListener("abort", () => resolve([]), { once: true });
  });
  const found = await Promise.race([lookup(name, { all: true, order: "verbatim" }).catch(() => []), stopped]);
  const texts = found.flatMap(({ address }) => tryParseIpAddress(address)?.address ?? []);
  return [...new Set(texts)];
}
