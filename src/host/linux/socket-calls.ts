/**
 * @module Sockets by the bare system calls, for what Node cannot do: bind without listening, listen without accepting, hold a socket
 * that no event loop watches.
 */
import { addressToNumber } from "../../core/index.ts";
import { keepError } from "./keep-error.ts";
import { loadNativeAccess, nameErrno } from "./libc.ts";

/** AF_UNIX, AF_INET, AF_INET6 (bits/socket.h). */
export const addressFamilies = { unix: 1, ipv4: 2, ipv6: 10 } as const;
/** SOCK_STREAM and SOCK_DGRAM with SOCK_CLOEXEC: no program that is started meanwhile inherits them. */
export const socketTypes = { tcp: 1 | 0x80000, udp: 2 | 0x80000 } as const;

/** The calls. Each answers -1 when it fails, and `lastError` says why. */
export interface SocketCalls {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly bind: (descriptor: number, address: Buffer, size: number) => number;
  readonly listen: (descriptor: number, backlog: number) => number;
  readonly close: (descriptor: number) => number;
  /** Sets SO_REUSEADDR or IPV6_V6ONLY. */
  readonly setOption: (descriptor: number, option: "reuseAddress" | "v6only", on: boolean) => number;
  /**
   * Makes room for so many descriptors more at once. The kernel enlarges a process's table step by step, and with several threads each step
   * waits some ten milliseconds for all processors (`expand_fdtable` in fs/file.c, synchronize_rcu).
   */
  readonly makeRoom: (count: number) => void;
  /** Another descriptor of the same socket. */
  readonly duplicate: (descriptor: number) => number;
  /** Name of the last call's error, `EADDRINUSE`. */
  readonly lastError: () => string;
}

/** Level and name: SOL_SOCKET, SO_REUSEADDR; IPPROTO_IPV6, IPV6_V6ONLY (asm-generic/socket.h, linux/in6.h). */
const options = { reuseAddress: [1, 2], v6only: [41, 26] } as const;
/** F_DUPFD_CLOEXEC (asm-generic/fcntl.h, linux/fcntl.h). */
const duplicateCloseOnExec = 1030;
const onValue = Buffer.from([1, 0, 0, 0]);
const offValue = Buffer.alloc(4);

let loaded: SocketCalls | null | undefined;

/** The calls, or `null` where koffi does not load or the system is not Linux. The answer is remembered. */
export function loadSocketCalls(): SocketCalls | null {
  if (loaded === undefined) loaded = process.platform === "linux" ? declareCalls() : null;
  return loaded;
}

function declareCalls(): SocketCalls | null {
  const access = loadNativeAccess();
  if (access === null) return null;
  const { koffi, library } = access;
  const setsockopt = library.func<(fd: number, level: number, option: number, value: Buffer, size: number) => number>(
    "int setsockopt(int fd, int level, int option, void *value, uint32_t size)",
  );
  const control = library.func<(fd: number, command: number, value: number) => number>(
    "int fcntl(int fd, int command, int value)",
  );
  let lastErrno = 0;
  const told = <Words extends unknown[]>(call: (...words: Words) => number): ((...words: Words) => number) =>
    keepError(
      call,
      () => koffi.errno(),
      (errno) => (lastErrno = errno),
    );
  const socket = told(library.func<SocketCalls["socket"]>("int socket(int family, int type, int protocol)"));
  const close = library.func<SocketCalls["close"]>("int close(int fd)");
  return {
    socket,
    makeRoom: (count) => {
      const lowest = socket(addressFamilies.unix, socketTypes.udp, 0);
      if (lowest < 0) return;
      // A copy with so high a number, made and closed; where the limit is lower nothing happens.
      const highest = control(lowest, duplicateCloseOnExec, lowest + count);
      if (highest >= 0) close(highest);
      close(lowest);
    },
    bind: told(library.func<SocketCalls["bind"]>("int bind(int fd, void *address, uint32_t size)")),
    listen: told(library.func<SocketCalls["listen"]>("int listen(int fd, int backlog)")),
    close,
    setOption: (descriptor, option, on) => {
      const [level, name] = options[option];
      return setsockopt(descriptor, level, name, on ? onValue : offValue, 4);
    },
    duplicate: told((descriptor: number) => control(descriptor, duplicateCloseOnExec, 0)),
    lastError: () => nameErrno(lastErrno),
  };
}

/** struct sockaddr_in or sockaddr_in6 (ip(7), ipv6(7)) of a canonical address without zone. */
export function encodeSocketAddress(address: string, port: number): Buffer {
  const isIpv6 = address.includes(":");
  const bytes = Buffer.alloc(isIpv6 ? 28 : 16);
  bytes.writeUInt16LE(isIpv6 ? addressFamilies.ipv6 : addressFamilies.ipv4, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.write(
    addressToNumber(address)
      .toString(16)
      .padStart(isIpv6 ? 32 : 8, "0"),
    isIpv6 ? 8 : 4,
    "hex",
  );
  return bytes;
}
