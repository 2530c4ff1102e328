/**
 * @module A hold on one process, so that a signal meets that process or none: its pid may belong to another by the time.
 *
 * Linux gives a descriptor that means the process and not its number (pidfd_open(2), Linux 5.3). Without koffi, or on an older kernel, the
 * start time is read again right before each signal; between the two a pid could still change its owner.
 */
import { readdirSync } from "node:fs";
import { constants } from "node:os";
import { capabilities, loadNativeAccess, readCapabilities, readProcessStat } from "../host/index.ts";

/** One process and no other. */
export interface ProcessHandle {
  readonly pid: number;
  /** True when the kernel itself sees to it that no other process is met. */
  readonly exact: boolean;
  /** Sends a signal. `gone`: it has ended. `forbidden`: the kernel does not let this user. */
  readonly signal: (name: NodeJS.Signals) => "sent" | "gone" | "forbidden";
  /** Whether it has ended; one that its parent has not asked after yet has. */
  readonly hasEnded: () => boolean;
  readonly close: () => void;
}

/** System calls with the same numbers on every architecture (asm-generic/unistd.h). */
const sendSignalCall = 424;
const openCall = 434;
/** struct pollfd: descriptor, POLLIN, answer. */
const pollInput = 1;

interface DescriptorCalls {
  readonly open: (pid: number) => number;
  readonly send: (descriptor: number, signal: number) => number;
  readonly ended: (descriptor: number) => boolean;
  readonly close: (descriptor: number) => void;
  readonly lastError: () => number;
}

let calls: DescriptorCalls | null | undefined;

function loadCalls(): DescriptorCalls | null {
  if (calls === undefined) calls = process.platform === "linux" ? declareCalls() : null;
  return calls;
}

function declareCalls(): DescriptorCalls | null {
  const access = loadNativeAccess();
  if (access === null) return null;
  const { koffi, library } = access;
  const systemCall = library.func<
    (number: number, first: number, second: number, third: number, fourth: number) => number
  >("long syscall(long number, long first, long second, long third, long fourth)");
  const poll = library.func<(entries: Buffer, count: number, timeoutMs: number) => number>(
    "int poll(void *entries, unsigned long count, int timeout)",
  );
  const close = library.func<(descriptor: number) => number>("int close(int fd)");
  return {
    open: (pid) => systemCall(openCall, pid, 0, 0, 0),
    send: (descriptor, signal) => systemCall(sendSignalCall, descriptor, signal, 0, 0),
    ended: (descriptor) => {
      const entry = Buffer.alloc(8);
      entry.writeInt32LE(descriptor, 0);
      entry.writeInt16LE(pollInput, 4);
      return poll(entry, 1, 0) === 1;
    },
    close: (descriptor) => void close(descriptor),
    lastError: () => koffi.errno(),
  };
}

/**
 * What tells a process from a later one with its pid: when it started, in clock ticks since the machine did (proc_pid_stat(5), field 22).
 * `undefined` when there is no such process, or it has ended, or the system does not tell.
 */
export function readProcessIdentity(pid: number): string | undefined {
  const stat = readProcessStat(pid);
  return stat === undefined || stat.state === "Z" || stat.state === "X" ? undefined : String(stat.startTicks);
}

/** A hold on the process, or `null` when it has ended or is another one by now. */
export function openProcess(pid: number, identity: string, options: { exact?: boolean } = {}): ProcessHandle | null {
  const native = options.exact === false ? null : loadCalls();
  const descriptor = native?.open(pid) ?? -1;
  // The descriptor first: what is read afterwards is of the process it means, or of nobody.
  const isSame = readProcessIdentity(pid) === identity;
  if (!isSame) {
    if (descriptor >= 0) native!.close(descriptor);
    return null;
  }
  return native !== null && descriptor >= 0 ? holdByDescriptor(native, pid, descriptor) : holdByIdentity(pid, identity);
}

const errnoNoProcess = 3;

function holdByDescriptor(native: DescriptorCalls, pid: number, descriptor: number): ProcessHandle {
  return {
    pid,
    exact: true,
    signal(name) {
      const number = signalNumber(name);
      if (native.send(descriptor, number) === 0) return "sent";
      return native.lastError() === errnoNoProcess ? "gone" : "forbidden";
    },
    hasEnded: () => native.ended(descriptor),
    close: () => native.close(descriptor),
  };
}

function holdByIdentity(pid: number, identity: string): ProcessHandle {
  return {
    pid,
    exact: false,
    signal(name) {
      if (readProcessIdentity(pid) !== identity) return "gone";
      try {
        process.kill(pid, name);
        return "sent";
      } catch (error) {
        return (error as NodeJS.ErrnoException).code === "ESRCH" ? "gone" : "forbidden";
      }
    },
    hasEnded: () => readProcessIdentity(pid) !== identity,
    close: () => undefined,
  };
}

function signalNumber(name: NodeJS.Signals): number {
  return constants.signals[name];
}

/** Every signal's name that this system has. */
export function listSignals(): readonly NodeJS.Signals[] {
  return Object.keys(constants.signals) as NodeJS.Signals[];
}

/** Whether this process may signal those of other users (CAP_KILL, capabilities(7)). */
export function maySignalEverybody(): boolean {
  const able = readCapabilities();
  return able === undefined ? process.geteuid?.() === 0 : (able & capabilities.kill) !== 0n;
}

/** What its terminal has to do with a process (proc_pid_stat(5), fields 4 to 8). */
export interface TerminalTies {
  readonly parentPid: number;
  /** Leader of its session: the shell it was typed into, or itself for a daemon. */
  readonly sessionId: number;
  /** False when it has no terminal, or its terminal was closed. */
  readonly hasTerminal: boolean;
}

/** `undefined` when the process has ended or cannot be read. */
export function readTerminalTies(pid: number): TerminalTies | undefined {
  const stat = readProcessStat(pid);
  if (stat === undefined) return undefined;
  return { parentPid: stat.parentPid, sessionId: stat.sessionId, hasTerminal: stat.terminal !== 0 };
}

/** Every process that some processes started, directly or not, nearest first; the given ones are left out. Empty where there is no /proc. */
export function listDescendants(roots: readonly number[]): number[] {
  const children = new Map<number, number[]>();
  for (const pid of listPids()) {
    const parentPid = readTerminalTies(pid)?.parentPid;
    if (parentPid === undefined) continue;
    const siblings = children.get(parentPid);
    if (siblings === undefined) children.set(parentPid, [pid]);
    else siblings.push(pid);
  }
  const given = new Set(roots);
  const found = new Set<number>();
  const waiting = [...roots];
  for (let pid = waiting.shift(); pid !== undefined; pid = waiting.shift()) {
    for (const child of children.get(pid) ?? []) {
      if (found.has(child) || given.has(child)) continue;
      found.add(child);
      waiting.push(child);
    }
  }
  return [...found];
}

function listPids(): number[] {
  try {
    return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
  } catch {
    return [];
  }
}
