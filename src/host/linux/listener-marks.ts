/**
 * @module Whether the set of listening sockets is still the same: the kernel's tables read as they are, without making objects of them.
 */
import { encodeRequest } from "./inet-diag.ts";
import type { NativeAccess } from "./libc.ts";
import { loadNetlinkCalls, openDiagnosis } from "./netlink.ts";
import type { ListenerMarks } from "../host.ts";

/** Offsets in a message: header of 16 bytes, then struct inet_diag_msg, whose inode is at 68 (include/uapi/linux/inet_diag.h). */
const inodeAt = 16 + 68;
const rowType = 20;
const doneType = 3;
const errorType = 2;
const interruptedFlag = 0x10;
const interruptedSystemCall = 4;
const noSuchEntry = 2;
const bufferSize = 1 << 16;
const mostRepeats = 3;

/**
 * Marks by netlink, over one descriptor that stays open.
 * @throws READER_UNAVAILABLE
 */
export function openListenerMarks(access: NativeAccess): ListenerMarks {
  const calls = loadNetlinkCalls(access);
  const descriptor = openDiagnosis(access);
  const buffer = Buffer.allocUnsafeSlow(bufferSize);
  const words = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const requests = (["tcp", "udp"] as const).flatMap((transport) =>
    (["ipv4", "ipv6"] as const).map((family) =>
      encodeRequest({ transport, family, states: "listening", ports: undefined }, 0),
    ),
  );
  let sequence = 0;
  let count = 0;
  let sum = 0;
  let mixed = 0;

  /** Adds one table; false when it changed meanwhile or could not be read. */
  function add(request: Buffer): boolean {
    sequence = (sequence + 1) >>> 0;
    request.writeUInt32LE(sequence, 8);
    if (calls.send(descriptor, request, request.length, 0) < 0) return false;
    let settled = true;
    for (;;) {
      const length = calls.recv(descriptor, buffer, bufferSize, 0);
      if (length <= 0) {
        if (length < 0 && access.koffi.errno() === interruptedSystemCall) continue;
        return false;
      }
      for (let at = 0; at + 16 <= length;) {
        const size = words.getUint32(at, true);
        if (size < 16 || at + size > length) return false;
        if (words.getUint32(at + 8, true) === sequence) {
          const type = words.getUint16(at + 4, true);
          if ((words.getUint16(at + 6, true) & interruptedFlag) !== 0) settled = false;
          if (type === doneType) return settled;
          if (type === errorType) return size >= 20 && words.getInt32(at + 16, true) === -noSuchEntry;
          if (type === rowType && size >= inodeAt + 4) {
            const inode = words.getUint32(at + inodeAt, true);
            count += 1;
            sum += inode;
            // A second, unlike sum: sets that agree in number, sum and this one are the same set but for a chance in billions.
            mixed = (mixed + Math.imul(inode ^ (inode >>> 15), 0x2c1b3c6d)) | 0;
            mixed ^= mixed >>> 12;
          }
        }
        at += (size + 3) & ~3;
      }
    }
  }

  return {
    read() {
      for (let repeat = 0; repeat < mostRepeats; repeat++) {
        count = sum = mixed = 0;
        if (requests.every(add)) return `${count} ${sum} ${mixed}`;
      }
      return null;
    },
    close: () => void calls.close(descriptor),
  };
}
