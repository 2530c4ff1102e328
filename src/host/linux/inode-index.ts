/**
 * @module The inodes that are looked for and who was found to hold them: integers only, so that 100,000 descriptors are cheap.
 */
import type { SocketHolder } from "../host.ts";

/** Inodes in an open-addressing table. 0 is no inode: it marks an empty place. */
export interface InodeIndex {
  /** Its size is a power of two and at least twice `count`. */
  readonly keys: Uint32Array;
  readonly count: number;
}

/** The start of the search for an inode; the same formula stands in native-walk.ts, which must not import anything. */
function hashOfInode(inode: number, mask: number): number {
  return (Math.imul(inode, 0x9e3779b1) >>> 7) & mask;
}

/** Builds the table; inode 0 and repeats are left out. */
export function buildInodeIndex(inodes: Iterable<number>, expected: number): InodeIndex {
  let size = 64;
  while (size < expected * 2) size *= 2;
  const keys = new Uint32Array(new SharedArrayBuffer(size * 4));
  const mask = size - 1;
  let count = 0;
  for (const inode of inodes) {
    if (inode === 0) continue;
    let place = hashOfInode(inode, mask);
    while (keys[place] !== 0 && keys[place] !== inode) place = (place + 1) & mask;
    if (keys[place] === inode) continue;
    keys[place] = inode;
    count++;
  }
  return { keys, count };
}

/** Place of an inode in `keys`, or -1. */
export function findInode(index: InodeIndex, inode: number): number {
  if (inode === 0) return -1;
  const { keys } = index;
  const mask = keys.length - 1;
  let place = hashOfInode(inode, mask);
  for (;;) {
    const key = keys[place];
    if (key === inode) return place;
    if (key === 0) return -1;
    place = (place + 1) & mask;
  }
}

/** Growing list of findings, three integers each: place in the index, pid, file descriptor. */
export class FindingList {
  length = 0;
  data = new Int32Array(3 * 256);

  add(place: number, pid: number, fileDescriptor: number): void {
    if (this.length + 3 > this.data.length) {
      const larger = new Int32Array(this.data.length * 4);
      larger.set(this.data);
      this.data = larger;
    }
    this.data[this.length] = place;
    this.data[this.length + 1] = pid;
    this.data[this.length + 2] = fileDescriptor;
    this.length += 3;
  }
}

const noHolders: readonly SocketHolder[] = [];

/**
 * Findings gathered by inode.
 * @param findings triples of place, pid and descriptor, in any order
 * @returns the holders of an inode in order of pid, their descriptors ascending; an empty list when there is none
 */
export function groupFindings(
  index: InodeIndex,
  findings: readonly { readonly data: Int32Array; readonly length: number }[],
): (inode: number) => readonly SocketHolder[] {
  // Counting sort by place: `ends[place]` becomes the end of that place's stretch in `sorted`.
  const ends = new Int32Array(index.keys.length + 1);
  let total = 0;
  for (const { data, length } of findings) {
    for (let at = 0; at < length; at += 3) ends[data[at]! + 1]!++;
    total += length / 3;
  }
  for (let place = 1; place < ends.length; place++) ends[place]! += ends[place - 1]!;
  const sorted = new Int32Array(total * 2);
  for (const { data, length } of findings) {
    for (let at = 0; at < length; at += 3) {
      const to = ends[data[at]!]!++;
      sorted[to * 2] = data[at + 1]!;
      sorted[to * 2 + 1] = data[at + 2]!;
    }
  }
  return (inode) => {
    const place = findInode(index, inode);
    if (place < 0) return noHolders;
    const start = place === 0 ? 0 : ends[place - 1]!;
    const end = ends[place]!;
    if (start === end) return noHolders;
    if (end === start + 1) return [{ pid: sorted[start * 2]!, fileDescriptors: [sorted[start * 2 + 1]!] }];
    return mergeStretch(sorted, start, end);
  };
}

function mergeStretch(sorted: Int32Array, start: number, end: number): SocketHolder[] {
  const pairs: [pid: number, fileDescriptor: number][] = [];
  for (let at = start; at < end; at++) pairs.push([sorted[at * 2]!, sorted[at * 2 + 1]!]);
  pairs.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const holders: { pid: number; fileDescriptors: number[] }[] = [];
  for (const [pid, fileDescriptor] of pairs) {
    const last = holders.at(-1);
    if (last === undefined || last.pid !== pid) holders.push({ pid, fileDescriptors: [fileDescriptor] });
    else if (last.fileDescriptors.at(-1) !== fileDescriptor) last.fileDescriptors.push(fileDescriptor);
  }
  return holders;
}
