/**
 * @module The system calls of the two native engines, as one function that refers to nothing outside itself: its source text
 * runs in the engines' worker threads, wherever a bundler has put it (native-thread.ts).
 */
import type { Koffi, KoffiLibrary } from "../../host/index.ts";

/** The calls, and memory that they read and write. Numbers are as in Linux's asm-generic headers. */
export interface NativeSystem {
  /** Memory with a fixed address, for everything that a call is given by pointer. */
  readonly memory: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Address of `memory`. */
  readonly base: number;
  /** Size and place of the user data in `struct epoll_event`, which only x86-64 packs. */
  readonly epollEventSize: number;
  readonly epollDataOffset: number;
  readonly errno: () => number;
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly connect: (descriptor: number, address: number, length: number) => number;
  readonly bind: (descriptor: number, address: number, length: number) => number;
  readonly close: (descriptor: number) => number;
  readonly send: (descriptor: number, data: number, length: number, flags: number) => number;
  readonly recv: (descriptor: number, data: number, length: number, flags: number) => number;
  readonly recvmsg: (descriptor: number, header: number, flags: number) => number;
  readonly getsockname: (descriptor: number, address: number, length: number) => number;
  readonly getsockopt: (descriptor: number, level: number, name: number, value: number, length: number) => number;
  readonly setsockopt: (descriptor: number, level: number, name: number, value: number, length: number) => number;
  readonly fcntl: (descriptor: number, command: number, value: number) => number;
  readonly epollCreate: (flags: number) => number;
  readonly epollControl: (epoll: number, operation: number, descriptor: number, event: number) => number;
  readonly epollWait: (epoll: number, events: number, most: number, timeoutMs: number) => number;
}

/**
 * Declares the calls.
 * @param size bytes of memory
 * @param architecture `process.arch`
 */
export function createNativeSystem(
  koffi: Koffi,
  library: KoffiLibrary,
  size: number,
  architecture: string,
): NativeSystem {
  // Whole words, whatever the datagrams add up to.
  const buffer = new ArrayBuffer((size + 7) & ~7);
  const memory = new Uint8Array(buffer);
  const view = new DataView(buffer);
  const base = Number(koffi.address(memory));
  const packed = architecture === "x64";
  return {
    memory,
    words: new Int32Array(buffer),
    view,
    base,
    epollEventSize: packed ? 12 : 16,
    epollDataOffset: packed ? 4 : 8,
    errno: () => koffi.errno(),
    socket: library.func("int socket(int family, int type, int protocol)"),
    connect: library.func("int connect(int fd, int64_t address, uint32_t length)"),
    bind: library.func("int bind(int fd, int64_t address, uint32_t length)"),
    close: library.func("int close(int fd)"),
    send: library.func("long send(int fd, int64_t data, size_t length, int flags)"),
    recv: library.func("long recv(int fd, int64_t data, size_t length, int flags)"),
    recvmsg: library.func("long recvmsg(int fd, int64_t header, int flags)"),
    getsockname: library.func("int getsockname(int fd, int64_t address, int64_t length)"),
    getsockopt: library.func("int getsockopt(int fd, int level, int name, int64_t value, int64_t length)"),
    setsockopt: library.func("int setsockopt(int fd, int level, int name, int64_t value, uint32_t length)"),
    // fcntl is variadic, which some machines pass differently from named arguments.
    fcntl: (
      (call) => (descriptor: number, command: number, value: number) =>
        call(descriptor, command, "int", value)
    )(
      library.func<(descriptor: number, command: number, type: string, value: number) => number>(
        "int fcntl(int fd, int command, ...)",
      ),
    ),
    epollCreate: library.func("int epoll_create1(int flags)"),
    epollControl: library.func("int epoll_ctl(int epoll, int operation, int fd, int64_t event)"),
    epollWait: library.func("int epoll_wait(int epoll, int64_t events, int most, int timeout)"),
  };
}
