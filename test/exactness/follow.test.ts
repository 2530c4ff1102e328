/**
 * @module `list --follow` under churn: a program opens and closes listeners and keeps a ledger, and nothing in it that lived longer than the
 * interval may be missing from what was told.
 */
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import type { FollowEvent, FollowResult } from "../../src/operations/follow.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const firstPort = 10_000;

/** Opens ten listeners every ten milliseconds for three seconds, each on its own port for up to so many milliseconds as its argument says, and prints when each was open. */
const churn = `
  const { createServer } = require("node:net");
  const ledger = [];
  let port = ${firstPort};
  let left = 0;
  let ended = false;
  const finish = () => { if (ended && left === 0) console.log(JSON.stringify(ledger)); };
  const timer = setInterval(() => {
    for (let count = 0; count < 10; count++) {
      const entry = { port: port++ };
      left++;
      const server = createServer().listen(entry.port, "127.0.0.1", () => {
        entry.openMs = Date.now();
        setTimeout(() => {
          entry.closeMs = Date.now();
          ledger.push(entry);
          server.close(() => { left--; finish(); });
        }, Math.random() * Number(process.argv[1]));
      });
    }
  }, 10);
  setTimeout(() => { clearInterval(timer); ended = true; finish(); }, 3000);
`;

describe.skipIf(requireOrSkip("list --follow", whyNoNetworkNamespaces()))("list --follow", () => {
  let place: NetworkNamespace;

  beforeAll(async () => {
    place = await createNetworkNamespace();
  });
  afterAll(() => place.destroy());

  test.each<[string, number]>([
    ["netlink", 150],
    ["proc", 500],
  ])("by %s loses nothing that lived longer than the interval of %i ms", async (reader, intervalMs) => {
    const words = ["list", "--follow", "--ndjson", "--interval", `${intervalMs}ms`, "--reader", reader];
    const watcher = place.spawnIn(process.execPath, [commandPath, ...words], { stdio: ["ignore", "pipe", "inherit"] });
    const lines: (FollowEvent | FollowResult)[] = [];
    const reading = createInterface({ input: watcher.stdout! });
    reading.on("line", (line) => lines.push(JSON.parse(line) as FollowEvent | FollowResult));
    const closed = once(reading, "close");
    await once(reading, "line");
    const worker = place.spawnIn(process.execPath, ["-e", churn, String(4 * intervalMs)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let text = "";
    worker.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
    await once(worker, "close");
    const ledger = JSON.parse(text) as { port: number; openMs: number; closeMs: number }[];
    expect(ledger.length).toBeGreaterThan(1000);
    // The last one has closed; what is told of it is awaited, as long as a test may take.
    while (openAtEnd(lines).size > 0) await once(reading, "line");
    watcher.kill("SIGINT");
    const [status] = (await once(watcher, "exit")) as [number | null];
    await closed;
    expect(status).toBe(0);

    const result = lines.at(-1) as FollowResult;
    expect(result.complete).toBe(true);
    // What the machine had no time for is stated, and must be the exception.
    expect(result.longestGapMs).toBeLessThan(4 * intervalMs);
    console.log(`${reader}: ${ledger.length} listeners, longest gap ${result.longestGapMs} of ${intervalMs} ms`);
    const events = lines.slice(0, -1) as FollowEvent[];
    const told = new Map<number, string[]>();
    for (const event of events) {
      if (event.kind !== "appeared" && event.kind !== "disappeared") continue;
      const { port } = event.service;
      told.set(port, [...(told.get(port) ?? []), event.kind]);
    }
    const wanted = ledger.filter(
      ({ openMs, closeMs }) => closeMs - openMs > Math.max(intervalMs, result.longestGapMs) + 1,
    );
    expect(wanted.length).toBeGreaterThan(100);
    expect(wanted.filter(({ port }) => !told.has(port))).toEqual([]);
    // Each came once and went once, in that order, and nothing was made up.
    for (const [port, kinds] of told) expect([port, kinds]).toEqual([port, ["appeared", "disappeared"]]);
    const opened = new Set(ledger.map(({ port }) => port));
    expect([...told.keys()].filter((port) => !opened.has(port))).toEqual([]);
    expect(events.filter(({ kind }) => kind === "missed")).toEqual([]);
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(readFileSync(new URL("../../dist/schema/follow-event.json", import.meta.url), "utf8")) as object,
    );
    for (const event of events.slice(0, 50)) expect(validate(event), JSON.stringify(validate.errors)).toBe(true);
  });

  test("a restart is a disappearance and an appearance, in this order", async () => {
    const port = 9321;
    const server = `require("node:net").createServer().listen(${port}, "127.0.0.1", () => console.log("up"))`;
    const start = async (): Promise<ReturnType<NetworkNamespace["spawnIn"]>> => {
      const child = place.spawnIn(process.execPath, ["-e", server], { stdio: ["ignore", "pipe", "inherit"] });
      await once(child.stdout!, "data");
      return child;
    };
    const first = await start();
    const watcher = place.spawnIn(process.execPath, [commandPath, "follow", "--json", "--interval", "60ms"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const reading = createInterface({ input: watcher.stdout! });
    const lines = reading[Symbol.asyncIterator]();
    const next = async (): Promise<FollowEvent> => JSON.parse(String((await lines.next()).value)) as FollowEvent;
    expect(await next()).toMatchObject({ kind: "start", services: [{ port }] });
    const ended = once(first, "exit");
    first.kill("SIGKILL");
    await ended;
    const second = await start();
    const [gone, came] = [await next(), await next()];
    expect(gone).toMatchObject({ kind: "disappeared", service: { port } });
    expect(came).toMatchObject({ kind: "appeared", service: { port, holders: { value: [{ pid: second.pid }] } } });
    const end = once(second, "exit");
    second.kill("SIGKILL");
    await end;
    expect(await next()).toMatchObject({ kind: "disappeared" });
    watcher.kill("SIGTERM");
    expect(await once(watcher, "exit")).toEqual([0, null]);
  });

  test("ends quietly when the reader goes away", async () => {
    const watcher = place.spawnIn(process.execPath, [commandPath, "follow", "--ndjson", "--interval", "20ms"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    watcher.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
    await once(watcher.stdout!, "data");
    watcher.stdout!.destroy();
    const ended = once(watcher, "exit");
    const server = place.spawnIn(process.execPath, [
      "-e",
      `require("node:net").createServer().listen(9322, "127.0.0.1"); setTimeout(() => process.exit(), 1000)`,
    ]);
    expect(await ended).toEqual([0, null]);
    expect(said).toBe("");
    server.kill("SIGKILL");
  });
});

/** Ports that have appeared and not gone. */
function openAtEnd(lines: readonly (FollowEvent | FollowResult)[]): Set<number> {
  const open = new Set<number>();
  for (const line of lines) {
    if (!("kind" in line)) continue;
    if (line.kind === "appeared") open.add(line.service.port);
    if (line.kind === "disappeared") open.delete(line.service.port);
  }
  return open;
}
