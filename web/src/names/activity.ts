/**
 * @module How many requests each route had in each of the last sixty seconds.
 */
import type { RequestTraffic } from "../../../src/operations/traffic.ts";

/** Seconds that are kept. */
export const keptSeconds = 60;
/** Routes that are kept when many came and went. */
const mostKept = 1000;

/** What one route had. */
export interface Activity {
  /** Requests of each second, oldest first; the last is the second that is going on. */
  readonly perSecond: readonly number[];
  readonly lastMinute: number;
  readonly failuresLastMinute: number;
  /** Requests a second over the last five full seconds. */
  readonly rate: number;
}

interface Ring {
  readonly requests: Float64Array;
  readonly failures: Float64Array;
  /** The newest second that is in it. */
  second: number;
}

/** Seconds of all routes. */
export class ActivityLog {
  readonly #rings = new Map<string | null, Ring>();

  /** Takes in what was counted. */
  take({ routes }: Pick<RequestTraffic, "routes">, nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    for (const { route, requests, failures } of routes) {
      const ring = this.#ringOf(route, second);
      ring.requests[second % keptSeconds]! += requests;
      ring.failures[second % keptSeconds]! += failures;
    }
  }

  /** What a route had until now. */
  of(route: string | null, nowMs: number): Activity {
    const second = Math.floor(nowMs / 1000);
    const ring = this.#rings.get(route);
    if (ring === undefined) return silence;
    turn(ring, second);
    const perSecond = Array.from(
      { length: keptSeconds },
      (_, index) => ring.requests[(second + 1 + index) % keptSeconds]!,
    );
    const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);
    return {
      perSecond,
      lastMinute: sum(perSecond),
      failuresLastMinute: sum(ring.failures),
      rate: sum(perSecond.slice(-6, -1)) / 5,
    };
  }

  #ringOf(route: string | null, second: number): Ring {
    let ring = this.#rings.get(route);
    if (ring === undefined) {
      if (this.#rings.size >= mostKept) this.#rings.delete(this.#rings.keys().next().value!);
      ring = { requests: new Float64Array(keptSeconds), failures: new Float64Array(keptSeconds), second };
      this.#rings.set(route, ring);
    }
    turn(ring, second);
    return ring;
  }
}

/** Empties the seconds that have come since. */
function turn(ring: Ring, second: number): void {
  const passed = Math.min(second - ring.second, keptSeconds);
  for (let step = 1; step <= passed; step += 1) {
    ring.requests[(ring.second + step) % keptSeconds] = 0;
    ring.failures[(ring.second + step) % keptSeconds] = 0;
  }
  if (passed > 0) ring.second = second;
}

const silence: Activity = {
  perSecond: Array.from({ length: keptSeconds }, () => 0),
  lastMinute: 0,
  failuresLastMinute: 0,
  rate: 0,
};
