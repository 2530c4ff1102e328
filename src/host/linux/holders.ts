/**
 * @module Who holds which socket, by plain Node calls: the links in /proc/PID/fd. Works without FFI and on saved trees.
 */
import { readdirSync, readlinkSync } from "node:fs";
import { errorCodeOf, readBytes, readProcessIds, type FileTree } from "./file-tree.ts";
import { FindingList, findInode, type InodeIndex } from "./inode-index.ts";
import { createPause } from "./pause.ts";
import { parseProcessStat } from "./process-stat.ts";

/** What a walk over the processes found. */
export interface HolderWalk {
  readonly findings: readonly { readonly data: Int32Array; readonly length: number }[];
  /** False when it was aborted. */
  readonly complete: boolean;
  /** Processes that keep their descriptors from this user. */
  readonly unreadableCount: number;
  /** Processes seen, `null` when /proc itself could not be listed. */
  readonly processCount: number | null;
}

/** Which holders to look for. */
export interface HolderRequest {
  readonly index: InodeIndex;
  /** `first`: stop when every inode has one holder. */
  readonly search: "all" | "first";
  readonly signal: AbortSignal | undefined;
}

/** Looks through every process's descriptors. Processes that end meanwhile are left out. */
export async function walkHolders(tree: FileTree, request: HolderRequest): Promise<HolderWalk> {
  const findings = new FindingList();
  const pids = readProcessIds(tree);
  if (pids === undefined) return { findings: [findings], complete: true, unreadableCount: 0, processCount: null };
  const { index } = request;
  const pause = createPause(request.signal);
  const seen = new Uint8Array(request.search === "first" ? index.keys.length : 0);
  let missing = index.count;
  let unreadableCount = 0;
  for (const pid of pids) {
    if (pause.isDue() && (await pause.take())) {
      return { findings: [findings], complete: false, unreadableCount, processCount: pids.length };
    }
    if (index.count === 0 || (request.search === "first" && missing === 0)) break;
    let folder = `${tree.root}/proc/${pid}/fd`;
    let names: string[];
    try {
      names = readdirSync(folder);
      if (names.length === 0) {
        const thread = findThreadWithDescriptors(tree, pid);
        if (thread === undefined) continue;
        ({ folder, names } = thread);
      }
    } catch (error) {
      const code = errorCodeOf(error);
      if ((code === "EACCES" || code === "EPERM") && !isKernelThread(tree, pid)) unreadableCount++;
      continue;
    }
    for (const name of names) {
      let target: string;
      try {
        target = readlinkSync(`${folder}/${name}`);
      } catch {
        continue; // closed meanwhile
      }
      if (!target.startsWith("socket:[")) continue;
      const inode = Number.parseInt(target.slice(8), 10);
      const place = findInode(index, inode >>> 0);
      if (place < 0) continue;
      findings.add(place, pid, Number(name));
      if (seen.length > 0 && seen[place] === 0) {
        seen[place] = 1;
        missing--;
      }
    }
  }
  return { findings: [findings], complete: true, unreadableCount, processCount: pids.length };
}

/**
 * A process lives on when its first thread has ended before the others, but that thread's folder, which is the
 * process's own, has no descriptors any more: any other thread has them all.
 */
function findThreadWithDescriptors(tree: FileTree, pid: number): { folder: string; names: string[] } | undefined {
  const tasks = `${tree.root}/proc/${pid}/task`;
  for (const task of readdirSync(tasks)) {
    if (task === String(pid)) continue;
    const folder = `${tasks}/${task}/fd`;
    const names = readdirSync(folder);
    if (names.length > 0) return { folder, names };
  }
  return undefined;
}

/** True for a thread of the kernel itself, which holds nothing. */
function isKernelThread(tree: FileTree, pid: number): boolean {
  try {
    return parseProcessStat(readBytes(`${tree.root}/proc/${pid}/stat`, 4096))?.kernelThread ?? false;
  } catch {
    return false;
  }
}
