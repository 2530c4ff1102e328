import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createNetworkNamespace, whyNoNetworkNamespaces, type NetworkNamespace } from "../../../test/support/netns.ts";
import { startPopulation, type Population } from "../../../test/support/population.ts";
import {
  declareCalls,
  isPrivileged,
  iterateHolders,
  readKernelLayout,
  runIterator,
  type BpfCalls,
} from "./bpf-holders.ts";
import type { TaskFileLayout } from "./bpf-type-format.ts";
import { walkHoldersNatively } from "./holders-native.ts";
import { buildInodeIndex, groupFindings, type InodeIndex } from "./inode-index.ts";
import { loadNativeAccess, type NativeAccess } from "./libc.ts";

// So that it can be made to fail as a whole.
vi.mock(import("./bpf-holders.ts"), async (original) => {
  const actual = await original();
  return { ...actual, iterateHolders: vi.fn(actual.iterateHolders) };
});

const access = loadNativeAccess();
const layout = readKernelLayout("/sys/kernel/btf/vmlinux");

/** Not an error anywhere: kernels are built without it, and containers keep it away. */
const reason = await whyNoIterator();
if (reason !== null) console.log(`skipped: holders by the kernel's iterator: ${reason}`);

async function whyNoIterator(): Promise<string | null> {
  if (process.platform !== "linux" || access === null) return "it takes Linux and koffi";
  if (!isPrivileged()) return "it takes root in the first namespaces, without a filter of system calls";
  if (layout === undefined) return "this kernel does not describe its types in /sys/kernel/btf";
  const calls = declareCalls(access);
  if (calls === undefined) return `the number of bpf(2) on ${process.arch} is not known`;
  const index = buildInodeIndex([], 0);
  const told = await runIterator(calls, layout, { index, search: "all", signal: undefined });
  return told === undefined ? "this kernel refuses the program" : whyNoNetworkNamespaces();
}

