/**
 * @module Locks that the kernel keeps: one holder at a time among all processes and users of the machine, let go when the process
 * ends however it ends, gone after a reboot, and nothing on any disk (docs/decisions/009-leases-are-sockets.md).
 *
 * Linux: the name of an abstract Unix socket (unix(7)), which belongs to the network namespace. Windows: a named pipe. Elsewhere: a
 * file opened with O_EXLOCK (open(2) of macOS and the BSDs). The latter two have not been run on their systems yet.
 */
import { closeSync, openSync } from "node:fs";
import { connect, createServer } from "node:net";
import { PortolanError } from "../core/index.ts";
import { addressFamilies, loadSocketCalls, socketTypes, type SocketCalls } from "../host/index.ts";

/** A lock that is held. */
export interface KernelLock {
  /** Lets go. Safe to call twice. */
  release(): void;
}

/** Longest name of a lock, bytes of ASCII. */
const longestName = 100;
/**
 * Names fill the address (107 bytes behind the NUL): a shorter one would be followed by NULs or not, by the version of libuv.
 */
const nameSize = 107;

let native: NativeLocks | null | undefined;

/**
 * Takes a lock.
 * @param name ASCII letters, digits and -_/.@: at most 100 of them
 * @param options.waitable whether others may wait for it; default true. Those who never do spare a system call.
 * @returns `null` when somebody holds it; a promise where the system needs time to tell
 * @throws STORE_FAILED when the system gives no locks (no file descriptors left, a sandbox without Unix sockets)
 */
export function tryLock(
  name: string,
  options: { waitable?: boolean } = {},
): KernelLock | null | Promise<KernelLock | null> {
  if (!/^[\w/.@-]+$/.test(name) || name.length > longestName) throw new Error(`Not a lock's name: ${name}`);
  if (process.platform === "linux") {
    native ??= declareNativeLocks(loadSocketCalls());
    return native === null ? lockByServer(abstractName(name)) : native.tryLock(name, options.waitable !== false);
  }
  return process.platform === "win32"
    ? lockByServer(`\\\\.\\pipe\\portolan-${name.replaceAll("/", "-")}`)
    : lockByFile(name);
}

/** Gets ready for so many locks at once. */
export function prepareLocks(count: number): void {
  if (process.platform === "linux") loadSocketCalls()?.makeRoom(count);
}

/**
 * Waits for a lock.
 * @throws STORE_FAILED when it is not had within the deadline, milliseconds; ABORTED
 */
export async function waitForLock(name: string, deadlineMs: number, signal?: AbortSignal): Promise<KernelLock> {
  const endMs = performance.now() + deadlineMs;
  for (;;) {
    const lock = await tryLock(name);
    if (lock !== null) return lock;
    if (signal?.aborted === true) throw new PortolanError("ABORTED", `Waiting for the lock ${name} was interrupted.`);
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) {
      throw new PortolanError("STORE_FAILED", `Another process has held the lock ${name} for ${deadlineMs} ms.`);
    }
    await untilReleased(name, leftMs);
  }
}

/** Ends when the holder lets go: a connection to its socket is closed then. Elsewhere than on Linux it looks again soon. */
function untilReleased(name: string, leftMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, process.platform === "linux" ? leftMs : Math.min(leftMs, 10));
    const socket = process.platform === "linux" ? connect(abstractName(name)) : undefined;
    socket?.once("error", finish).once("close", finish);
    function finish(): void {
      clearTimeout(timer);
      socket
        ?.removeAllListeners()
        .on("error", () => undefined)
        .destroy();
      resolve();
    }
  });
}

function abstractName(name: string): string {
  return `\0${`portolan/${name}`.padEnd(nameSize - 2, ".")}${spreadOf(name)}`;
}

/**
 * Two characters at the end that tell names apart to the kernel's hash: it is a sum of 16-bit words (`unix_abstract_hash` in
 * net/unix/af_unix.c), of which names that differ in some digits alone have few, and then each bind would walk through all the others.
 */
function spreadOf(name: string): string {
  // FNV-1a (draft-eastlake-fnv).
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  return String.fromCharCode(33 + ((hash >>> 8) % 94), 33 + ((hash >>> 20) % 94));
}

interface NativeLocks {
  tryLock(name: string, waitable: boolean): KernelLock | null;
}

function declareNativeLocks(calls: SocketCalls | null): NativeLocks | null {
  if (calls === null) return null;
  const { socket, bind, listen, close, lastError } = calls;
  // struct sockaddr_un: family, then the name, which starts with a NUL.
  const address = Buffer.alloc(3 + nameSize);
  address.writeUInt16LE(addressFamilies.unix, 0);
  return {
    tryLock(name, waitable) {
      address.fill(".", 3);
      address.write(`portolan/${name}`, 3, "latin1");
      address.write(spreadOf(name), 1 + nameSize, "latin1");
      // Streams, as Node's servers are: the kernel tells their names and those of datagrams apart.
      const descriptor = socket(addressFamilies.unix, socketTypes.tcp, 0);
      if (descriptor < 0) throw refused(name, lastError());
      if (bind(descriptor, address, address.length) !== 0) {
        const error = lastError();
        close(descriptor);
        if (error === "EADDRINUSE") return null;
        throw refused(name, error);
      }
      // So that whoever waits can connect, and hears when it closes.
      if (waitable) listen(descriptor, 64);
      return new DescriptorLock(descriptor, close);
    },
  };
}

/** One of thousands, made without functions of its own. */
class DescriptorLock implements KernelLock {
  #descriptor: number;
  readonly #close: SocketCalls["close"];

  constructor(descriptor: number, close: SocketCalls["close"]) {
    this.#descriptor = descriptor;
    this.#close = close;
  }

  release(): void {
    if (this.#descriptor >= 0) this.#close(this.#descriptor);
    this.#descriptor = -1;
  }
}

function refused(name: string, error: string): PortolanError {
  return new PortolanError("STORE_FAILED", `The kernel gave no lock ${name} (${error}).`, { details: { error } });
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    act();
  };
}

/** By Node alone. The server keeps no process alive, and ends with it. */
function lockByServer(path: string): Promise<KernelLock | null> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.unref();
      socket.on("error", () => undefined);
      socket.once("close", () => waiting.delete(socket));
    });
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(null);
      else reject(new PortolanError("STORE_FAILED", `The system gave no lock: ${error.message}.`, { cause: error }));
    });
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      const release = once(() => {
        server.close();
        for (const socket of waiting) socket.destroy();
      });
      resolve({ release });
    });
  });
}

/** O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK of macOS and the BSDs, which Node has no names for. */
const exclusiveFlags = 0x2 | 0x200 | 0x4 | 0x20;

function lockByFile(name: string): Promise<KernelLock | null> {
  try {
    const descriptor = openSync(`/tmp/portolan-${name.replaceAll("/", "-")}.lock`, exclusiveFlags, 0o666);
    return Promise.resolve({ release: once(() => closeSync(descriptor)) });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EAGAIN" || code === "EWOULDBLOCK") return Promise.resolve(null);
    throw new PortolanError("STORE_FAILED", `The system gave no lock ${name}: ${message}.`, { cause: error });
  }
}
