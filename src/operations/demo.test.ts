import { existsSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { knownOr } from "../core/index.ts";
import { createUnsupportedHost } from "../host/unsupported.ts";
import { closeServer, listenTcp } from "../../test/support/listeners.ts";
import { createContext } from "./bind-operation.ts";
import { runDemo, type DemoEvent, type DemoInput, type DemoResult } from "./demo.ts";
import type { OperationContext } from "./operation.ts";

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  while (cleanups.length > 0) await cleanups.pop()?.();
});

/** Runs to the end; `onEvent` may abort. */
async function run(
  input: DemoInput,
  onEvent: (event: DemoEvent, abort: AbortController) => void = () => undefined,
  context: Partial<OperationContext> = {},
): Promise<{ events: DemoEvent[]; result: DemoResult }> {
  const abort = new AbortController();
  const started = runDemo(input, { ...createContext({ signal: abort.signal }), ...context });
  const events: DemoEvent[] = [];
  for (;;) {
    const step = await started.next();
    if (step.done === true) return { events, result: step.value };
    events.push(step.value);
    onEvent(step.value, abort);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function chartOf(events: readonly DemoEvent[]) {
  const chart = events.find((event) => event.kind === "chart");
  if (chart === undefined) throw new Error("no chart was told");
  return chart;
}

describe("demo", () => {
  test("each application answers behind its own port, the chart shows all three, and nothing is left", async () => {
    const { events, result } = await run({ once: true }, (event) => {
      if (event.kind === "chart") for (const row of event.services) expect(row.reach.scope).toBe("machine");
    });
    expect(events.map(({ kind }) => kind)).toEqual(["started", "chart", "answer", "answer", "answer"]);
    expect(result.complete).toBe(true);
    expect(result.servers.map(({ name }) => name)).toEqual(["harbour-api", "harbour-site", "harbour-live"]);
    for (const [index, answer] of result.answers.entries()) {
      const server = result.servers[index];
      expect(answer).toMatchObject({ status: 200, pid: server?.pid, answeredBy: server?.name, name: server?.name });
      expect(answer.url).toBe(`http://127.0.0.1:${server?.port}/`);
      expect(answer.firstLine).toContain(server?.name);
    }
    const rows = chartOf(events).services;
    expect(rows.map((row) => [row.port, row.project?.value.name, knownOr(row.holders, [])[0]?.pid])).toEqual(
      result.servers.map(({ port, name, pid }) => [port, name, pid]),
    );
    for (const { pid } of result.servers) expect(isAlive(pid)).toBe(false);
    for (const row of rows) expect(existsSync(row.project?.value.root ?? "/")).toBe(false);
  });

  test("the signal while it waits is its normal end", async () => {
    const { events, result } = await run({}, (event, abort) => {
      if (event.kind === "waiting") abort.abort();
    });
    expect(events.at(-1)?.kind).toBe("waiting");
    expect(result.complete).toBe(true);
    for (const { pid } of result.servers) expect(isAlive(pid)).toBe(false);
  });

  test.each(["started", "chart", "answer"] as const)("the signal after %s cuts it short", async (kind) => {
    const { result } = await run({}, (event, abort) => {
      if (event.kind === kind) abort.abort();
    });
    expect(result.complete).toBe(false);
    expect(result.servers).toHaveLength(3);
    expect(result.answers.length).toBeLessThan(3);
    for (const { pid } of result.servers) expect(isAlive(pid)).toBe(false);
  });

  test("a signal that has fired starts nothing", async () => {
    const { events, result } = await run({}, undefined, { signal: AbortSignal.abort() });
    expect(events).toEqual([]);
    expect(result).toEqual({ complete: false, servers: [], answers: [] });
  });

  test("a caller that stops reading leaves no server behind", async () => {
    const started = runDemo({}, createContext());
    const first = await started.next();
    if (first.done === true || first.value.kind !== "started") throw new Error("it did not start");
    const pids = first.value.servers.map(({ pid }) => pid);
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    await started.return({ complete: false, servers: [], answers: [] });
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  });

  test("a taken port moves a server to the next free one", async () => {
    for (const port of [3000, 3001, 5500, 1234]) {
      // Somebody else may hold it already, which serves as well.
      const server = await listenTcp({ port, host: "127.0.0.1" }).catch(() => undefined);
      if (server !== undefined) cleanups.push(() => closeServer(server));
    }
    const { result } = await run({ once: true });
    for (const { port, wantedPort } of result.servers) expect(port).toBeGreaterThan(wantedPort ?? 65_535);
    expect(result.servers[0]?.port).toBeGreaterThan(3001);
    expect(result.answers.map(({ answeredBy }) => answeredBy)).toEqual(result.servers.map(({ name }) => name));
  });

  test("a server that ends while it waits is told; when all have ended there is nothing to wait for", async () => {
    const pids: number[] = [];
    const { events, result } = await run({}, (event) => {
      if (event.kind === "waiting" || event.kind === "ended") {
        const next = pids.shift();
        if (next !== undefined) process.kill(next, "SIGKILL");
      } else if (event.kind === "started") pids.push(...event.servers.map(({ pid }) => pid));
    });
    const ended = events.filter((event) => event.kind === "ended");
    expect(ended.map(({ name }) => name)).toEqual(result.servers.map(({ name }) => name));
    expect(result.complete).toBe(true);
  });

  test("without a reader for this system the chart is left out and said so, and the servers answer", async () => {
    const { events, result } = await run({ once: true }, undefined, { host: createUnsupportedHost("plan9") });
    expect(chartOf(events)).toEqual({ kind: "chart", services: [], unsupported: true });
    expect(result.answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  });
});
