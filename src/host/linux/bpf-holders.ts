/**
 * @module Who holds which socket, by one question to the kernel: a program of ours goes through every open file inside the
 * kernel (BPF iterator `task_file`, Linux 5.11) and tells the sockets. For callers with the privileges, mostly root.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, readlinkSync } from "node:fs";
import { assembleSocketProgram, recordSize } from "./bpf-program.ts";
import { readTaskFileLayout, type TaskFileLayout } from "./bpf-type-format.ts";
import { capabilities, readCapabilities } from "./capabilities.ts";
import type { HolderRequest } from "./holders.ts";
import { FindingList, findInode } from "./inode-index.ts";
import type { NativeAccess } from "./libc.ts";
import { createPause } from "./pause.ts";

/** The system calls that it takes. A test puts failing ones in their place. */
export interface BpfCalls {
  /** bpf(2): a descriptor, or negative. Closed at exec like every descriptor that it gives. */
  bpf(command: number, attributes: Buffer): number;
  /** read(2) into a buffer from a place on. */
  read(descriptor: number, into: Buffer, at: number): number;
  close(descriptor: number): void;
  /** Error number of the call that failed last. */
  errno(): number;
  /** Address of a buffer's memory. */
  addressOf(buffer: Buffer): bigint;
}

/** What was found. */
export interface IteratedHolders {
  readonly findings: FindingList;
  /** False when it was aborted. */
  readonly complete: boolean;
}

/** System call numbers of bpf(2). */
const bpfNumbers: Readonly<Record<string, number>> = { x64: 321, arm64: 280 };
/** Commands (include/uapi/linux/bpf.h, enum bpf_cmd). */
const programLoad = 5;
const linkCreate = 28;
const iteratorCreate = 33;
/** BPF_PROG_TYPE_TRACING, BPF_TRACE_ITER. */
const tracingProgram = 26;
const iteratorAttach = 28;
/** The part of union bpf_attr that Linux 5.11 has; all of it that is not used is 0. */
const attributesSize = 120;

const interruptedCall = 4;
const tryAgain = 11;
const mostTries = 8;
/** The kernel answers at most 8 pages at once. */
const bufferSize = 1 << 17;

/** Inodes of the first user and pid namespace (include/linux/proc_ns.h). */
const firstUserNamespace = "user:[4026531837]";
const firstPidNamespace = "pid:[4026531836]";

const descriptionPath = "/sys/kernel/btf/vmlinux";
const mostDescriptionBytes = 1 << 26;

let layoutOfKernel: TaskFileLayout | null | undefined;

/**
 * Finds all holders; `undefined` when the kernel has no such iterator, does not let this process use one, or failed:
 * then the walk over /proc finds the same.
 * @throws koffi's error when the calls are not to be had
 */
export async function iterateHolders(
  access: NativeAccess,
  request: HolderRequest,
): Promise<IteratedHolders | undefined> {
  const calls = declareCalls(access);
  if (calls === undefined || !isPrivileged()) return undefined;
  layoutOfKernel ??= readKernelLayout(descriptionPath) ?? null;
  return layoutOfKernel === null ? undefined : await runIterator(calls, layoutOfKernel, request);
}

/** True when this process may load such programs, may look into every process, and sees processes by the same numbers as the kernel does. */
export function isPrivileged(): boolean {
  try {
    const status = readFileSync("/proc/self/status", "latin1");
    // A filter of system calls may end the process for this one, instead of refusing it.
    if (/^Seccomp:\t[^0]/m.test(status)) return false;
    const able = readCapabilities() ?? 0n;
    const { administer, monitor, loadPrograms, trace } = capabilities;
    const canLoad = (able & administer) !== 0n || ((able & monitor) !== 0n && (able & loadPrograms) !== 0n);
    return (
      canLoad &&
      // With it /proc shows every process's descriptors, too.
      (able & trace) !== 0n &&
      readlinkSync("/proc/self/ns/user") === firstUserNamespace &&
      readlinkSync("/proc/self/ns/pid") === firstPidNamespace
    );
  } catch {
    return false;
  }
}

