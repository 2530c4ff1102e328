/**
 * @module What a relay has done until now, counted.
 */
import { formatSocketAddress } from "../../core/index.ts";
import type { RelayTarget } from "./relay-wish.ts";

/** Of one target. */
export interface TargetCounts {
  /** `localhost:5500`. */
  readonly target: string;
  readonly open: number;
  readonly total: number;
  /** Bytes from the server to clients. */
  readonly receivedBytes: number;
  /** Bytes from clients to the server. */
  readonly sentBytes: number;
}

/** Of one relay. Over UDP a connection is one client's exchange. */
export interface RelayCounts {
  /** Connections that are open now. */
  readonly open: number;
  /** Connections that came until now. */
  readonly total: number;
  /** Of them: not let in, for a limit, a missing PROXY header, a loop, or because no rule fits. */
  readonly refused: number;
  /** Of them: the server was not reached, or the connection broke off. */
  readonly failed: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly targets: readonly TargetCounts[];
}

/** `localhost:5500`, `[::1]:5500`. */
export function formatRelayTarget({ host, port }: RelayTarget): string {
  return formatSocketAddress(host, port);
}

/** Counts of one target while it is counted. */
export class TargetTally {
  readonly target: string;
  readonly port: number;
  open = 0;
  total = 0;
  /** Of connections that have ended. */
  receivedBytes = 0;
  sentBytes = 0;

  constructor(target: RelayTarget) {
    this.target = formatRelayTarget(target);
    this.port = target.port;
  }
}

/** What an open connection has carried until now. */
export interface OpenCount {
  readonly tally: TargetTally;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/** Counts of one relay while it is counted. */
export class RelayTally {
  open = 0;
  total = 0;
  refused = 0;
  failed = 0;
  readonly #targets = new Map<string, TargetTally>();

  of(target: RelayTarget): TargetTally {
    const key = formatRelayTarget(target);
    let tally = this.#targets.get(key);
    if (tally === undefined) this.#targets.set(key, (tally = new TargetTally(target)));
    return tally;
  }

  /** @param open what is open now, whose bytes count as well */
  read(open: Iterable<OpenCount>): RelayCounts {
    const targets = new Map(
      [...this.#targets.values()].map((tally) => [
        tally,
        {
          target: tally.target,
          open: tally.open,
          total: tally.total,
          receivedBytes: tally.receivedBytes,
          sentBytes: tally.sentBytes,
        },
      ]),
    );
    for (const { tally, receivedBytes, sentBytes } of open) {
      const told = targets.get(tally);
      if (told === undefined) continue;
      told.receivedBytes += receivedBytes;
      told.sentBytes += sentBytes;
    }
    const all = [...targets.values()];
    return {
      open: this.open,
      total: this.total,
      refused: this.refused,
      failed: this.failed,
      receivedBytes: all.reduce((sum, { receivedBytes }) => sum + receivedBytes, 0),
      sentBytes: all.reduce((sum, { sentBytes }) => sum + sentBytes, 0),
      targets: all,
    };
  }
}
