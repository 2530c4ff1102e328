/**
 * @module Sockets by asking the kernel over netlink (sock_diag): costs as much as there is to tell, not as there are sockets.
 */
import { PortolanError, known, unknown, type IpFamily, type Known, type Socket } from "../../core/index.ts";
import { decodeReply, encodeRequest, gatherStretches, isFilteredByKernel } from "./inet-diag.ts";
import { nameErrno, type NativeAccess } from "./libc.ts";
import { createPause } from "./pause.ts";
import type { TableRequest } from "./proc-net.ts";

/** AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG. */
const netlinkFamily = 16;
const rawCloseOnExec = 3 | 0x80000;
const socketDiagnosis = 4;
/** SOL_SOCKET, SO_RCVTIMEO (asm-generic; the same on every architecture that koffi serves). */
const socketLevel = 1;
const receiveTimeoutOption = 20;
const receiveTimeoutSeconds = 5;
/** MSG_TRUNC: answer the datagram's true length. */
const truncationFlag = 0x20;
/** The kernel fills datagrams of up to 32 KiB for a reader who has shown that much room. */
const bufferSize = 1 << 16;
const interruptedSystemCall = 4;
const noSuchEntry = 2;
/** How often a table that changed under the walk is read again. */
const mostRepeats = 3;

/** What netlink told. */
export interface NetlinkTables {
  readonly sockets: Socket[];
  /** False when the signal cut it short. */
  readonly complete: boolean;
  /** True when a table changed during every one of its readings. */
  readonly unsettled: boolean;
}

/** Calls of the C library on netlink sockets. */
export interface NetlinkCalls {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setsockopt: (descriptor: number, level: number, option: number, value: Buffer, size: number) => number;
  readonly send: (descriptor: number, message: Buffer, size: number, flags: number) => number;
  readonly recv: (descriptor: number, buffer: Buffer, size: number, flags: number) => number;
  readonly close: (descriptor: number) => number;
  readonly if_indextoname: (index: number, name: Buffer) => number;
}

let calls: NetlinkCalls | undefined;
let receiveBuffer: Buffer | undefined;
let lastSequence = 0;

function declareCalls({ library }: NativeAccess): NetlinkCalls {
  return {
    socket: library.func("int socket(int family, int type, int protocol)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int option, void *value, uint32_t size)"),
    send: library.func("long send(int fd, void *message, size_t size, int flags)"),
    recv: library.func("long recv(int fd, void *buffer, size_t size, int flags)"),
    close: library.func("int close(int fd)"),
    if_indextoname: library.func("size_t if_indextoname(uint32_t index, void *name)"),
  };
}

/** The C library's calls, declared once. */
export function loadNetlinkCalls(access: NativeAccess): NetlinkCalls {
  return (calls ??= declareCalls(access));
}

/**
 * A descriptor through which the kernel tells the sockets of the network namespace in which this thread is now, wherever the thread is later.
 * @throws READER_UNAVAILABLE
 */
export function openDiagnosis(access: NativeAccess): number {
  const { socket, setsockopt } = loadNetlinkCalls(access);
  const descriptor = socket(netlinkFamily, rawCloseOnExec, socketDiagnosis);
  if (descriptor < 0) throw refusal("socket", access.koffi.errno());
  // A kernel that takes the question and never answers (emulated ones do) must not hang the program.
  const timeout = Buffer.alloc(16);
  timeout.writeBigInt64LE(BigInt(receiveTimeoutSeconds), 0);
  setsockopt(descriptor, socketLevel, receiveTimeoutOption, timeout, timeout.length);
  return descriptor;
}

function refusal(step: string, errno: number): PortolanError {
  const error = nameErrno(errno);
  return new PortolanError("READER_UNAVAILABLE", `The kernel did not answer over netlink: ${step} gave ${error}.`, {
    details: { reader: "netlink", step, error },
  });
}

/** Another namespace's descriptor, from openDiagnosis, which is closed when it has been read, and the names of its interfaces. */
export interface DiagnosisDoor {
  readonly descriptor: number;
  readonly interfaceNames: ReadonlyMap<number, string>;
}

