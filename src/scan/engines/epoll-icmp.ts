/**
 * @module What an ICMP message says about a door, as one function that refers to nothing outside itself: its source text runs in
 * the epoll engine's thread (native-thread.ts).
 */
import type { NativeSystem } from "./native-system.ts";

/** Outcome bytes. */
export interface IcmpOutcomes {
  readonly hostUnreachable: number;
  readonly networkUnreachable: number;
  readonly prohibited: number;
  readonly protocolError: number;
  readonly undecided: number;
  /**
   * Nobody receives at the port. A device that speaks TCP answers a closed port by RST, so for TCP this message comes from a filter:
   * `prohibited`.
   */
  readonly portUnreachable: number;
  /** For messages that do not come from the network: by error number. */
  readonly ofErrno: Uint8Array;
}

/**
 * Prepares the reading of error queues (IP_RECVERR in ip(7)).
 * @param at place of 1 KiB of the system's memory
 * @returns reads the oldest message of a socket's error queue: its outcome, or `undecided` when there is none or it says nothing
 */
export function createIcmpReader(
  system: NativeSystem,
  outcome: IcmpOutcomes,
  at: number,
): (descriptor: number) => number {
  const { memory, view, base } = system;
  const headerAt = at; // struct msghdr, then struct iovec
  const ancillaryAt = at + 128;
  const restAt = at + 128 + 512;

  view.setBigUint64(headerAt, 0n, true); // no name
  view.setBigUint64(headerAt + 16, BigInt(base + headerAt + 64), true); // one struct iovec
  view.setBigUint64(headerAt + 24, 1n, true);
  view.setBigUint64(headerAt + 32, BigInt(base + ancillaryAt), true);
  view.setBigUint64(headerAt + 64, BigInt(base + restAt), true);
  view.setBigUint64(headerAt + 72, 256n, true);

  /** Outcome that a queued ICMP message stands for, or `undecided` (RFC 792, RFC 4443). */
  function read(descriptor: number): number {
    // The kernel overwrites lengths and flags.
    view.setUint32(headerAt + 8, 0, true);
    view.setUint32(headerAt + 40, 512, true);
    view.setUint32(headerAt + 44, 0, true);
    view.setUint32(headerAt + 48, 0, true);
    if (system.recvmsg(descriptor, base + headerAt, 0x2000) < 0) return outcome.undecided; // MSG_ERRQUEUE
    const end = Math.min(512, view.getUint32(headerAt + 40, true));
    for (let place = 0; place + 16 <= end;) {
      const size = view.getUint32(ancillaryAt + place, true);
      const level = view.getUint32(ancillaryAt + place + 8, true);
      const kind = view.getUint32(ancillaryAt + place + 12, true);
      if (size < 16) break;
      if ((level === 0 && kind === 11) || (level === 41 && kind === 25)) {
        // struct sock_extended_err: number, origin, type, code.
        const errno = view.getUint32(ancillaryAt + place + 16, true);
        return outcomeOfIcmp(
          memory[ancillaryAt + place + 20]!,
          memory[ancillaryAt + place + 21]!,
          memory[ancillaryAt + place + 22]!,
          errno,
        );
      }
      place += (size + 7) & ~7;
    }
    return outcome.undecided;
  }

  function outcomeOfIcmp(origin: number, type: number, code: number, errno: number): number {
    const { hostUnreachable, networkUnreachable, prohibited, portUnreachable, undecided } = outcome;
    if (origin === 2) {
      if (type === 11) return hostUnreachable; // time exceeded
      if (type !== 3) return type === 12 ? outcome.protocolError : undecided;
      if (code === 4) return undecided; // fragmentation needed
      if (code === 3) return portUnreachable;
      if (code === 0 || code === 6 || code === 11) return networkUnreachable;
      if (code === 2) return outcome.protocolError;
      return code === 9 || code === 10 || code === 13 ? prohibited : hostUnreachable;
    }
    if (origin === 3) {
      if (type === 3) return hostUnreachable;
      if (type !== 1) return type === 4 ? outcome.protocolError : undecided;
      if (code === 4) return portUnreachable;
      if (code === 0) return networkUnreachable;
      return code === 1 || code === 5 || code === 6 ? prohibited : hostUnreachable;
    }
    return outcome.ofErrno[errno & 255]!;
  }

  return read;
}
