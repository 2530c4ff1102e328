/**
 * @module The one-line record in /proc/PID/stat (proc_pid_stat(5)).
 */
import { readBytes } from "./file-tree.ts";

/** Fields of it that Portolan uses. */
export interface ProcessStat {
  /** comm, raw: may hold spaces, parentheses and newlines. */
  readonly name: string;
  /** One letter: R S D Z T … */
  readonly state: string;
  readonly parentPid: number;
  readonly processGroup: number;
  /** Leader of its session. */
  readonly sessionId: number;
  /** Number of the terminal's device, 0 without one. */
  readonly terminal: number;
  /** Process group in the terminal's foreground, -1 without a terminal. */
  readonly foregroundGroup: number;
  /** Since the machine started, in clock ticks: 100 a second on every Linux that shows itself to programs (USER_HZ). */
  readonly startTicks: number;
  /** Resident memory in pages. */
  readonly residentPages: number;
  readonly kernelThread: boolean;
}

/** PF_KTHREAD, include/linux/sched.h. */
const kernelThreadFlag = 0x00200000;

/** The record, or `undefined` when the bytes are none. The name ends at the *last* parenthesis: it may hold any itself. */
export function parseProcessStat(bytes: Buffer): ProcessStat | undefined {
  const open = bytes.indexOf(40);
  const close = bytes.lastIndexOf(41);
  if (open < 0 || close < open) return undefined;
  const fields = bytes.toString("latin1", close + 2).split(" ", 23);
  // Fields are counted from 1 in the manual, and `fields[0]` is the third.
  const parentPid = Number(fields[1]);
  const flags = Number(fields[6]);
  const startTicks = Number(fields[19]);
  const residentPages = Number(fields[21]);
  if (![parentPid, flags, startTicks, residentPages].every(Number.isFinite)) return undefined;
  return {
    name: bytes.toString("utf8", open + 1, close),
    state: fields[0]!,
    parentPid,
    processGroup: Number(fields[2]),
    sessionId: Number(fields[3]),
    terminal: Number(fields[4]),
    foregroundGroup: Number(fields[5]),
    startTicks,
    residentPages,
    // The flag is the 22nd bit of a number that can exceed 31 bits.
    kernelThread: Math.floor(flags / kernelThreadFlag) % 2 === 1,
  };
}

/** The record of a running machine's process, `undefined` when it has ended or the system has no such files. */
export function readProcessStat(pid: number): ProcessStat | undefined {
  try {
    return parseProcessStat(readBytes(`/proc/${pid}/stat`, 4096));
  } catch {
    return undefined;
  }
}
