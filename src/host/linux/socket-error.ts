/**
 * @module What the kernel holds against a socket that nobody has been told yet (socket(7), SO_ERROR).
 */
import type { Socket } from "node:net";
import { descriptorOf } from "../descriptor.ts";
import { loadNativeAccess } from "./libc.ts";

/** SOL_SOCKET and SO_ERROR (asm-generic/socket.h). */
const socketLevel = 1;
const pendingError = 4;

type GetOption = (descriptor: number, level: number, name: number, value: Buffer, size: Buffer) => number;

const value = Buffer.alloc(4);
const size = Buffer.alloc(4);
let getOption: GetOption | null | undefined;

/**
 * Its number (errno(3)), 0 for none; asking takes it away. `null` where the system or a missing koffi does not tell, and for a closed socket.
 */
export function takeSocketError(socket: Socket): number | null {
  if (process.platform !== "linux") return null;
  getOption ??=
    loadNativeAccess()?.library.func<GetOption>(
      "int getsockopt(int fd, int level, int name, void *value, void *size)",
    ) ?? null;
  const descriptor = descriptorOf(socket);
  if (getOption === null || descriptor === null) return null;
  size.writeUInt32LE(4);
  return getOption(descriptor, socketLevel, pendingError, value, size) === 0 ? value.readInt32LE(0) : null;
}
