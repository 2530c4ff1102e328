/**
 * @module Who holds which socket, by system calls: the same links as holders.ts reads, without a string for each, and by
 * several threads when there are many.
 */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { HolderRequest, HolderWalk } from "./holders.ts";
import type { InodeIndex } from "./inode-index.ts";
import type { NativeAccess } from "./libc.ts";
import { createNativeWalk, type NativeWalk, type WalkPlan } from "./native-walk.ts";
import type { WalkWorker } from "./native-worker.ts";
import { createPause, stretchMs } from "./pause.ts";
import { directoryCallOf, takeCensus, type ProcessCensus } from "./process-census.ts";
import { parseProcessStat } from "./process-stat.ts";

/** From so many descriptors on, learning the kernel's layout for its own iterator costs less than the walk (bpf-holders.ts). */
const descriptorsWorthIterating = 10_000;
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
 * @param iterateFrom with so many descriptors or more the kernel's own iterator is tried; it finds the same
 * @throws koffi's error when the calls are not to be had
 */
export async function walkHoldersNatively(
  access: NativeAccess,
  request: HolderRequest,
  iterateFrom = descriptorsWorthIterating,
): Promise<HolderWalk> {
  const { index, search } = request;
  const census = takeCensus(access);
  if (census === undefined) return { findings: [], complete: true, unreadableCount: 0, processCount: null };
  const part: WalkPart = { findings: [], unreadable: new Set(), complete: true };
  if (index.count > 0) {
    const done = search === "first" && (await findEveryLowHolder(access, census, request, part));
    if (!done && !(census.descriptorCount >= iterateFrom && (await iterateProcesses(access, request, part)))) {
      await walkProcesses(access, census, search === "first" ? lowDescriptors : 0, request, part);
    }
  }
  const unreadableCount = countUnreadable(part.unreadable, census);
  return { findings: part.findings, complete: part.complete, unreadableCount, processCount: census.count };
}

/** What has been gathered so far. */
interface WalkPart {
  readonly findings: { readonly data: Int32Array; readonly length: number }[];
  readonly unreadable: Set<number>;
  complete: boolean;
}

/** Looks at the low descriptors of all processes; true when no more is to be looked for. */
async function findEveryLowHolder(
  access: NativeAccess,
  census: ProcessCensus,
  request: HolderRequest,
  part: WalkPart,
): Promise<boolean> {
  const items = census.entries.flatMap(({ folderId, pid }) => [folderId, pid, 0, lowDescriptors]);
  const plan = planWalk(access, request.index, items);
  const walk = createNativeWalk(access.koffi, access.library, plan, 1, request.index.count);
  part.complete = await runToEnd(walk, plan, request.signal);
  gather(part, walk);
  return !part.complete || walk.foundAll();
}

/** Lets the kernel go through all descriptors; false when it does not, and nothing has been found by it. */
async function iterateProcesses(access: NativeAccess, request: HolderRequest, part: WalkPart): Promise<boolean> {
  try {
    const { iterateHolders } = await import("./bpf-holders.ts");
    const found = await iterateHolders(access, request);
    if (found === undefined) return false;
    part.findings.push(found.findings);
    part.complete = found.complete;
    return true;
  } catch {
    return false; // The C library lacks a call.
  }
}

/** Walks with as many threads as that pays for. */
async function walkProcesses(
  access: NativeAccess,
  census: ProcessCensus,
  from: number,
  { index, signal }: HolderRequest,
  part: WalkPart,
): Promise<void> {
  const plan = planWalk(access, index, planItems(census, from));
  const workers = await startWorkers(access, plan, census.descriptorCount);
  const walk = createNativeWalk(access.koffi, access.library, plan, 1, 0);
  part.complete = await runToEnd(walk, plan, signal);
  gather(part, walk);
  for (const worker of workers) {
    // One that has claimed nothing by now will find nothing.
    const begun = plan.claims.includes(worker.number, 2);
    const result = begun ? await worker.result : undefined;
    await worker.stop();
    if (result !== undefined) {
      part.findings.push(result);
      for (const pid of result.unreadable) part.unreadable.add(pid);
    } else if (begun && part.complete) gather(part, walkAgain(access, plan, worker.number));
  }
}

function gather(part: WalkPart, walk: NativeWalk): void {
  part.findings.push(walk.findings());
  for (const pid of walk.unreadable()) part.unreadable.add(pid);
}

function planWalk(access: NativeAccess, { keys }: InodeIndex, items: readonly number[]): WalkPlan {
  const shared = new Int32Array(new SharedArrayBuffer(items.length * 4));
  shared.set(items);
  const claims = new Int32Array(new SharedArrayBuffer((2 + items.length / 4) * 4));
  return { keys, items: shared, claims, directoryCall: directoryCallOf(access) };
}

/** The work cut into pieces (WalkPlan.items), from one descriptor on in every process. */
function planItems(census: ProcessCensus, from: number): number[] {
  const items: number[] = [];
  for (const { folderId, pid, descriptorCount = 0 } of census.entries) {
    let first = from;
    // Cut by number, not by count: where numbers are sparse some pieces are small and the last is large, but none is lost.
    for (; first + descriptorsPerItem * 1.5 < descriptorCount; first += descriptorsPerItem) {
      items.push(folderId, pid, first, first + descriptorsPerItem);
    }
    items.push(folderId, pid, first, everyDescriptor);
  }
  return items;
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
function walkAgain(access: NativeAccess, plan: WalkPlan, number: number): NativeWalk {
  const items: number[] = [];
  for (let item = 0; item < plan.items.length / 4; item++) {
    if (plan.claims[2 + item] === number) items.push(...plan.items.subarray(item * 4, item * 4 + 4));
  }
  const claims = new Int32Array(2 + items.length / 4);
  const walk = createNativeWalk(access.koffi, access.library, { ...plan, items: Int32Array.from(items), claims }, 1, 0);
  walk.run(Infinity);
  return walk;
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