/** The layout by a kernel's description of its types; `undefined` when there is none or it is not understood. */
export function readKernelLayout(path: string): TaskFileLayout | undefined {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    const { size } = fstatSync(descriptor);
    if (size > mostDescriptionBytes) return undefined;
    const bytes = Buffer.allocUnsafeSlow(size);
    let length = 0;
    while (length < size) {
      const count = readSync(descriptor, bytes, length, size - length, null);
      if (count === 0) break;
      length += count;
    }
    return readTaskFileLayout(bytes.subarray(0, length));
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

let declared: BpfCalls | undefined;

/** The calls through the C library; `undefined` on machines whose number of bpf(2) is not known here. */
export function declareCalls({ koffi, library }: NativeAccess): BpfCalls | undefined {
  const number = bpfNumbers[process.arch];
  if (number === undefined || declared !== undefined) return declared;
  const syscall = library.func<(number: number, command: number, attributes: bigint, size: number) => number>(
    "long syscall(long number, long command, int64_t attributes, long size)",
  );
  const read = library.func<(descriptor: number, into: bigint, size: number) => number>(
    "long read(int fd, int64_t into, size_t size)",
  );
  const close = library.func<(descriptor: number) => number>("int close(int fd)");
  declared = {
    bpf: (command, attributes) => syscall(number, command, koffi.address(attributes), attributes.length),
    read: (descriptor, into, at) => read(descriptor, koffi.address(into) + BigInt(at), into.length - at),
    close: (descriptor) => void close(descriptor),
    errno: () => koffi.errno(),
    addressOf: (buffer) => koffi.address(buffer),
  };
  return declared;
}

/** Loads the program, reads what it writes, and removes it in every case. */
export async function runIterator(
  calls: BpfCalls,
  layout: TaskFileLayout,
  request: HolderRequest,
): Promise<IteratedHolders | undefined> {
  const opened: number[] = [];

  /** Remembers a descriptor for closing; false when it is none. */
  function isOpened(descriptor: number): boolean {
    if (descriptor >= 0) opened.push(descriptor);
    return descriptor >= 0;
  }

  try {
    const program = loadProgram(calls, layout);
    if (!isOpened(program)) return undefined;
    // struct { u32 prog_fd, target_fd, attach_type, flags } of BPF_LINK_CREATE.
    const linkWords = Buffer.from(Uint32Array.of(program, 0, iteratorAttach, 0).buffer);
    const link = calls.bpf(linkCreate, linkWords);
    if (!isOpened(link)) return undefined;
    // struct { u32 link_fd, flags } of BPF_ITER_CREATE.
    const iterator = calls.bpf(iteratorCreate, Buffer.from(Uint32Array.of(link, 0).buffer));
    if (!isOpened(iterator)) return undefined;
    return await readFindings(calls, iterator, request);
  } finally {
    for (const descriptor of opened.toReversed()) calls.close(descriptor);
  }
}

/** Descriptor of the loaded program, negative when the kernel refused it. */
function loadProgram(calls: BpfCalls, layout: TaskFileLayout): number {
  const code = assembleSocketProgram(layout);
  // Functions such as bpf_seq_write are for programs under a licence that agrees with the kernel's.
  const license = Buffer.from("GPL\0", "latin1");
  const attributes = Buffer.alloc(attributesSize);
  attributes.writeUInt32LE(tracingProgram, 0); // prog_type
  attributes.writeUInt32LE(code.length / 8, 4); // insn_cnt
  attributes.writeBigUInt64LE(calls.addressOf(code), 8); // insns
  attributes.writeBigUInt64LE(calls.addressOf(license), 16); // license
  attributes.write("portolan", 48, "latin1"); // prog_name
  attributes.writeUInt32LE(iteratorAttach, 68); // expected_attach_type
  attributes.writeUInt32LE(layout.iteratorId, 108); // attach_btf_id
  for (let attempt = 1; ; attempt++) {
    const program = calls.bpf(programLoad, attributes);
    // The verifier gives up when a signal is waiting.
    if (program >= 0 || calls.errno() !== tryAgain || attempt === mostTries) return program;
  }
}

/** Reads the records to their end; `undefined` when that failed. */
async function readFindings(
  calls: BpfCalls,
  iterator: number,
  { index, signal }: HolderRequest,
): Promise<IteratedHolders | undefined> {
  const findings = new FindingList();
  const bytes = Buffer.allocUnsafeSlow(bufferSize);
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bufferSize / 4);
  const pause = createPause(signal);
  let failures = 0;
  /** Bytes of a record that is not whole yet, at the start of the buffer. */
  let kept = 0;
  for (;;) {
    if (pause.isDue() && (await pause.take())) return { findings, complete: false };
    const count = calls.read(iterator, bytes, kept);
    if (count === 0) return kept === 0 ? { findings, complete: true } : undefined;
    if (count < 0) {
      const errno = calls.errno();
      // EAGAIN: a million files without a socket have gone by (bpf_iter.c, MAX_ITER_OBJECTS), and there may be more.
      if ((errno !== interruptedCall && errno !== tryAgain) || ++failures > 1000) return undefined;
      continue;
    }
    const end = kept + count;
    const whole = end - (end % recordSize);
    for (let word = 0; word < whole / 4; word += 3) {
      const place = findInode(index, words[word]!);
      if (place >= 0) findings.add(place, words[word + 1]!, words[word + 2]!);
    }
    bytes.copyWithin(0, whole, end);
    kept = end - whole;
  }
}
