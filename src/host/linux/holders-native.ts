/**
 * @module Who holds which socket, by system calls: the same links as holders.ts reads, without a string for each, and by
 * several threads when there are many.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { HolderRequest, HolderWalk } from "./holders.ts";
import type { NativeAccess } from "./libc.ts";
import { createNativeWalk, type NativeWalk, type WalkPlan } from "./native-walk.ts";
import type { WalkWorker } from "./native-worker.ts";
import { createPause, stretchMs } from "./pause.ts";
import { directoryCallOf, takeCensus, type ProcessCensus } from "./process-census.ts";
import { parseProcessStat } from "./process-stat.ts";

/** With so many descriptors per thread, another thread is worth its start. */
const descriptorsPerThread = 12_000;
const mostThreads = 4;
/** A thread takes no more descriptors than this at once, so that all end at about the same time. */
const descriptorsPerItem = 2048;
/** Descriptors that `first` looks at in every process before it looks at more in any: servers listen early. */
const lowDescriptors = 64;
const everyDescriptor = 0x7fffffff;

/**
 * Looks through every process's descriptors. Processes that end meanwhile are left out.
 * @throws koffi's error when the calls are not to be had
 */
export async function walkHoldersNatively(access: NativeAccess, request: HolderRequest): Promise<HolderWalk> {
  const { index, search, signal } = request;
  const census = takeCensus(access);
  if (census === undefined) return { findings: [], complete: true, unreadableCount: 0, processCount: null };
  const processCount = census.count;
  if (index.count === 0) return { findings: [], complete: true, unreadableCount: 0, processCount };
  const items = planItems(census, search);
  const plan: WalkPlan = {
    keys: index.keys,
    items,
    claims: new Int32Array(new SharedArrayBuffer((2 + items.length / 4) * 4)),
    directoryCall: directoryCallOf(access),
  };
  const workers = search === "first" ? [] : await startWorkers(access, plan, census.descriptorCount);
  const walk = createNativeWalk(access.koffi, access.library, plan, 1, search === "first" ? index.count : 0);
  const complete = await runToEnd(walk, plan, signal);
  const findings = [walk.findings()];
  const unreadable = new Set(walk.unreadable());
  for (const worker of workers) {
    // One that has claimed nothing by now will find nothing.
    const begun = plan.claims.includes(worker.number, 2);
    const result = begun ? await worker.result : undefined;
    worker.stop();
    if (!begun || (result === undefined && !complete)) continue;
    const part = result ?? walkAgain(access, plan, worker.number);
    findings.push(part);
    for (const pid of part.unreadable) unreadable.add(pid);
  }
  return { findings, complete, unreadableCount: countUnreadable(unreadable, census), processCount };
}

/** The work cut into pieces; see WalkPlan. */
function planItems(census: ProcessCensus, search: "all" | "first"): Int32Array {
  const items: number[] = [];
  if (search === "first") {
    for (const { folderId, pid } of census.entries) items.push(folderId, pid, 0, lowDescriptors);
    for (const { folderId, pid, descriptorCount = everyDescriptor } of census.entries) {
      // With so few there can still be high numbers, but seldom: they are a cheap look.
      if (descriptorCount > 0) items.push(folderId, pid, lowDescriptors, everyDescriptor);
    }
  } else {
    for (const { folderId, pid, descriptorCount = 0 } of census.entries) {
      let first = 0;
      // Cut by number, not by count: where numbers are sparse some pieces are small and the last is large, but none is lost.
      for (; first + descriptorsPerItem * 1.5 < descriptorCount; first += descriptorsPerItem) {
        items.push(folderId, pid, first, first + descriptorsPerItem);
      }
      items.push(folderId, pid, first, everyDescriptor);
    }
  }
  const shared = new Int32Array(new SharedArrayBuffer(items.length * 4));
  shared.set(items);
  return shared;
}

async function startWorkers(
  access: NativeAccess,
  plan: WalkPlan,
  descriptorCount: number,
): Promise<(WalkWorker & { readonly number: number })[]> {
  const { binaryPath } = access;
  const threads = Math.min(mostThreads, availableParallelism(), Math.floor(descriptorCount / descriptorsPerThread));
  if (binaryPath === null || threads < 2) return [];
  const workers: (WalkWorker & { readonly number: number })[] = [];
  try {
    const { startWalkWorker } = await import("./native-worker.ts");
    for (let number = 2; number <= threads; number++) {
      workers.push({ number, ...startWalkWorker(binaryPath, plan, number) });
    }
  } catch {
    // Threads can be forbidden (--permission, process limits): the walk is the same without, only slower.
  }
  return workers;
}

/** Runs this thread's part, letting the signal in; answers whether the walk came to its end. */
async function runToEnd(walk: NativeWalk, plan: WalkPlan, signal: AbortSignal | undefined): Promise<boolean> {
  const pause = createPause(signal);
  do {
    if (pause.isDue() && (await pause.take())) {
      Atomics.store(plan.claims, 1, 1);
      return false;
    }
  } while (!walk.run(signal === undefined ? Infinity : stretchMs));
  walk.sweep();
  return true;
}

/** What a worker had taken before it failed. */
function walkAgain(access: NativeAccess, plan: WalkPlan, number: number) {
  const items: number[] = [];
  for (let item = 0; item < plan.items.length / 4; item++) {
    if (plan.claims[2 + item] === number) items.push(...plan.items.subarray(item * 4, item * 4 + 4));
  }
  const claims = new Int32Array(2 + items.length / 4);
  const walk = createNativeWalk(access.koffi, access.library, { ...plan, items: Int32Array.from(items), claims }, 1, 0);
  walk.run(Infinity);
  return { ...walk.findings(), unreadable: walk.unreadable() };
}

/** Before Linux 6.2 the kernel's own threads are among those that could not be opened; they hold nothing. */
function countUnreadable(pids: ReadonlySet<number>, census: ProcessCensus): number {
  if (census.descriptorCount > 0) return pids.size;
  let count = 0;
  for (const pid of pids) {
    try {
      if (parseProcessStat(readFileSync(`/proc/${pid}/stat`))?.kernelThread !== true) count++;
    } catch {
      // It has ended.
    }
  }
  return count;
}
