/**
 * @module Forwards and shares that an export takes along: those that run now.
 */
import { listRelays, type RelayWish } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";

/** Every forward and share, each place once: where two would listen at one, the first is taken. */
export async function listExportedRelays(context: OperationContext): Promise<readonly RelayWish[]> {
  const running = (await listRelays(stateFolderOf(context.environment))).flatMap(({ relays }) =>
    // The port that it got, where any was wished for.
    relays.map(({ wish, place }): RelayWish => ({ ...wish, listen: place })),
  );
  return onePerPlace(running);
}

function onePerPlace(wishes: readonly RelayWish[]): RelayWish[] {
  const seen = new Set<string>();
  return wishes.filter(({ listen: { transport, address, port } }) => {
    const key = `${transport} ${address} ${port}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
}
