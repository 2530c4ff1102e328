/**
 * @module The timing of the epoll engine: how long to wait, how many doors at once, how often to repeat. Pure, and one
 * function that refers to nothing outside itself: its source text runs in the engine's thread (native-thread.ts).
 */

/** What the pace starts from. */
export interface PacingOptions {
  readonly hosts: number;
  /** Doors in flight at the start, and at most. */
  readonly firstWindow: number;
  readonly mostWindow: number;
  /** Waiting time for a host that has not answered yet, and the bounds for one that has, milliseconds. */
  readonly firstTimeoutMs: number;
  readonly leastTimeoutMs: number;
  readonly mostTimeoutMs: number;
  /** Tries for a silent door; `null`: derived from the measured loss. */
  readonly fixedTries: number | null;
}

/** The pace of one batch. Times are milliseconds of any one clock that does not run backwards. */
export interface Pacing {
  /** Doors that may be in flight now. */
  window(): number;
  /** How long to wait for the answer to a host's door; `isRepeat` for any try but the first. */
  timeoutMs(host: number, isRepeat: boolean): number;
  /** How often a silent door of that host has to be asked before it counts as silent. */
  tries(host: number): number;
  /** A door answered. `tries`: how often it had been asked, this time included. */
  answered(host: number, roundTripMs: number, tries: number, nowMs: number): void;
  /** Files, memory or source ports ran out with that many doors in flight. */
  exhausted(inFlight: number): void;
  /** To be called often. `wasFull`: the window was what kept more doors from being asked. */
  advance(nowMs: number, wasFull: boolean): void;
  /** Smoothed round trip over all hosts, `null` before the first answer. */
  smoothedMs(): number | null;
  /** Share of tries to doors that answer which got no answer; `null` before the first answer. */
  measuredLoss(): number | null;
}

