/**
 * @module Sockets by the bare system calls, of either of two users: what Node does not offer, and nothing of what Node adds.
 */
import { fstatSync } from "node:fs";
import { createRequire } from "node:module";
import type * as Koffi from "koffi";
import { parseIpAddress } from "../../src/core/index.ts";

const koffi = createRequire(import.meta.url)("koffi") as typeof Koffi;

/** Names of the errors that bind, listen and connect give (asm-generic/errno.h). */
const errorNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  11: "EAGAIN",
  13: "EACCES",
  19: "ENODEV",
  22: "EINVAL",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  101: "ENETUNREACH",
  103: "ECONNABORTED",
  111: "ECONNREFUSED",
  115: "EINPROGRESS",
};

/** setresuid(2): of the calling thread alone, which the C library's function is not. */
const setUserIds = process.arch === "arm64" ? 147 : 117;
const keepId = -1;

const library = koffi.load(null);
type Call = (...values: unknown[]) => number;
const call: Record<
  "socket" | "setsockopt" | "bind" | "listen" | "connect" | "accept4" | "close" | "getsockname",
  Call
> = {
  socket: library.func("int socket(int domain, int type, int protocol)"),
  setsockopt: library.func("int setsockopt(int fd, int level, int name, const void *value, uint32_t length)"),
  bind: library.func("int bind(int fd, const void *address, uint32_t length)"),
  listen: library.func("int listen(int fd, int backlog)"),
  connect: library.func("int connect(int fd, const void *address, uint32_t length)"),
  accept4: library.func("int accept4(int fd, void *address, void *length, int flags)"),
  close: library.func("int close(int fd)"),
  getsockname: library.func("int getsockname(int fd, _Out_ void *address, _Inout_ uint32_t *length)"),
};
const systemCall = library.func("long syscall(long number, long real, long effective, long saved)") as Call;

/** What a call gave: a number, or an error's name. */
export type Outcome = { readonly ok: true; readonly value: number } | { readonly ok: false; readonly error: string };

function outcome(value: number): Outcome {
  if (value >= 0) return { ok: true, value };
  const errno = koffi.errno();
  return { ok: false, error: errorNames[errno] ?? `errno ${errno}` };
}

/** The uid of the other user: Debian's nobody. */
export const otherUid = 65_534;

/** Does something as a user; root may come back from being anybody. */
export function asUser<T>(uid: number, act: () => T): T {
  if (uid === 0) return act();
  becomeUser(uid);
  try {
    return act();
  } finally {
    becomeUser(0);
  }
}

function becomeUser(uid: number): void {
  if (systemCall(setUserIds, keepId, uid, keepId) !== 0) throw new Error(`setresuid to ${uid} was refused`);
}

const nonBlocking = 0x800;
const closeOnExec = 0x80000;

/** A new non-blocking socket. */
export function openSocket(transport: "tcp" | "udp", family: "ipv4" | "ipv6"): number {
  const domain = family === "ipv4" ? 2 : 10;
  const opened = outcome(call.socket(domain, (transport === "tcp" ? 1 : 2) | nonBlocking | closeOnExec, 0));
  if (!opened.ok) throw new Error(`socket: ${opened.error}`);
  return opened.value;
}

const options = {
  SO_REUSEADDR: [1, 2],
  SO_REUSEPORT: [1, 15],
  SO_BINDTODEVICE: [1, 25],
  IPV6_V6ONLY: [41, 26],
} as const;

/** Sets an option; the interface is `lo` or none. */
export function setOption(descriptor: number, name: keyof typeof options, on: boolean): Outcome {
  const [level, option] = options[name];
  const value = name === "SO_BINDTODEVICE" ? Buffer.from(on ? "lo\0" : "\0") : Buffer.from([Number(on), 0, 0, 0]);
  return outcome(call.setsockopt(descriptor, level, option, value, value.length));
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)), by the family of the text. */
function socketAddress(address: string, port: number, family: "ipv4" | "ipv6"): Buffer {
  const bytes = Buffer.alloc(family === "ipv6" ? 28 : 16);
  bytes.writeUInt16LE(family === "ipv6" ? 10 : 2, 0);
  bytes.writeUInt16BE(port, 2);
  const parsed = parseIpAddress(address);
  if (family === "ipv4") bytes.set(parsed.address.split(".").map(Number), 4);
  else bytes.set(ipv6Bytes(parsed.address), 8);
  return bytes;
}

function ipv6Bytes(address: string): Uint8Array {
  const bytes = new Uint8Array(16);
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const text = dotted === null ? address : `${dotted[1]}${hex(dotted[2]!, dotted[3]!)}:${hex(dotted[4]!, dotted[5]!)}`;
  const [head = "", tail] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups =
    tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  groups.forEach((group, index) => {
    const value = Number.parseInt(group, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 255;
  });
  return bytes;
}

function hex(high: string, low: string): string {
  return ((Number(high) << 8) | Number(low)).toString(16);
}

/** bind(2). */
export function bind(descriptor: number, address: string, port: number, family: "ipv4" | "ipv6"): Outcome {
  const bytes = socketAddress(address, port, family);
  return outcome(call.bind(descriptor, bytes, bytes.length));
}

/** connect(2), which over loopback is done when it returns. */
export function connect(descriptor: number, address: string, port: number, family: "ipv4" | "ipv6"): Outcome {
  const bytes = socketAddress(address, port, family);
  return outcome(call.connect(descriptor, bytes, bytes.length));
}

/** listen(2). */
export function listen(descriptor: number): Outcome {
  return outcome(call.listen(descriptor, 8));
}

/** accept4(2), non-blocking. */
export function accept(descriptor: number): Outcome {
  return outcome(call.accept4(descriptor, null, null, nonBlocking | closeOnExec));
}

/** close(2). */
export function close(descriptor: number): void {
  call.close(descriptor);
}

/** The inode of a socket, by which the kernel's tables name it. */
export function inodeOf(descriptor: number): number {
  return fstatSync(descriptor).ino;
}

/** The port that it is bound to, 0 for none (getsockname(2)). */
export function portOf(descriptor: number): number {
  const bytes = Buffer.alloc(28);
  const length = [bytes.length];
  const answered = outcome(call.getsockname(descriptor, bytes, length));
  return answered.ok ? bytes.readUInt16BE(2) : 0;
}
