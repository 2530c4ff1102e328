/**
 * @module The population of tests holds what it says, by the kernel's own tables, and ends without a trace.
 */
import { readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces, type NetworkNamespace } from "./netns.ts";
import { startPopulation, type Population } from "./population.ts";

const skip = requireOrSkip("population of tests", whyNoNetworkNamespaces());

describe.skipIf(skip)("population", () => {
  let namespace: NetworkNamespace;
  let population: Population;
  beforeAll(async () => {
    namespace = await createNetworkNamespace();
    population = await startPopulation({ listeners: 250, processes: 8, pairs: 400, timeWait: 100, namespace });
  });
  afterAll(async () => {
    await population.stop();
    await namespace.destroy();
  });

  test("has every kind, and every descriptor that it tells of is that socket", () => {
    expect(population.listeners).toHaveLength(250);
    expect(population.pids).toHaveLength(8);
    const kinds = new Set(population.listeners.map((one) => `${one.transport} ${one.family} v6only=${one.v6only}`));
    expect([...kinds].sort()).toEqual([
      "tcp ipv4 v6only=null",
      "tcp ipv6 v6only=false",
      "tcp ipv6 v6only=true",
      "udp ipv4 v6only=null",
      "udp ipv6 v6only=false",
      "udp ipv6 v6only=true",
    ]);
    const descriptors = population.listeners.flatMap((one) => one.holders.flatMap((holder) => holder.fileDescriptors));
    expect(descriptors.some((descriptor) => descriptor > 1000)).toBe(true);
    expect(population.listeners.some((one) => one.holders.length === 3)).toBe(true);
    expect(population.listeners.some((one) => one.holders[0]!.fileDescriptors.length === 2)).toBe(true);
    const places = population.listeners.map((one) => `${one.transport} ${one.address} ${one.port}`);
    expect(new Set(places).size).toBeLessThan(places.length); // Groups of SO_REUSEPORT.
    for (const { inode, holders } of population.listeners) {
      for (const { pid, fileDescriptors } of holders) {
        for (const descriptor of fileDescriptors) {
          expect(readlinkSync(`/proc/${pid}/fd/${descriptor}`)).toBe(`socket:[${inode}]`);
        }
      }
    }
  });

  test("has its connections, and fills TIME_WAIT up", async () => {
    const countState = (state: string): number =>
      ["tcp", "tcp6"]
        .flatMap((name) => readFileSync(`/proc/${population.pids[0]}/net/${name}`, "utf8").split("\n"))
        .filter((line) => line.trim().split(/\s+/)[3] === state).length;
    expect(countState("01")).toBe(800);
    expect(countState("06")).toBe(100);
    expect(await population.topUpTimeWait()).toBe(100);
    const tcpListeners = population.listeners.filter((one) => one.transport === "tcp");
    expect(countState("0A")).toBe(tcpListeners.length);
  });

  test("ends without a trace", async () => {
    await population.stop();
    for (const pid of population.pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
    // Only the asking program itself is there.
    expect((await namespace.execIn("ip", ["netns", "pids", namespace.name])).stdout).toMatch(/^\d+\n$/);
  });
});
