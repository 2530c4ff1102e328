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
  /** UDP: find out at which rate each host says that ports are closed, and ask no faster. */
  readonly learnsRate: boolean;
}

/** Which try of a door: the first, a repetition, or one of the few repetitions that wait as long as if nothing were known. */
export type TryKind = 0 | 1 | 2;

/** The pace of one batch. Times are milliseconds of any one clock that does not run backwards. */
export interface Pacing {
  /** Doors that may be in flight now. */
  window(): number;
  /** How long to wait for the answer to a host's door. */
  timeoutMs(host: number, kind: TryKind): number;
  /** Which kind the next repetition at that host is. */
  repeatKind(host: number): TryKind;
  /** How often a silent door of that host has to be asked before it counts as silent. */
  tries(host: number): number;
  /** A door answered. `tries`: how often it had been asked, this time included. */
  answered(host: number, roundTripMs: number, tries: number, nowMs: number): void;
  /** The earliest time at which the host's next datagram may be sent; 0 for at once. */
  readyAt(host: number, isRepeat: boolean): number;
  /** A datagram was sent. */
  sent(host: number, isRepeat: boolean, nowMs: number): void;
  /** A repeated datagram was not answered either. */
  unheard(host: number): void;
  /** A datagram, or the message that its port is closed, came. `unansweredMs`: when a try before it was sent in vain, or -1. */
  heard(host: number, unansweredMs: number, nowMs: number): void;
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
  const leastWindow = Math.min(options.learnsRate ? 8 : 32, mostWindow);
  /** Where nobody answers at all nothing says that the way is free: the window grows no further than this. */
  const silentWindow = Math.min(4096, mostWindow);
  const smoothed = new Float64Array(hosts).fill(-1);
  const variation = new Float64Array(hosts);
  const answers = new Uint32Array(hosts);
  const lost = new Uint32Array(hosts);
  /**
   * An answer that comes from something nearer than the device (a router that refuses one port) makes the waiting time too short for
   * all its other ports. So many repetitions a host are patient enough to find that out.
   */
  const patientTries = 8;
  const patient = new Uint8Array(hosts);
  /**
   * UDP: devices limit how often they tell that a port is closed (Linux: six at once, then one a second), so silence after the
   * first answers means little. The first repetitions come as seldom as that: when one is answered, the host is asked no faster
   * than it answers; when none is, silence is silence.
   */
  const paced = options.learnsRate ? hosts : 0;
  const slowestGapMs = 1100;
  const fastestGapMs = 0.25;
  const mostDatagramTries = 6;
  const trials = new Uint8Array(paced).fill(3);
  /** Least time between two datagrams, 0 for a host without a known limit; and when the next may go. */
  const gapMs = new Float64Array(paced);
  const readyAtMs = new Float64Array(paced);
  /** Answers at the present gap, and how many of them came to a repetition of what was asked at that gap. */
  const countedFrom = new Float64Array(paced);
  const heardCount = new Uint32Array(paced);
  const vainCount = new Uint32Array(paced);
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

  function setGap(host: number, gap: number, nowMs: number): void {
    gapMs[host] = Math.min(slowestGapMs, Math.max(fastestGapMs, gap));
    readyAtMs[host] = nowMs + gapMs[host]!;
    countedFrom[host] = nowMs;
    heardCount[host] = 0;
    vainCount[host] = 0;
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
    timeoutMs(host, kind) {
      const timeout = baseTimeout(host) * (kind === 0 ? 1 : 2);
      return Math.min(mostTimeoutMs, kind === 2 ? Math.max(firstTimeoutMs, timeout) : timeout);
    },
    repeatKind(host) {
      if (patient[host]! >= patientTries) return 1;
      patient[host]!++;
      return 2;
    },
    tries(host) {
      if (fixedTries !== null) return fixedTries;
      // A host that answers seldom is judged with the experience of all others.
      const isKnown = answers[host]! >= 50;
      const hits = isKnown ? lost[host]! : allLost;
      const total = isKnown ? answers[host]! + hits : allAnswers + hits;
      if (hits === 0) return 2;
      const loss = upperShare(hits, total);
      if (loss >= 1) return options.learnsRate ? mostDatagramTries : mostTries;
      const most = options.learnsRate ? mostDatagramTries : mostTries;
      return Math.min(most, Math.max(2, Math.ceil(Math.log(missed) / Math.log(loss))));
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
    readyAt(host, isRepeat) {
      const isPaced = host < paced && (gapMs[host]! > 0 || (isRepeat && trials[host]! > 0 && answers[host]! > 0));
      return isPaced ? readyAtMs[host]! : 0;
    },
    sent(host, isRepeat, nowMs) {
      if (host >= paced) return;
      const isTrial = gapMs[host] === 0 && isRepeat && trials[host]! > 0;
      // Who looks at the clock each few milliseconds only may make up for that.
      readyAtMs[host] = Math.max(readyAtMs[host]!, nowMs - 20) + (isTrial ? slowestGapMs : gapMs[host]!);
    },
    unheard(host) {
      if (host < paced && gapMs[host] === 0 && trials[host]! > 0) trials[host]!--;
    },
    heard(host, unansweredMs, nowMs) {
      if (host >= paced) return;
      if (gapMs[host] === 0) {
        if (unansweredMs >= 0) setGap(host, slowestGapMs, nowMs);
        return;
      }
      heardCount[host]!++;
      if (unansweredMs >= countedFrom[host]!) vainCount[host]!++;
      if (vainCount[host]! >= 2) setGap(host, gapMs[host]! * 2, nowMs);
      else if (heardCount[host]! >= 8) setGap(host, gapMs[host]! / 2, nowMs);
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
