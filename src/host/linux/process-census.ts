/**
 * @module Which processes there are and how many descriptors each has, by system calls: where the walk has to go.
 */
import { readdirSync } from "node:fs";
import type { NativeAccess } from "./libc.ts";

/** Processes with descriptors. */
export interface ProcessCensus {
  /** Every process of this pid namespace that /proc shows. */
  readonly count: number;
  readonly entries: readonly CensusEntry[];
  /** Sum over all entries, 0 where the kernel does not tell. */
  readonly descriptorCount: number;
}

/** One process with descriptors, or possibly with. */
export interface CensusEntry {
  readonly pid: number;
  /** Whose `/proc/ID/fd` is to be read: the pid, or another thread when the first has ended before the others. */
  readonly folderId: number;
  /** `undefined` before Linux 6.2. */
  readonly descriptorCount: number | undefined;
}

/** How this C library and machine call getdents64: a declaration, and the numbers that go before its arguments. */
export interface DirectoryCall {
  readonly declaration: string;
  readonly prefix: readonly number[];
}

interface CensusCalls {
  readonly open: (path: string, flags: number) => number;
  readonly close: (descriptor: number) => number;
  readonly getdents: (...values: number[]) => number;
  /** Missing in old C libraries. */
  readonly statx: ((folder: number, path: number, flags: number, mask: number, into: number) => number) | undefined;
  readonly directoryCall: DirectoryCall;
}

/** System call numbers of getdents64, for C libraries that do not offer it as a function. */
const getdentsNumbers: Readonly<Record<string, number>> = {
  x64: 217,
  arm64: 61,
  riscv64: 61,
  loong64: 61,
  ppc64: 202,
  arm: 217,
  ia32: 220,
};

const listSize = 1 << 15;
/** Room behind the list for the end of its last path. */
const statxAt = listSize + 64;
const statxSize = 256;
/** struct statx: u32 link count at 16, u64 size at 40, of which the lower half is enough; as indexes of 32-bit words. */
const linksWord = (statxAt + 16) / 4;
const sizeWord = (statxAt + 40) / 4;
const linksAndSize = 0x4 | 0x200;
const directoryCloseOnExec = 0x10000 | 0x80000;
/** `task` has two links and one for each thread (proc_task_getattr). */
const linksOfOneThread = 3;

const descriptorFolder = Uint8Array.from([47, 102, 100, 0]); // "/fd"
const threadFolder = Uint8Array.from([47, 116, 97, 115, 107, 0]); // "/task"

let calls: CensusCalls | undefined;
let page: Buffer | undefined;

/**
 * The C library's way to list a folder.
 * @throws koffi's error when there is none
 */
export function directoryCallOf(access: NativeAccess): DirectoryCall {
  return (calls ??= declareCalls(access)).directoryCall;
}

function declareCalls({ library }: NativeAccess): CensusCalls {
  let directoryCall: DirectoryCall = {
    declaration: "long getdents64(int fd, int64_t buffer, size_t size)",
    prefix: [],
  };
  let getdents: CensusCalls["getdents"];
  try {
    getdents = library.func(directoryCall.declaration);
  } catch (error) {
    const number = getdentsNumbers[process.arch];
    if (number === undefined) throw error;
    directoryCall = { declaration: "long syscall(long number, long fd, int64_t buffer, long size)", prefix: [number] };
    getdents = library.func(directoryCall.declaration);
  }
  let statx: CensusCalls["statx"];
  try {
    statx = library.func("int statx(int folder, int64_t path, int flags, uint32_t mask, int64_t into)");
  } catch {
    statx = undefined;
  }
  const open = library.func<CensusCalls["open"]>("int open(const char *path, int flags)");
  return { open, close: library.func("int close(int fd)"), getdents, statx, directoryCall };
}

/** Counts processes and descriptors; `undefined` when /proc cannot be listed. */
export function takeCensus(access: NativeAccess): ProcessCensus | undefined {
  const { open, close, getdents, statx, directoryCall } = (calls ??= declareCalls(access));
  const bytes = (page ??= Buffer.allocUnsafeSlow(statxAt + statxSize));
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const base = Number(access.koffi.address(bytes));
  const folder = open("/proc", directoryCloseOnExec);
  if (folder < 0) return undefined;

  /**
   * Asks for a file below `/proc/NAME`, of which the name stands at `name` and ends at `end`; false when that failed.
   * The path is made in place: it runs over the inode and offset of the next entry, which nobody reads.
   */
  function look(name: number, end: number, file: Uint8Array): boolean {
    for (let at = 0; at < file.length; at++) bytes[end + at] = file[at]!;
    return statx !== undefined && statx(folder, base + name, 0, linksAndSize, base + statxAt) === 0;
  }

  const entries: CensusEntry[] = [];
  let count = 0;
  let descriptorCount = 0;
  // Since Linux 6.2 the size of /proc/PID/fd is the number of open descriptors; this process has some for certain.
  const countable = look(0, bytes.write("self", 0, "latin1"), descriptorFolder) && words[sizeWord]! > 0;
  for (;;) {
    const size = getdents(...directoryCall.prefix, folder, base, listSize);
    if (size <= 0) break;
    // struct linux_dirent64: inode, offset, u16 length at 16, type, name from 19 to a NUL.
    for (let at = 0; at < size;) {
      const name = at + 19;
      const entrySize = bytes[at + 16]! | (bytes[at + 17]! << 8);
      if (entrySize < 20) break;
      at += entrySize;
      let pid = 0;
      let end = name;
      for (let byte = bytes[end]!; byte >= 48 && byte <= 57; byte = bytes[++end]!) pid = pid * 10 + byte - 48;
      if (end === name || bytes[end] !== 0) continue;
      count++;
      if (countable) {
        if (!look(name, end, descriptorFolder)) {
          // Under hidepid=1 names are told and nothing else: the walk will count it as private.
          if (isPermission(access.koffi.errno())) entries.push({ pid, folderId: pid, descriptorCount: undefined });
          continue;
        }
        const descriptors = words[sizeWord]!;
        if (descriptors > 0) {
          entries.push({ pid, folderId: pid, descriptorCount: descriptors });
          descriptorCount += descriptors;
          continue;
        }
      }
      if (!look(name, end, threadFolder) || words[linksWord]! <= linksOfOneThread) {
        // No descriptors and no other thread: a thread of the kernel, or a process on its way out.
        if (!countable) entries.push({ pid, folderId: pid, descriptorCount: undefined });
        continue;
      }
      const folderId = findThreadWithDescriptors(pid);
      if (folderId !== undefined) entries.push({ pid, folderId, descriptorCount: undefined });
    }
  }
  close(folder);
  return { count, entries, descriptorCount };
}

/** EPERM or EACCES. */
function isPermission(errno: number): boolean {
  return errno === 1 || errno === 13;
}

/**
 * A process lives on when its first thread has ended before the others, but that thread's folder, which is the
 * process's own, has no descriptors any more: any other thread has them all.
 */
function findThreadWithDescriptors(pid: number): number | undefined {
  try {
    if (readdirSync(`/proc/${pid}/fd`).length > 0) return pid;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      if (readdirSync(`/proc/${pid}/task/${thread}/fd`).length > 0) return Number(thread);
    }
  } catch {
    // It has ended, or it keeps its descriptors private, which the walk will count.
    return pid;
  }
  return undefined;
}
