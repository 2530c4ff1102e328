import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Traces, type GatewayTrace } from "./trace.ts";
import { countTraffic, type TrafficReport } from "./traffic.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function traceOf(route: string | null, changes: Partial<GatewayTrace> = {}): GatewayTrace {
  return {
    atMs: 0,
    client: "127.0.0.1:1",
    protocol: "http/1.1",
    secure: false,
    method: "GET",
    host: route ?? "nobody.localhost",
    path: "/",
    route,
    rule: route === null ? "none" : "name",
    target: null,
    pid: null,
    status: 200,
    elapsedMs: 2,
    receivedBytes: 10,
    sentBytes: null,
    failure: null,
    ...changes,
  };
}

function begin(name: string | null = null, takes: () => boolean = () => true) {
  const traces = new Traces();
  const reports: TrafficReport[] = [];
  const end = countTraffic(
    traces,
    name,
    () => 7,
    (report) => {
      if (!takes()) return false;
      reports.push(structuredClone(report));
      return true;
    },
  );
  return { traces, reports, end };
}

test("what is counted is complete, what is shown is bounded and says so", () => {
  const { traces, reports, end } = begin();
  for (let index = 0; index < 5000; index += 1) traces.tell(traceOf("busy.localhost"));
  traces.tell(traceOf("quiet.localhost", { status: 502 }));
  traces.tell(traceOf(null, { status: 404 }));
  expect(reports).toEqual([]);
  vi.advanceTimersByTime(250);
  const [report] = reports;
  expect(report!.routes).toEqual([
    { route: "busy.localhost", requests: 5000, failures: 0, receivedBytes: 50_000, sentBytes: 0, elapsedMs: 10_000 },
    { route: "quiet.localhost", requests: 1, failures: 1, receivedBytes: 10, sentBytes: 0, elapsedMs: 2 },
    { route: null, requests: 1, failures: 0, receivedBytes: 10, sentBytes: 0, elapsedMs: 2 },
  ]);
  // A busy name does not hide the others.
  expect(report!.examples.map(({ route }) => route)).toEqual([
    ...Array.from({ length: 10 }, () => "busy.localhost"),
    "quiet.localhost",
    null,
  ]);
  expect(report!.leftOut).toBe(4990);
  end();
});

test("nothing happens while nothing is asked, and nothing after the end", () => {
  const { traces, reports, end } = begin();
  vi.advanceTimersByTime(10_000);
  expect([reports, vi.getTimerCount()]).toEqual([[], 0]);
  traces.tell(traceOf("shop.localhost"));
  end();
  expect([traces.wanted, vi.getTimerCount()]).toEqual([false, 0]);
});

test("examples of one name alone, and counts of all", () => {
  const { traces, reports, end } = begin("shop.localhost");
  for (let index = 0; index < 60; index += 1) traces.tell(traceOf("shop.localhost", { path: `/${index}` }));
  traces.tell(traceOf("other.localhost"));
  vi.advanceTimersByTime(250);
  expect(reports[0]!.examples.map(({ path }) => path)).toEqual(Array.from({ length: 40 }, (_, index) => `/${index}`));
  expect(reports[0]!.leftOut).toBe(20);
  expect(reports[0]!.routes.map(({ route, requests }) => [route, requests])).toEqual([
    ["shop.localhost", 60],
    ["other.localhost", 1],
  ]);
  end();
});

test("a reader that is slow gets the sum later", () => {
  let takes = false;
  const { traces, reports, end } = begin(null, () => takes);
  traces.tell(traceOf("shop.localhost"));
  vi.advanceTimersByTime(1000);
  traces.tell(traceOf("shop.localhost"));
  takes = true;
  vi.advanceTimersByTime(250);
  expect(reports.map(({ routes }) => routes[0]!.requests)).toEqual([2]);
  vi.advanceTimersByTime(1000);
  expect(reports).toHaveLength(1);
  end();
});
