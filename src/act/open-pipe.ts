/**
 * @module A pipe. What Node itself puts between two programs is a pair of sockets, and those cannot be opened by the name /dev/stdout or
 * /dev/stderr, which scripts and servers do (open(2), ENXIO).
 */
import { loadNativeAccess } from "../host/index.ts";

/** Its two descriptors, neither of which another program inherits unless it is given it. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

/** O_CLOEXEC (asm-generic/fcntl.h). */
const closeOnExec = 0x80000;

type PipeCall = (descriptors: Buffer, flags: number) => number;

let declared: PipeCall | null | undefined;

/** Opens one; `null` where that takes what is not there: Linux and koffi, or a free descriptor. */
export function openPipe(): Pipe | null {
  const call = (declared ??= declareCall());
  const descriptors = Buffer.alloc(8);
  if (call === null || call(descriptors, closeOnExec) !== 0) return null;
  return { read: descriptors.readInt32LE(0), write: descriptors.readInt32LE(4) };
}

function declareCall(): PipeCall | null {
  const access = process.platform === "linux" ? loadNativeAccess() : null;
  return access === null ? null : access.library.func<PipeCall>("int pipe2(void *descriptors, int flags)");
}