/**
 * TCP and UDP sockets of this thread's network namespace, or of the one that `door` leads to.
 * @throws READER_UNAVAILABLE when the kernel does not answer such questions (seccomp, gVisor, no inet_diag module);
 * HOST_READ_FAILED when its answer makes no sense
 */
export async function readNetlinkSockets(
  access: NativeAccess,
  request: TableRequest,
  signal: AbortSignal | undefined,
  door?: DiagnosisDoor,
): Promise<NetlinkTables> {
  const functions = loadNetlinkCalls(access);
  const { koffi } = access;
  const buffer = (receiveBuffer ??= Buffer.allocUnsafeSlow(bufferSize));
  const sockets: Socket[] = [];
  const interfaceNames = new Map<number, Known<string | null>>();
  const stretches = request.ports === undefined ? undefined : gatherStretches(request.ports);
  const keep = stretches === undefined || isFilteredByKernel(stretches) ? undefined : request.ports;
  const traffic = request.traffic === true;
  const isEmpty = stretches?.length === 0;
  const pause = createPause(signal);
  let unsettled = false;

  function fail(step: string, errno: number): never {
    throw refusal(step, errno);
  }

  function interfaceName(index: number): Known<string | null> {
    let name = interfaceNames.get(index);
    if (name === undefined && door !== undefined) {
      const text = door.interfaceNames.get(index);
      name = text === undefined ? unknown("gone") : known(text);
      interfaceNames.set(index, name);
    }
    if (name === undefined) {
      const text = Buffer.alloc(16);
      // It asks the same namespace, and its names are at most 15 bytes and a NUL (IFNAMSIZ).
      const found = functions.if_indextoname(index, text) !== 0;
      name = found ? known(text.toString("utf8", 0, text.indexOf(0))) : unknown("gone");
      interfaceNames.set(index, name);
    }
    return name;
  }

  /** One table; answers whether it was told to its end. */
  async function readTable(descriptor: number, transport: "tcp" | "udp", family: IpFamily): Promise<boolean> {
    const start = sockets.length;
    for (let repeat = 0; ; repeat++) {
      lastSequence = (lastSequence + 1) >>> 0;
      const sequence = lastSequence;
      const message = encodeRequest({ transport, family, states: request.states, ports: stretches, traffic }, sequence);
      if (functions.send(descriptor, message, message.length, 0) < 0) fail("send", koffi.errno());
      let interrupted = false;
      for (;;) {
        if (pause.isDue() && (await pause.take())) return false;
        const count = functions.recv(descriptor, buffer, bufferSize, truncationFlag);
        if (count < 0) {
          const errno = koffi.errno();
          if (errno === interruptedSystemCall) continue;
          fail("recv", errno);
        }
        if (count === 0) fail("recv", 0);
        if (count > bufferSize) {
          throw new PortolanError(
            "HOST_READ_FAILED",
            `The kernel's answer of ${count} bytes was cut off at ${bufferSize}.`,
          );
        }
        const reply = decodeReply(
          buffer,
          count,
          { transport, family, sequence, keep, interfaceName, traffic },
          sockets,
        );
        interrupted ||= reply.interrupted;
        if (reply.errno === noSuchEntry && family === "ipv6") return true; // a kernel without IPv6
        if (reply.errno !== 0) fail(`the table of ${transport} over ${family}`, reply.errno);
        if (reply.done) break;
      }
      if (!interrupted) return true;
      if (repeat === mostRepeats) {
        unsettled = true;
        return true;
      }
      sockets.length = start;
    }
  }

  const descriptor = door?.descriptor ?? openDiagnosis(access);
  try {
    for (const transport of isEmpty ? [] : (["tcp", "udp"] as const)) {
      for (const family of ["ipv4", "ipv6"] as const) {
        if (!(await readTable(descriptor, transport, family))) return { sockets, complete: false, unsettled };
      }
    }
    return { sockets, complete: true, unsettled };
  } finally {
    functions.close(descriptor);
  }
}
