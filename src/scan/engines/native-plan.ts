/**
 * @module What the main thread and the threads of a native engine share: the plan of a batch and the words of control.
 */
import { tryParseIpAddress } from "../../core/index.ts";
import type { ScanAddress } from "../engine.ts";

/** Places in the shared words of control. */
export const controlWords = {
  /** Not 0 asks every thread to stop. */
  abort: 0,
  /** Cells with their final outcome. */
  done: 1,
  /** Next cell, or place in the list of cells, that nobody has taken. */
  next: 2,
  /** Open doors told, and open doors that the main thread has taken. */
  posted: 3,
  taken: 4,
  /** Not 0: loopback does not answer as it should, and what is left is for the epoll engine. */
  handOver: 5,
  /** From here on: the source port that each thread has bound, 0 for none. */
  sourcePorts: 8,
  count: 16,
} as const;

/** Bytes from one socket address to the next in `ScanPlan.addresses`. */
export const addressStride = 32;

/** One batch as the threads see it. */
export interface ScanPlan {
  /** A `struct sockaddr_in` or `sockaddr_in6` every `addressStride` bytes, with port 0. */
  readonly addresses: Uint8Array;
  readonly ports: Uint16Array;
  /** The cells to ask; `null` for all of the grid. */
  readonly cells: Uint32Array | null;
  /** Shared; see `ScanSink.outcomes`. */
  readonly outcomes: Uint8Array;
  /** Shared; see `controlWords`. */
  readonly control: Int32Array;
  /** Where in `control` is what. */
  readonly places: typeof controlWords;
  readonly keepConnections: boolean;
  /** Outcome byte of each error number, 255 for one that says nothing final. */
  readonly outcomeOfErrno: Uint8Array;
}

/** An open door as a thread posts it: cell, round trip in milliseconds, descriptor or -1, answer. */
export type PostedDoor = readonly [number, number, number, Uint8Array | null];

/** Socket addresses in the kernel's layout (ip(7), ipv6(7)). */
export function packAddresses(addresses: readonly ScanAddress[]): Uint8Array {
  const packed = new Uint8Array(addresses.length * addressStride);
  addresses.forEach((address, index) => {
    const at = index * addressStride;
    const bytes = addressBytes(address.address);
    if (address.family === "ipv4") {
      packed[at] = 2; // AF_INET
      packed.set(bytes, at + 4);
      return;
    }
    packed[at] = 10; // AF_INET6
    packed.set(bytes, at + 8);
    new DataView(packed.buffer).setUint32(at + 24, address.scopeId, true);
  });
  return packed;
}

/** The 4 or 16 bytes of a canonical address. */
export function addressBytes(text: string): Uint8Array {
  const canonical = tryParseIpAddress(text)?.address;
  if (canonical === undefined) return new Uint8Array(16);
  if (!canonical.includes(":")) return Uint8Array.from(canonical.split("."), Number);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  const [head = "", tail] = canonical.split("::");
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  before.forEach((group, index) => {
    view.setUint16(index * 2, group);
  });
  after.forEach((group, index) => {
    view.setUint16(16 - (after.length - index) * 2, group);
  });
  return bytes;
}

/** Groups of a part of an IPv6 address, whose last one may be an IPv4 address. */
function groupsOf(part: string): number[] {
  return part.split(":").flatMap((group) => {
    if (group === "") return [];
    if (!group.includes(".")) return [Number.parseInt(group, 16)];
    const [first = 0, second = 0, third = 0, fourth = 0] = group.split(".").map(Number);
    return [first * 256 + second, third * 256 + fourth];
  });
}
