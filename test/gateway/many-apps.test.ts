/**
 * @module Thirteen programs that `run` starts at the same moment, a gateway that is killed under them, and all of them ended at once.
 */
import { type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GatewayResult } from "../../src/operations/gateway.ts";
import type { RoutesResult } from "../../src/operations/routes.ts";
import { isServing, startGatewayProcess, type GatewayProcess } from "../support/gateway-process.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { commandPath } from "../support/run-command.ts";

const skip = requireOrSkip("thirteen programs at once", whyNoNetworkNamespaces());
const names = Array.from({ length: 13 }, (_, index) => `app-${String(index).padStart(2, "0")}`);
const app =
  'require("http").createServer((q,s)=>s.end(process.env.PORTOLAN_NAME+" "+process.pid)).listen(process.env.PORT,"127.0.0.1")';

describe.skipIf(skip)("thirteen programs", () => {
  let device: NetworkNamespace;
  let gateway: GatewayProcess;
  let running: ChildProcess[] = [];

  beforeAll(async () => {
    device = await createNetworkNamespace();
    gateway = await startGatewayProcess({ namespace: device });
  });

  afterAll(async () => {
    await gateway.portolan(["gateway", "stop"]);
    await gateway.close();
    await device.destroy();
  });

  /** Starts it and waits until its program listens. */
  async function run(name: string): Promise<void> {
    const child = device.spawnIn(
      process.execPath,
      [commandPath, "run", "--json", name, "--", process.execPath, "-e", app],
      {
        env: { PATH: process.env["PATH"], HOME: gateway.folder, PORTOLAN_STATE_HOME: gateway.folder },
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    running.push(child);
    for await (const line of createInterface({ input: child.stdout! })) if (line.includes('"listening"')) return;
    throw new Error(`${name} ended with ${child.exitCode}`);
  }

  async function routes(): Promise<RoutesResult["routes"]> {
    return (JSON.parse((await gateway.portolan(["routes", "--json"])).stdout) as RoutesResult).routes;
  }

  /** What a client in the namespace gets from each, in one process. */
  async function askAll(): Promise<string[]> {
    const script = `
      const { get } = require("http");
      const ask = (host) => new Promise((done) => get({ host: "127.0.0.1", port: 80, agent: false, headers: { host } }, (s) => {
        let t = ""; s.on("data", (d) => t += d); s.on("end", () => done(t));
      }).on("error", (e) => done(e.code)));
      Promise.all(process.argv.slice(1).map(ask)).then((all) => console.log(JSON.stringify(all)));`;
    const { stdout } = await device.execIn(process.execPath, [
      "-e",
      script,
      ...names.map((name) => `${name}.localhost`),
    ]);
    return JSON.parse(stdout) as string[];
  }

  test("started at the same moment: thirteen routes, and each name leads to its own", { timeout: 60_000 }, async () => {
    const startedMs = performance.now();
    await Promise.all(names.map(run));
    console.log(`13 programs up after ${((performance.now() - startedMs) / 1000).toFixed(1)} s`);
    const listed = await routes();
    expect(listed.map(({ name, state }) => [name, state])).toEqual(
      names.map((name) => [`${name}.localhost`, "running"]),
    );
    expect(await askAll()).toEqual(listed.map(({ name, pid }) => `${name} ${pid}`));
    expect(new Set(listed.map(({ target }) => target)).size).toBe(13);
  });

  test(
    "a gateway that is killed takes none of them along; the next one leads to all of them",
    { timeout: 60_000 },
    async () => {
      const before = await askAll();
      const { pid } = (await gateway.status())!;
      const files = readdirSync(join(gateway.folder, "routes")).toSorted();
      process.kill(pid, "SIGKILL");
      await expect.poll(() => isServing(pid)).toBe(false);
      // Its socket lies there still, and nobody answers.
      expect(readdirSync(join(gateway.folder, "gateway"))).toContain("control.sock");
      expect(await gateway.status()).toBeNull();
      expect(await askAll()).toEqual(names.map(() => "ECONNREFUSED"));
      expect((await routes()).map(({ state }) => state)).toEqual(names.map(() => "running"));
      expect((await gateway.portolan(["gateway"])).status).toBe(1);
      // Whoever needs one next starts it: here several at the same moment.
      const added = await Promise.all([1, 2, 3].map((one) => gateway.portolan(["route", "add", `new-${one}`, "3000"])));
      expect(added.map(({ status, stderr }) => [status, stderr])).toEqual(added.map(() => [0, ""]));
      const now = JSON.parse((await gateway.portolan(["gateway", "--json"])).stdout) as GatewayResult;
      expect(now.pid).not.toBe(pid);
      expect(now.listeners[0]).toEqual({ scheme: "http", addresses: ["127.0.0.1", "::1"], port: 80 });
      expect(await askAll()).toEqual(before);
      expect(readdirSync(join(gateway.folder, "routes")).toSorted()).toEqual(expect.arrayContaining(files));
      for (const child of running) expect(child.exitCode).toBeNull();
      // No file that was begun and not put in its place.
      expect(readdirSync(join(gateway.folder, "routes")).filter((name) => !name.endsWith(".json"))).toEqual([]);
      for (const one of [1, 2, 3]) await gateway.portolan(["route", "remove", `new-${one}`]);
    },
  );

  test("ended at the same moment: no route is left, and no process", { timeout: 60_000 }, async () => {
    const pids = (await routes()).map(({ pid }) => pid!);
    const ended = Promise.all(running.map((child) => once(child, "exit")));
    for (const child of running) child.kill("SIGTERM");
    expect(await ended).toEqual(running.map(() => [143, null]));
    running = [];
    expect(await routes()).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
    expect(await askAll()).toEqual(
      names.map((name) => expect.stringContaining(`No application is called ${name}.localhost`)),
    );
  });

  function isAlive(pid: number): boolean {
    try {
      return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
    } catch {
      return false;
    }
  }
});
