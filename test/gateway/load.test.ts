/**
 * @module Ten thousand idle WebSockets and a thousand busy connections through one gateway process, clients and servers in processes of their
 * own, all in a network namespace. Where the system gives a process fewer descriptors, so many WebSockets as it gives.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { mebibytes, startGatewayProcess } from "../support/gateway-process.ts";
import { routeOf } from "../support/gateway.ts";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";

const loadPath = fileURLToPath(new URL("../support/gateway-load.mjs", import.meta.url));
const skip = requireOrSkip("the gateway under load", whyNoNetworkNamespaces());

const wantedSockets = Number(process.env["PORTOLAN_LOAD_SOCKETS"] ?? 10_000);
const wantedBusy = Number(process.env["PORTOLAN_LOAD_BUSY"] ?? 1000);
/** What a gateway has open beside its connections, and what it keeps back for itself. */
const ownDescriptors = 100;
/** What it keeps back for connections to servers. */
const upstreamShare = 1 / 16;
/** A busy connection takes up to two to its server: one that was used is free for the next request a moment later. */
const descriptorsOfBusy = 3;

/** Descriptors that a process may have here at most: a limit is raised by those alone who may raise it for the whole machine. */
function mostDescriptors(): number {
  return Number(/^Max open files +\d+ +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1] ?? 1024);
}

interface Counted {
  readonly done: number;
  readonly failures: Readonly<Record<string, number>>;
}

test.skipIf(skip)(
  "idle WebSockets and busy connections: all get through, each gets what is its own, and the memory comes back",
  { timeout: 600_000 },
  async () => {
    const limit = mostDescriptors();
    // Each takes two: one from the client, one to the server.
    const left = limit * (1 - upstreamShare) - ownDescriptors - wantedBusy * descriptorsOfBusy;
    const possible = Math.floor(left / 2);
    const count = Math.min(wantedSockets, possible);
    if (count < wantedSockets)
      console.log(`${count} WebSockets in place of ${wantedSockets}: a process may have ${limit} descriptors here.`);
    const device = await createNetworkNamespace();
    const children: ChildProcess[] = [];
    const start = (words: readonly string[]) => {
      const child = spawn("ip", ["netns", "exec", device.name, process.execPath, loadPath, ...words], {
        stdio: ["pipe", "pipe", "inherit"],
      });
      children.push(child);
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async <Told>(): Promise<Told> => JSON.parse((await lines.next()).value as string) as Told;
      const tell = async <Told>(act: string, options: object = {}): Promise<Told> => {
        child.stdin.write(`${JSON.stringify({ act, ...options })}\n`);
        return await next<Told>();
      };
      return { next, tell };
    };
    const gateway = await startGatewayProcess({ namespace: device });
    try {
      const backend = start(["backend"]);
      const { ports } = await backend.next<{ ports: number[] }>();
      const routes = ports.map((port, index) => routeOf(`app-${index}`, `127.0.0.${index + 1}:${port}`));
      await gateway.addRoutes(...routes);
      const client = start(["client", "80"]);
      // Warm: what every process loads and compiles once is none of a connection's.
      expect(await client.tell("open", { count: 50 })).toEqual({ done: 50, failures: {} });
      expect(await client.tell("echo")).toEqual({ done: 50, failures: {} });
      await client.tell("close");
      await expect.poll(async () => (await gateway.status())!.openConnections).toBe(0);
      const before = await gateway.usage();

      const openedMs = performance.now();
      expect(await client.tell<Counted>("open", { count })).toEqual({ done: count, failures: {} });
      const opening = performance.now() - openedMs;
      expect(await backend.tell("count")).toEqual({ sockets: count });
      const idle = await gateway.usage();
      const each = {
        resident: (idle.residentBytes - before.residentBytes) / count,
        heap: (idle.heapBytes - before.heapBytes) / count,
      };
      console.log(
        `${count} idle WebSockets opened in ${(opening / 1000).toFixed(1)} s: ${mebibytes(before.residentBytes)} → ${mebibytes(idle.residentBytes)}, ` +
          `${(each.resident / 1024).toFixed(1)} KiB each (heap ${(each.heap / 1024).toFixed(1)} KiB), ${idle.descriptors} descriptors`,
      );
      // The connection over which its status was asked may still be closing.
      expect(Math.abs(idle.descriptors - before.descriptors - 2 * count)).toBeLessThanOrEqual(2);
      expect(each.heap).toBeLessThan(24 * 1024);
      expect(each.resident).toBeLessThan(48 * 1024);

      expect(await client.tell("busy", { count: wantedBusy })).toEqual({ done: wantedBusy });
      const askedMs = performance.now();
      expect(await client.tell("ask")).toEqual({ done: 1, failures: {} });
      const asking = performance.now() - askedMs;
      const echoedMs = performance.now();
      expect(await client.tell("echo")).toEqual({ done: count, failures: {} });
      const echoing = performance.now() - echoedMs;
      const rested = await client.tell<{ connections: number; answered: number; failures: object }>("rest");
      expect(rested).toMatchObject({ connections: wantedBusy, failures: {} });
      expect(rested.answered).toBeGreaterThanOrEqual(wantedBusy);
      console.log(
        `with ${wantedBusy} busy connections: a new one was answered after ${asking.toFixed(0)} ms, each WebSocket's echo within ` +
          `${(echoing / 1000).toFixed(1)} s, ${rested.answered} answers, ${mebibytes((await gateway.status())!.residentBytes)}`,
      );

      expect(await client.tell("close")).toEqual({ done: count + wantedBusy });
      await expect.poll(async () => (await gateway.status())!.openConnections, { timeout: 60_000 }).toBe(0);
      expect(await backend.tell("count")).toEqual({ sockets: 0 });
      // The connections that are kept for the next requests end after four seconds.
      await expect
        .poll(async () => (await gateway.usage()).descriptors, { timeout: 60_000, interval: 500 })
        .toBeLessThanOrEqual(before.descriptors);
      const after = await gateway.usage();
      console.log(
        `all closed: ${mebibytes(after.residentBytes)}, heap ${mebibytes(before.heapBytes)} → ${mebibytes(after.heapBytes)}`,
      );
      // What stays are the pool's places for as many connections as there were at once, and compiled code.
      expect(after.heapBytes - before.heapBytes).toBeLessThan(12 * 1024 * 1024);
    } finally {
      for (const child of children) child.kill("SIGKILL");
      await gateway.close();
      await device.destroy();
    }
  },
);