/** A pace that adapts: RFC 6298 for the waiting time, a slow start as TCP's (RFC 5681) for the window. */
export function createPacing(options: PacingOptions): Pacing {
  const { hosts, mostWindow, firstTimeoutMs, leastTimeoutMs, mostTimeoutMs, fixedTries } = options;
  /** Most repetitions of a door. */
  const mostTries = 11;
  /** Share of the doors that answer which may be missed. */
  const missed = 1e-5;
  /** Loss that is no reason to slow down. */
  const harmlessLoss = 0.02;
  const leastWindow = Math.min(32, mostWindow);
  /** Where nobody answers at all nothing says that the way is free: the window grows no further than this. */
  const silentWindow = Math.min(4096, mostWindow);
  const smoothed = new Float64Array(hosts).fill(-1);
  const variation = new Float64Array(hosts);
  const answers = new Uint32Array(hosts);
  const lost = new Uint32Array(hosts);
  let allSmoothed = -1;
  let allAnswers = 0;
  let allLost = 0;

  let window = Math.min(options.firstWindow, mostWindow);
  /** What resources allow; comes back slowly after they ran out. */
  let ceiling = mostWindow;
  /** Below it the window doubles each round, above it grows by an eighth. */
  let threshold = Infinity;
  let roundEnd = -1;
  let roundAnswers = 0;
  let roundFull = false;
  /** When the window last grew without an answer. */
  let grownAt = -1;
  // The epoch in which loss is measured; a shrink starts a new one after what was in flight has come home.
  let epochStart = 0;
  let epochAnswers = 0;
  let epochLost = 0;
  let toleratedLoss = 0;
  let before: { readonly loss: number; readonly window: number } | null = null;

  /** Upper end of the 95 % confidence interval for a share (Wilson's score). */
  function upperShare(hits: number, total: number): number {
    const z2 = 3.8416;
    const share = hits / total;
    const middle = share + z2 / (2 * total);
    const spread = Math.sqrt(z2 * ((share * (1 - share)) / total + z2 / (4 * total * total)));
    return Math.min(1, (middle + spread) / (1 + z2 / total));
  }

  function baseTimeout(host: number): number {
    if (smoothed[host]! < 0) return firstTimeoutMs;
    return Math.max(leastTimeoutMs, smoothed[host]! + 4 * variation[host]!);
  }

  /** Judges the epoch's loss once it holds enough answers. */
  function judgeLoss(nowMs: number): void {
    if (nowMs < epochStart || epochAnswers < 20) return;
    const loss = epochLost / (epochAnswers + epochLost);
    const shrunk = before;
    before = null;
    if (shrunk !== null && loss > 0.7 * shrunk.loss) {
      // Half the doors, and no less is lost: it is not our number that loses them.
      toleratedLoss = Math.max(loss, shrunk.loss);
      window = shrunk.window;
      threshold = Infinity;
    } else if (loss > Math.max(harmlessLoss, 1.5 * toleratedLoss)) {
      before = { loss, window };
      window = Math.max(leastWindow, window / 2);
      threshold = window;
      epochStart = nowMs + 2 * Math.max(leastTimeoutMs, allSmoothed);
    } else if (epochAnswers < 200) {
      return;
    }
    epochAnswers = 0;
    epochLost = 0;
  }

  function grow(limit: number, factor: number): void {
    window = Math.max(window, Math.min(limit, window * factor));
  }

  return {
    window: () => Math.max(1, Math.floor(Math.min(window, ceiling))),
    timeoutMs: (host, isRepeat) => Math.min(mostTimeoutMs, baseTimeout(host) * (isRepeat ? 2 : 1)),
    tries(host) {
      if (fixedTries !== null) return fixedTries;
      // A host that answers seldom is judged with the experience of all others.
      const isKnown = answers[host]! >= 50;
      const hits = isKnown ? lost[host]! : allLost;
      const total = isKnown ? answers[host]! + hits : allAnswers + hits;
      if (hits === 0) return 2;
      const loss = upperShare(hits, total);
      if (loss >= 1) return mostTries;
      return Math.min(mostTries, Math.max(2, Math.ceil(Math.log(missed) / Math.log(loss))));
    },
    answered(host, roundTripMs, tries, nowMs) {
      // Each try has a connection of its own, so it is always known which one was answered (Karn's problem does not arise).
      if (smoothed[host]! < 0) {
        smoothed[host] = roundTripMs;
        variation[host] = roundTripMs / 2;
      } else {
        variation[host] = 0.75 * variation[host]! + 0.25 * Math.abs(smoothed[host]! - roundTripMs);
        smoothed[host] = 0.875 * smoothed[host]! + 0.125 * roundTripMs;
      }
      allSmoothed = allSmoothed < 0 ? roundTripMs : 0.875 * allSmoothed + 0.125 * roundTripMs;
      answers[host]!++;
      lost[host]! += tries - 1;
      allAnswers++;
      allLost += tries - 1;
      roundAnswers++;
      if (nowMs >= epochStart) {
        epochAnswers++;
        epochLost += tries - 1;
        judgeLoss(nowMs);
      }
    },
    exhausted(inFlight) {
      ceiling = Math.max(1, Math.min(ceiling, inFlight));
    },
    advance(nowMs, wasFull) {
      roundFull ||= wasFull;
      if (nowMs < roundEnd) return;
      // Only a window that was used up grows, and none while a shrink is being judged.
      if (roundFull && before === null) {
        // Silence is how a filter answers, and no proof of loss, but none of a free way either: half as much again, later.
        if (roundAnswers > 0) {
          grow(mostWindow, window < threshold ? 2 : 1.125);
          grownAt = nowMs;
        } else if (nowMs - grownAt >= (allAnswers === 0 ? 12 : 2 * allSmoothed)) {
          grow(allAnswers === 0 ? silentWindow : mostWindow, window < threshold ? 1.5 : 1.125);
          grownAt = nowMs;
        }
      }
      if (ceiling < mostWindow) ceiling = Math.min(mostWindow, ceiling + Math.max(1, ceiling / 16));
      roundEnd = nowMs + Math.max(4, allSmoothed);
      roundAnswers = 0;
      roundFull = wasFull;
    },
    smoothedMs: () => (allAnswers === 0 ? null : allSmoothed),
    measuredLoss: () => (allAnswers === 0 ? null : allLost / (allAnswers + allLost)),
  };
}
