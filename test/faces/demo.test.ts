/**
 * @module `portolan demo` as its users meet it: built, run as a process, interrupted, killed, piped.
 */
import { widthOf } from "../../src/core/index.ts";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterEach, describe, expect, test } from "vitest";
import type { DemoEvent, DemoResult } from "../../src/operations/demo.ts";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

const started: ChildProcessByStdio<null, Readable, Readable>[] = [];

afterEach(() => {
  for (const child of started.splice(0)) child.kill("SIGKILL");
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Runs `portolan demo --json` until it waits. */
async function startWaiting() {
  const child = spawn(process.execPath, [commandPath, "demo", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  const closed = once(child, "close");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const pids: number[] = [];
  const folders: string[] = [];
  for (;;) {
    const line = await lines.next();
    if (line.done === true) throw new Error("the demo ended before it waited");
    const event = JSON.parse(line.value) as DemoEvent;
    if (event.kind === "started") pids.push(...event.servers.map(({ pid }) => pid));
    if (event.kind === "chart") folders.push(...event.services.flatMap(({ project }) => project?.value.root ?? []));
    if (event.kind === "waiting") return { child, closed, lines, pids, folders };
  }
}

describe("demo", () => {
  test("--once tells everything and ends well, on a narrow page too, without a control character in a pipe", async () => {
    const { stdout, stderr, status } = await runCommand(["demo", "--once"], { environment: { COLUMNS: "40" } });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    for (const word of ["One address", "harbour-api", "harbour-site", "harbour-live", "http://127.0.0.1:", "3 of 3"]) {
      expect(stdout).toContain(word);
    }
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    // A word that is longer than the page stays whole.
    expect(stdout.split("\n").filter((line) => widthOf(line) > 40 && !/\S{24,}/.test(line))).toEqual([]);
  });

  test("--json is one value a line, the result last", async () => {
    const { stdout, status } = await runCommand(["demo", "--once", "--json"]);
    expect(status).toBe(0);
    const values = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as DemoEvent | DemoResult);
    expect(values.slice(0, -1).map((event) => "kind" in event && event.kind)).toEqual([
      "started",
      "chart",
      "answer",
      "answer",
      "answer",
    ]);
    const result = values.at(-1) as DemoResult;
    expect(result.complete).toBe(true);
    expect(result.answers.map(({ answeredBy }) => answeredBy)).toEqual(result.servers.map(({ name }) => name));
    for (const { pid } of result.servers) expect(isAlive(pid)).toBe(false);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s is its normal end, and its servers end with it", async (signal) => {
    const { child, closed, lines, pids } = await startWaiting();
    expect(pids).toHaveLength(3);
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    child.kill(signal);
    const result = JSON.parse((await lines.next()).value ?? "") as DemoResult;
    expect(result.complete).toBe(true);
    expect(await closed).toEqual([0, null]);
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  });

  test("Ctrl-C, which reaches the servers as well, is no different", async () => {
    const { child, closed, pids } = await startWaiting();
    for (const pid of pids) process.kill(pid, "SIGINT");
    // They have taken no notice: only the command ends them.
    for (const pid of pids) expect(isAlive(pid)).toBe(true);
    child.kill("SIGINT");
    expect(await closed).toEqual([0, null]);
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
  });

  test("servers and their folders do not outlive a command that is killed", async () => {
    const { child, closed, pids, folders } = await startWaiting();
    expect(folders.filter((folder) => existsSync(folder))).toHaveLength(3);
    child.kill("SIGKILL");
    await closed;
    await expect.poll(() => pids.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
  });

  test("where no temporary folder can be made it runs all the same", async () => {
    const { stdout, stderr, status } = await runCommand(["demo", "--once"], {
      environment: { TMPDIR: "/nowhere", COLUMNS: "1000" },
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("3 of 3");
    expect(stdout).toContain("One address serves three applications");
  });
});

describe.skipIf(requireOrSkip("the demo at every address", whyNoNetworkNamespaces()))("demo --lan", () => {
  test("each application answers at every address of the machine", async () => {
    const namespace = await createNetworkNamespace({ addresses: ["10.77.0.2/24"] });
    try {
      const { stdout } = await namespace.execIn(process.execPath, [commandPath, "demo", "--lan", "--once", "--json"]);
      const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as DemoResult;
      const asked = result.servers.flatMap(({ name, port }) =>
        ["10.77.0.2", "127.0.0.1"].map((address) => [`http://${address}:${port}/`, name]),
      );
      expect(result.answers.map(({ url, answeredBy }) => [url, answeredBy]).toSorted()).toEqual(asked.toSorted());
      expect(result.servers.map(({ port }) => port)).toEqual([3000, 5500, 1234]);
    } finally {
      await namespace.destroy();
    }
  });
});
