/**
 * @module Requests counted by route, with examples, some times a second: for who could not read thousands of lines. However many requests there
 * are, a report holds so many examples and says how many it left out; what is counted is complete.
 */
import type { GatewayTrace, Traces } from "./trace.ts";

/** Requests that one route took. */
export interface RouteTraffic {
  /** `null`: no route took them, as the gateway's own page and names that nobody has. */
  readonly route: string | null;
  readonly requests: number;
  /** Of them: without an answer, or with one of 500 and above. */
  readonly failures: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** Of all of them together. */
  readonly elapsedMs: number;
}

/** What happened since the last report. */
export interface TrafficReport {
  readonly atMs: number;
  readonly routes: readonly RouteTraffic[];
  /** In the order in which they ended. */
  readonly examples: readonly GatewayTrace[];
  /** Requests that the examples could have been and are not. */
  readonly leftOut: number;
}

/** Time from the first request that was not reported yet to its report, milliseconds. */
const paceMs = 250;
/** Examples of a report, altogether and of one route: a busy name does not hide the others. */
const mostExamples = 40;
const mostExamplesOfRoute = 10;

type Count = { -readonly [Key in keyof RouteTraffic]: RouteTraffic[Key] };

/**
 * Counts until it is ended. While nothing is asked, nothing is done.
 * @param name examples of this name or route alone; `null` for all
 * @param tell answers whether the reader takes it; what is not taken becomes part of the next report
 * @returns ends it
 */
export function countTraffic(
  traces: Traces,
  name: string | null,
  nowMs: () => number,
  tell: (report: TrafficReport) => boolean,
): () => void {
  const counts = new Map<string | null, Count>();
  let examples: GatewayTrace[] = [];
  let wanted = 0;
  let timer: NodeJS.Timeout | undefined;
  const report = (): void => {
    timer = undefined;
    const routes = [...counts.values()];
    if (!tell({ atMs: nowMs(), routes, examples, leftOut: wanted - examples.length })) {
      timer = setTimeout(report, paceMs);
      return;
    }
    counts.clear();
    examples = [];
    wanted = 0;
  };
  const end = traces.listen((trace) => {
    const { route, status, receivedBytes, sentBytes, elapsedMs } = trace;
    let count = counts.get(route);
    if (count === undefined) {
      count = { route, requests: 0, failures: 0, receivedBytes: 0, sentBytes: 0, elapsedMs: 0 };
      counts.set(route, count);
    }
    count.requests += 1;
    if (status === 0 || status >= 500) count.failures += 1;
    count.receivedBytes += receivedBytes;
    count.sentBytes += sentBytes ?? 0;
    count.elapsedMs += elapsedMs;
    if (name === null || trace.host === name || route === name) {
      wanted += 1;
      if (examples.length < mostExamples && (name !== null || count.requests <= mostExamplesOfRoute))
        examples.push(trace);
    }
    timer ??= setTimeout(report, paceMs);
  });
  return () => {
    end();
    clearTimeout(timer);
  };
}
