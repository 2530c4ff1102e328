/**
 * @module Opening the relays of a command: all of them, or none with the reason in the command's words.
 */
import { openRelays, type RelayStart, type RunningRelays } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";
import { explainRelayFailure } from "./relay-failure.ts";
import { version } from "./version.generated.ts";

/** @throws PORT_TAKEN, LISTEN_FAILED, RELAY_PLACE_INVALID */
export async function openAllRelays(starts: readonly RelayStart[], context: OperationContext): Promise<RunningRelays> {
  const { environment, workingDirectory, nowMs } = context;
  const options = { stateFolder: stateFolderOf(environment), workingDirectory, version, nowMs };
  try {
    return await openRelays(starts, options);
  } catch (error) {
    const places = starts.map(({ wish }) => wish.listen);
    throw await explainRelayFailure(error, places, context);
  }
}
