/**
 * @module Forwards and shares that an export takes along: those that run now, and those of the project's file.
 */
import { isPortolanError } from "../core/index.ts";
import { listRelays, type RelayWish } from "../gateway/index.ts";
import { readProjectFile } from "../project/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { readForwardEntries } from "./forward.ts";
import type { OperationContext } from "./operation.ts";
import { readShareEntries } from "./share-project.ts";

/**
 * Every forward and share, each place once: what runs goes before what a file says.
 * @throws PROJECT_FILE_INVALID, FILE_UNREADABLE
 */
export async function listExportedRelays(context: OperationContext): Promise<readonly RelayWish[]> {
  const running = (await listRelays(stateFolderOf(context.environment))).flatMap(({ relays }) =>
    // The port that it got, where any was wished for.
    relays.map(({ wish, place }): RelayWish => ({ ...wish, listen: place })),
  );
  return onePerPlace([...running, ...(await listOfFile(context))]);
}

async function listOfFile({ workingDirectory }: OperationContext): Promise<RelayWish[]> {
  try {
    const file = readProjectFile(workingDirectory);
    return [...(await readForwardEntries(file)), ...readShareEntries(file).map(({ wish }) => wish)];
  } catch (error) {
    if (isPortolanError(error, "PROJECT_FILE_MISSING")) return [];
    throw error;
  }
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