describe.skipIf(reason !== null)("holders by the kernel's iterator", () => {
  const native = access as NativeAccess;
  const known = layout as TaskFileLayout;
  const calls = declareCalls(native) as BpfCalls;
  let namespace: NetworkNamespace;
  let population: Population;
  let index: InodeIndex;
  let inodes: number[];

  beforeAll(async () => {
    namespace = await createNetworkNamespace();
    population = await startPopulation({ listeners: 300, processes: 20, pairs: 3000, namespace });
    inodes = [...new Set(population.pids.flatMap(socketsOf))];
    index = buildInodeIndex(inodes, inodes.length);
  });
  afterAll(async () => {
    await population.stop();
    await namespace.destroy();
  });

  /** Inodes of the sockets that a process holds. */
  function socketsOf(pid: number): number[] {
    const links = readdirSync(`/proc/${pid}/fd`).map((name) => readlinkSync(`/proc/${pid}/fd/${name}`));
    return links.filter((link) => link.startsWith("socket:[")).map((link) => Number(link.slice(8, -1)));
  }

  const request = (search: "all" | "first" = "all", signal?: AbortSignal) => ({ index, search, signal });

  function allHolders(findings: Parameters<typeof groupFindings>[1]): unknown {
    const holdersOf = groupFindings(index, findings);
    return inodes.map((inode) => [inode, holdersOf(inode)]);
  }

  test("are the walk's, pid by pid and descriptor by descriptor, and the truth", async () => {
    const iterated = await runIterator(calls, known, request());
    const walked = await walkHoldersNatively(native, request(), Infinity);
    expect(allHolders([iterated!.findings])).toEqual(allHolders(walked.findings));
    const holdersOf = groupFindings(index, [iterated!.findings]);
    for (const { inode, holders } of population.listeners) expect(holdersOf(inode)).toEqual(holders);
    expect(population.listeners.length).toBe(300);
    expect(inodes.length).toBeGreaterThanOrEqual(6300);
  });

  test.each(["all", "first"] as const)(
    "come into the walk's answer from a number of descriptors on (%s)",
    async (search) => {
      vi.mocked(iterateHolders).mockClear();
      const { findings, ...rest } = await walkHoldersNatively(native, request(search), 0);
      expect(await vi.mocked(iterateHolders).mock.results[0]!.value).toMatchObject({ complete: true });
      const holdersOf = groupFindings(index, findings);
      for (const { inode, holders } of population.listeners) expect(holdersOf(inode)).toEqual(holders);
      expect(rest).toMatchObject({ complete: true, unreadableCount: 0 });
      expect(rest.processCount).toBeGreaterThanOrEqual(20);
    },
  );

  test.each([
    ["refused", () => Promise.resolve(undefined)],
    ["without the calls", () => Promise.reject(new Error("no such function"))],
  ])("%s, the walk answers", async (_name, answer) => {
    vi.mocked(iterateHolders).mockClear().mockImplementationOnce(answer);
    const { findings, complete } = await walkHoldersNatively(native, request(), 0);
    expect(iterateHolders).toHaveBeenCalledOnce();
    const holdersOf = groupFindings(index, findings);
    for (const { inode, holders } of population.listeners) expect(holdersOf(inode)).toEqual(holders);
    expect(complete).toBe(true);
  });

  test("below that number nobody asks for them", async () => {
    vi.mocked(iterateHolders).mockClear();
    await walkHoldersNatively(native, request(), Infinity);
    expect(iterateHolders).not.toHaveBeenCalled();
  });

  test("an abort ends the reading and is told", async () => {
    const told = await runIterator(calls, known, request("all", AbortSignal.abort()));
    expect(told).toMatchObject({ complete: false });
    expect(told!.findings.length).toBe(0);
  });

  test("answers that end in the middle of a record are put together again", async () => {
    for (const size of [1, 7, 4099]) {
      // At most so many bytes at once.
      const narrow: BpfCalls = {
        ...calls,
        read: (descriptor, into, at) => calls.read(descriptor, into.subarray(0, at + size), at),
      };
      const wanted = population.listeners[0]!;
      const single = { ...request(), index: buildInodeIndex([wanted.inode], 1) };
      const told = await runIterator(narrow, known, single);
      expect(groupFindings(single.index, [told!.findings])(wanted.inode)).toEqual(wanted.holders);
    }
  });

  describe("a failure anywhere leaves it to the walk, and nothing open", () => {
    function failing(step: string, errno: number): BpfCalls {
      const names: Readonly<Record<number, string>> = { 5: "load", 28: "link", 33: "iterator" };
      let failed = false;
      return {
        ...calls,
        bpf(command, attributes) {
          failed = names[command] === step;
          return failed ? -1 : calls.bpf(command, attributes);
        },
        read(descriptor, into, at) {
          failed = step === "read" || (step === "second read" && at === 0 && !first);
          first = false;
          return failed ? -1 : calls.read(descriptor, into, at);
        },
        errno: () => (failed ? errno : calls.errno()),
      };
    }
    let first = true;

    test.each(
      ["load", "link", "iterator", "read", "second read"].flatMap((step) =>
        [1, 4, 11, 12, 22, 24, 38].map((errno) => [step, errno] as const),
      ),
    )("%s with error %i", async (step, errno) => {
      const before = openPrograms();
      first = true;
      expect(await runIterator(failing(step, errno), known, request())).toBeUndefined();
      expect(openPrograms()).toBe(before);
    });

    test("a layout of another kernel", async () => {
      const before = openPrograms();
      for (const wrong of [
        { iteratorId: known.iteratorId + 1 },
        { iteratorId: 0x7fffffff },
        { fileInodeAt: known.fileInodeAt + 4 },
        { inodeNumberAt: 0x7fff },
        { processIdAt: 0x7fff },
        { outputAt: 0x7ff8 },
      ]) {
        expect(await runIterator(calls, { ...known, ...wrong }, request())).toBeUndefined();
      }
      expect(openPrograms()).toBe(before);
    });
  });

  test("nothing of it stays in the kernel", async () => {
    const before = openPrograms();
    let during = 0;
    const watching: BpfCalls = {
      ...calls,
      read(descriptor, into, at) {
        during = openPrograms();
        return calls.read(descriptor, into, at);
      },
    };
    await runIterator(watching, known, request());
    expect(during).toBeGreaterThan(before);
    await runIterator(calls, known, request("all", AbortSignal.abort()));
    expect(openPrograms()).toBe(before);
  });
});

/** How many of this process's descriptors belong to programs. */
function openPrograms(): number {
  let count = 0;
  for (const descriptor of readdirSync("/proc/self/fdinfo")) {
    try {
      if (/^(?:prog_|link_|iter_)/m.test(readFileSync(`/proc/self/fdinfo/${descriptor}`, "latin1"))) count++;
    } catch {
      // The descriptor by which this folder was listed.
    }
  }
  return count;
}

test("without a description of types there is no layout", () => {
  expect(readKernelLayout("/nonexistent/vmlinux")).toBeUndefined();
  expect(readKernelLayout("/proc/self")).toBeUndefined();
  expect(readKernelLayout(import.meta.filename)).toBeUndefined();
});
