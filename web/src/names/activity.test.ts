import { expect, test } from "vitest";
import { ActivityLog, keptSeconds } from "./activity.ts";

const countOf = (route: string | null, requests: number, failures = 0) => ({
  routes: [{ route, requests, failures, receivedBytes: 0, sentBytes: 0, elapsedMs: 0 }],
});

test("seconds move on, and what is older than a minute is forgotten", () => {
  const log = new ActivityLog();
  log.take(countOf("shop", 3, 1), 100_000);
  log.take(countOf("shop", 2), 100_250);
  log.take(countOf("shop", 7), 103_999);
  const now = log.of("shop", 104_500);
  expect(now.perSecond.slice(-6)).toEqual([0, 5, 0, 0, 7, 0]);
  expect(now).toMatchObject({ lastMinute: 12, failuresLastMinute: 1, rate: 12 / 5 });
  expect(log.of("shop", 160_500).perSecond[0]).toBe(0);
  expect(log.of("shop", 160_500)).toMatchObject({ lastMinute: 7, failuresLastMinute: 0, rate: 0 });
  expect(log.of("shop", 1_000_000).lastMinute).toBe(0);
});

test("a gap of more than a minute leaves nothing", () => {
  const log = new ActivityLog();
  for (let second = 0; second < keptSeconds; second += 1) log.take(countOf(null, 1), second * 1000);
  expect(log.of(null, 59_000).lastMinute).toBe(60);
  log.take(countOf(null, 4), 500_000);
  expect(log.of(null, 500_000).lastMinute).toBe(4);
  expect(log.of("never seen", 500_000)).toMatchObject({ lastMinute: 0, rate: 0 });
});
