import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { availableParallelism } from "node:os";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { readProcSockets } from "./proc-net.ts";
import { walkHolders } from "./holders.ts";
import { walkHoldersNatively } from "./holders-native.ts";
import { buildInodeIndex, groupFindings, type InodeIndex } from "./inode-index.ts";
import { loadNativeAccess, type NativeAccess } from "./libc.ts";
import { createNativeWalk, type WalkPlan } from "./native-walk.ts";
import { startWalkWorker } from "./native-worker.ts";
import { createPause } from "./pause.ts";
import type * as processCensus from "./process-census.ts";
import { directoryCallOf, takeCensus } from "./process-census.ts";

// So that a small machine is walked by several threads, and threads can be made to fail.
vi.mock(import("./process-census.ts"), async (original) => {
  const actual = await original();
  return { ...actual, takeCensus: vi.fn(actual.takeCensus) };
});
vi.mock(import("./native-worker.ts"), async (original) => ({
  startWalkWorker: vi.fn((await original()).startWalkWorker),
}));

const access = loadNativeAccess();
const servers = Array.from({ length: 5 }, () => createServer());
let index: InodeIndex;
let inodes: number[];

beforeAll(async () => {
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  if (process.platform !== "linux") return;
  const ports = new Set(servers.map((server) => (server.address() as AddressInfo).port));
  inodes = readProcSockets({ root: "" }, { states: "listening", ports }).map((socket) => socket.inode);
  index = buildInodeIndex(inodes, inodes.length);
});
afterAll(() => {
  for (const server of servers) server.close();
});

describe.skipIf(process.platform !== "linux" || access === null)("the walk by system calls", () => {
  const native = access as NativeAccess;
  const request = (search: "all" | "first" = "all", signal?: AbortSignal) => ({ index, search, signal });

  test("finds what the walk by Node's calls finds", async () => {
    const [ours, plain] = [await walkHoldersNatively(native, request()), await walkHolders({ root: "" }, request())];
    for (const inode of inodes) {
      const holders = groupFindings(index, ours.findings)(inode);
      expect(holders).toEqual(groupFindings(index, plain.findings)(inode));
      expect(readlinkSync(`/proc/self/fd/${holders[0]!.fileDescriptors[0]}`)).toBe(`socket:[${inode}]`);
    }
    expect(ours.complete && plain.complete).toBe(true);
  });

  // One processor walks alone.
  test.skipIf(availableParallelism() < 2).each(["all", "first"] as const)(
    "walks again what a failed thread had taken (%s)",
    async (search) => {
      const { takeCensus: takeReally } = await vi.importActual<typeof processCensus>("./process-census.ts");
      // The first look of `first` finds nothing, so that the second one, with threads, has something to do.
      const census = takeReally(native)!;
      vi.mocked(takeCensus).mockReturnValueOnce({ ...census, descriptorCount: 1_000_000 });
      vi.mocked(startWalkWorker).mockImplementation((_path, plan, worker) => {
        // It takes every second item, and then ends without a word.
        for (let item = worker % 2; item + 2 < plan.claims.length; item += 2) {
          Atomics.compareExchange(plan.claims, 2 + item, 0, worker);
        }
        return { result: Promise.resolve(undefined), stop: () => Promise.resolve() };
      });
      const wanted = search === "all" ? index : buildInodeIndex([...inodes, 0xfffffff0], inodes.length + 1);
      const walk = await walkHoldersNatively(native, { ...request(search), index: wanted }, Infinity);
      expect(startWalkWorker).toHaveBeenCalled();
      vi.mocked(startWalkWorker).mockReset();
      const holdersOf = groupFindings(wanted, walk.findings);
      for (const inode of inodes) expect(holdersOf(inode).map((holder) => holder.pid)).toEqual([process.pid]);
    },
  );

  test("an abort before the start looks at nothing", async () => {
    const walk = await walkHoldersNatively(native, request("all", AbortSignal.abort()));
    expect(walk.complete).toBe(false);
    expect(walk.findings.every(({ length }) => length === 0)).toBe(true);
  });

  function planOf(items: readonly number[]): WalkPlan {
    const claims = new Int32Array(2 + items.length / 4);
    return { keys: index.keys, items: Int32Array.from(items), claims, directoryCall: directoryCallOf(native) };
  }
  const whole = 0x7fffffff;

  test("stops between items when its time is over, and goes on where it was", () => {
    const own = [process.pid, process.pid];
    const plan = planOf([...own, 0, 8, ...own, 8, 16, ...own, 16, whole]);
    const walk = createNativeWalk(native.koffi, native.library, plan, 1, 0);
    expect(walk.run(-1)).toBe(false);
    expect(plan.claims[0]).toBe(1);
    expect(walk.run(Infinity)).toBe(true);
    expect(walk.findings().length).toBe(3 * inodes.length);
  });

  test("pieces of one process make up the whole, without overlap", () => {
    for (const size of [1, 3, 64]) {
      const items: number[] = [];
      for (let first = 0; first < 512; first += size) items.push(process.pid, process.pid, first, first + size);
      items.push(process.pid, process.pid, Math.ceil(512 / size) * size, whole);
      const walk = createNativeWalk(native.koffi, native.library, planOf(items), 1, 0);
      walk.run(Infinity);
      expect(walk.findings().length).toBe(3 * inodes.length);
    }
  });

  test("a request to stop is heard, and what nobody took is swept up otherwise", () => {
    const plan = planOf([process.pid, process.pid, 0, whole]);
    plan.claims[1] = 1;
    const stopped = createNativeWalk(native.koffi, native.library, plan, 1, 0);
    expect(stopped.run(Infinity)).toBe(true);
    stopped.sweep();
    expect(stopped.findings().length).toBe(0);
    plan.claims[1] = 0;
    plan.claims[0] = 1;
    const sweeping = createNativeWalk(native.koffi, native.library, plan, 1, 0);
    expect(sweeping.run(Infinity)).toBe(true);
    expect(sweeping.findings().length).toBe(0);
    sweeping.sweep();
    expect(sweeping.findings().length).toBe(3 * inodes.length);
  });

  test("a process that is not there is passed over", () => {
    const walk = createNativeWalk(native.koffi, native.library, planOf([2_000_000_000, 2_000_000_000, 0, whole]), 1, 0);
    expect(walk.run(Infinity)).toBe(true);
    expect([walk.findings().length, walk.unreadable()]).toEqual([0, []]);
  });

  test("the census counts this process's descriptors as the folder has them", async () => {
    const { takeCensus: takeReally } = await vi.importActual<typeof processCensus>("./process-census.ts");
    const census = takeReally(native)!;
    const own = census.entries.find((entry) => entry.pid === process.pid);
    expect(own).toMatchObject({ folderId: process.pid });
    expect(census.count).toBeGreaterThanOrEqual(census.entries.length);
    expect(census.descriptorCount === 0 || (own?.descriptorCount ?? 0) >= inodes.length).toBe(true);
  });
});

test("without a signal there is nobody to pause for; with one, a pause lets the abort in", async () => {
  expect(createPause(undefined).isDue()).toBe(false);
  const abort = new AbortController();
  const pause = createPause(abort.signal);
  setImmediate(() => {
    abort.abort();
  });
  expect(await pause.take()).toBe(true);
  expect(pause.isDue()).toBe(true);
  expect(await createPause(new AbortController().signal).take()).toBe(false);
});
