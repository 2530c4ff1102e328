/**
 * @module A relay that runs.
 */
import type { RelayCounts } from "./relay-counts.ts";
import type { RelayPlace, RelayWish } from "./relay-wish.ts";

/** See the module. */
export interface RunningRelay {
  readonly wish: RelayWish;
  /** Where it listens: with the port that it got when any was wished for. */
  readonly place: RelayPlace;
  counts(): RelayCounts;
  /**
   * Ends it: no new connections, then what is open may go on for so long, milliseconds; what is left is reset.
   * @returns settles when nothing of it is open any more
   */
  close(options: { readonly drainMs: number }): Promise<void>;
}
