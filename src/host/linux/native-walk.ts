/**
 * @module The walk over file descriptors by system calls, as one function that refers to nothing outside itself: its source
 * text also runs in a worker thread, wherever a bundler has put it (native-worker.ts).
 */
import type { Koffi, KoffiLibrary } from "./libc.ts";

/** Work shared by all threads; every array lies over shared memory. */
export interface WalkPlan {
  /** Inodes that are looked for: the table of inode-index.ts. */
  readonly keys: Uint32Array;
  /**
   * Four integers per item: the id whose `/proc/ID/fd` is read, the pid that its descriptors belong to, the first descriptor,
   * and the one before which to stop.
   */
  readonly items: Int32Array;
  /** 0: next item to take. 1: not 0 asks everybody to stop. From 2: who took each item, 0 for nobody. */
  readonly claims: Int32Array;
  /** `getdents64` as this C library and machine have it: a declaration, and the numbers that go before its arguments. */
  readonly directoryCall: { readonly declaration: string; readonly prefix: readonly number[] };
}

/** One thread's part of the walk. */
export interface NativeWalk {
  /** Works until nothing is left (true) or the time is over (false). */
  run(budgetMs: number): boolean;
  /** Triples of place in `keys`, pid, descriptor. */
  findings(): { data: Int32Array; length: number };
  /** Takes whatever items nobody has claimed; from then on the claims do not change. */
  sweep(): void;
  /** True when each inode has been seen, in a walk that stops then. */
  foundAll(): boolean;
  /** Processes that the user may not look into; one can stand there several times. */
  unreadable(): number[];
}

/**
 * Prepares a thread's walk. Everything it needs comes in by argument or is a global of JavaScript.
 * @param worker number of this thread, from 1
 * @param stopWhenFound stop everybody when each inode has been seen once
 */
