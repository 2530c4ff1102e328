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
const pathAt = listSize;
const statxAt = listSize + 64;
/** struct statx: u32 link count at 16, u64 size at 40. */
const linksAt = statxAt + 16;
const sizeAt = statxAt + 40;
const linksAndSize = 0x4 | 0x200;
const directoryCloseOnExec = 0x10000 | 0x80000;
/** `task` has two links and one for each thread (proc_task_getattr). */
const linksOfOneThread = 3;

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
  const bytes = (page ??= Buffer.allocUnsafeSlow(listSize + 64 + 256));
  const base = Number(access.koffi.address(bytes));
  const folder = open("/proc", directoryCloseOnExec);
  if (folder < 0) return undefined;

  /** Asks for `/proc/PID/fd` or `/proc/PID/task`, of which the pid's digits stand in the list; false when that failed. */
  function look(digitsAt: number, digitsEnd: number, name: string): boolean {
    bytes.copyWithin(pathAt, digitsAt, digitsEnd);
    const end = pathAt + digitsEnd - digitsAt;
    bytes[end] = 47;
    for (let at = 0; at < name.length; at++) bytes[end + 1 + at] = name.charCodeAt(at);
    bytes[end + 1 + name.length] = 0;
    return statx !== undefined && statx(folder, base + pathAt, 0, linksAndSize, base + statxAt) === 0;
  }

  const entries: CensusEntry[] = [];
  let count = 0;
  let descriptorCount = 0;
  const countable = isDescriptorCountTold(look, bytes);
  for (;;) {
    const size = getdents(...directoryCall.prefix, folder, base, listSize);
    if (size <= 0) break;
    // struct linux_dirent64: inode, offset, u16 length at 16, type, name from 19 to a NUL.
    for (let at = 0; at < size;) {
      const name = at + 19;
      const entrySize = bytes.readUInt16LE(at + 16);
      if (entrySize < 20) break;
      at += entrySize;
      let pid = 0;
      let end = name;
      for (let byte = bytes[end]!; byte >= 48 && byte <= 57; byte = bytes[++end]!) pid = pid * 10 + byte - 48;
      if (end === name || bytes[end] !== 0) continue;
      count++;
      if (countable) {
        if (!look(name, end, "fd")) {
          // Under hidepid=1 names are told and nothing else: the walk will count it as private.
          if (isPermission(access.koffi.errno())) entries.push({ pid, folderId: pid, descriptorCount: undefined });
          continue;
        }
        const descriptors = bytes.readUInt32LE(sizeAt);
        if (descriptors > 0) {
          entries.push({ pid, folderId: pid, descriptorCount: descriptors });
          descriptorCount += descriptors;
          continue;
        }
      }
      if (!look(name, end, "task") || bytes.readUInt32LE(linksAt) <= linksOfOneThread) {
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

/** Since Linux 6.2 the size of `/proc/PID/fd` is the number of open descriptors; this thread has some for certain. */
function isDescriptorCountTold(look: (from: number, to: number, name: string) => boolean, bytes: Buffer): boolean {
  const end = bytes.write("self", 0, "latin1");
  return look(0, end, "fd") && bytes.readUInt32LE(sizeAt) > 0;
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
