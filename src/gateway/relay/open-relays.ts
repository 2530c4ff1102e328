/**
 * @module Starting relays: what a command needs to know of them. Their code is loaded when it is called.
 */
import type { RelayProcessStatus } from "./relay-control.ts";
import type { RelayStart } from "./start-relays.ts";

/** What relays are told of where they run. */
export interface RelaysOptions {
  readonly stateFolder: string;
  readonly workingDirectory: string;
  readonly version: string;
  readonly nowMs: () => number;
}

/** Relays that run. */
export interface RunningRelays {
  status(): RelayProcessStatus;
  /** Why nobody can ask about them; `null` when everybody of the same user can. */
  readonly problem: string | null;
  /** Ends them: what is open may go on for so long, milliseconds; what is left is reset. */
  close(options: { readonly drainMs: number }): Promise<void>;
}

/**
 * Starts relays in this process: all of them listen, or none does.
 * @throws LISTEN_FAILED, whose `details` have address, port, transport and `error`, the system's
 */
export async function openRelays(starts: readonly RelayStart[], options: RelaysOptions): Promise<RunningRelays> {
  const { startRelays } = await import("./start-relays.ts");
  return startRelays(starts, options);
}