export function createNativeWalk(
  koffi: Koffi,
  library: KoffiLibrary,
  plan: WalkPlan,
  worker: number,
  stopWhenFound: number,
): NativeWalk {
  // A small buffer: for each entry that a call lists the kernel makes an inode, and a big one makes them far ahead of use.
  const listSize = 1664;
  const page = new Uint8Array(new ArrayBuffer(8192));
  const base = Number(koffi.address(page));
  const listBase = base + 256;
  const targetAt = 4096;
  const targetSize = 64;
  const closeOnExecDirectory = 0x80000;
  const open = library.func<(path: number, flags: number) => number>("int open(int64_t path, int flags)");
  const close = library.func<(descriptor: number) => number>("int close(int fd)");
  const lseek = library.func<(descriptor: number, offset: number, origin: number) => number>(
    "long lseek(int fd, long offset, int origin)",
  );
  const readlinkat = library.func<(descriptor: number, name: number, target: number, size: number) => number>(
    "long readlinkat(int fd, int64_t name, int64_t target, size_t size)",
  );
  const getdents = library.func<(...values: number[]) => number>(plan.directoryCall.declaration);
  const prefix = plan.directoryCall.prefix[0];
  const { keys, items, claims } = plan;
  const mask = keys.length - 1;
  const itemCount = items.length >> 2;
  const seen = new Uint8Array(stopWhenFound > 0 ? keys.length : 0);
  let missing = stopWhenFound;
  let data = new Int32Array(3 * 1024);
  let length = 0;
  const unreadable: number[] = [];

  function writePath(id: number): void {
    let digits = 1;
    for (let rest = id; rest >= 10; rest = (rest / 10) | 0) digits++;
    page[0] = 47; // "/proc/"
    page[1] = 112;
    page[2] = 114;
    page[3] = 111;
    page[4] = 99;
    page[5] = 47;
    let rest = id;
    for (let at = 5 + digits; at > 5; at--) {
      page[at] = 48 + (rest % 10);
      rest = (rest / 10) | 0;
    }
    page[6 + digits] = 47; // "/fd"
    page[7 + digits] = 102;
    page[8 + digits] = 100;
    page[9 + digits] = 0;
  }

  function add(place: number, pid: number, descriptor: number): void {
    if (length + 3 > data.length) {
      const larger = new Int32Array(data.length * 4);
      larger.set(data);
      data = larger;
    }
    data[length] = place;
    data[length + 1] = pid;
    data[length + 2] = descriptor;
    length += 3;
    if (missing > 0 && seen[place] === 0) {
      seen[place] = 1;
      missing--;
      if (missing === 0) Atomics.store(claims, 1, 1);
    }
  }

  // These are functions of their own because that is how the engine finds out soon that they are worth compiling.

  /** Decimal number of the digits from `at` on. */
  function parseNumber(at: number): number {
    let value = 0;
    for (let byte = page[at]!; byte >= 48 && byte <= 57; byte = page[++at]!) value = value * 10 + byte - 48;
    return value;
  }

  /** Inode of the socket that a descriptor is, 0 when it is something else or has been closed. */
  function socketInodeAt(folder: number, name: number): number {
    const size = readlinkat(folder, base + name, base + targetAt, targetSize);
    // "socket:[INODE]": paths start with "/", everything else has another letter in one of these places.
    if (size < 10 || page[targetAt] !== 115 || page[targetAt + 1] !== 111 || page[targetAt + 7] !== 91) return 0;
    if (page[targetAt + size - 1] !== 93) return 0;
    return parseNumber(targetAt + 8) >>> 0;
  }

  /** The search of inode-index.ts. */
  function findPlace(inode: number): number {
    let place = (Math.imul(inode, 0x9e3779b1) >>> 7) & mask;
    for (;;) {
      const key = keys[place]!;
      if (key === inode) return place;
      if (key === 0) return -1;
      place = (place + 1) & mask;
    }
  }

  /** Looks at the descriptors of one list; false when it reached `end`. */
  function readList(size: number, folder: number, pid: number, end: number): boolean {
    // struct linux_dirent64: inode, offset, u16 length at 16, type, name from 19 to a NUL.
    for (let at = 256, stop = at + size; at < stop;) {
      const name = at + 19;
      const entrySize = page[at + 16]! | (page[at + 17]! << 8);
      if (entrySize < 20) return false;
      at += entrySize;
      if (page[name] === 46) continue; // "." and ".."
      const descriptor = parseNumber(name);
      if (descriptor >= end) return false;
      const inode = socketInodeAt(folder, name);
      if (inode === 0) continue;
      const place = findPlace(inode);
      if (place >= 0) add(place, pid, descriptor);
    }
    return true;
  }

  function walk(id: number, pid: number, first: number, end: number): void {
    writePath(id);
    const folder = open(base, closeOnExecDirectory);
    if (folder < 0) {
      const errno = koffi.errno();
      if (errno === 13 || errno === 1) unreadable.push(pid); // EACCES, EPERM
      return; // otherwise it has ended
    }
    // Entries stand at their descriptor plus two (fs/proc/fd.c, proc_readfd_common).
    if (first > 0) lseek(folder, first + 2, 0);
    for (;;) {
      const size =
        prefix === undefined ? getdents(folder, listBase, listSize) : getdents(prefix, folder, listBase, listSize);
      if (size <= 0 || !readList(size, folder, pid, end)) break;
    }
    close(folder);
  }

  /** Walks an item unless another thread has claimed it. */
  function claim(item: number): void {
    if (Atomics.compareExchange(claims, 2 + item, 0, worker) !== 0) return;
    const at = item << 2;
    walk(items[at]!, items[at + 1]!, items[at + 2]!, items[at + 3]!);
  }

  return {
    run(budgetMs) {
      const end = Date.now() + budgetMs;
      for (;;) {
        if (Atomics.load(claims, 1) !== 0) return true;
        const item = Atomics.add(claims, 0, 1);
        if (item >= itemCount) return true;
        claim(item);
        if (budgetMs !== Infinity && Date.now() > end) return false;
      }
    },
    sweep() {
      if (Atomics.load(claims, 1) !== 0) return;
      for (let item = 0; item < itemCount; item++) claim(item);
    },
    foundAll: () => stopWhenFound > 0 && missing === 0,
    findings: () => ({ data, length }),
    unreadable: () => unreadable,
  };
}
