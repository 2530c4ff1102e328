/**
 * @module An option of a socket as the kernel has it (getsockopt(2), socket(7)).
 */
import type { Socket } from "node:net";
import { descriptorOf } from "../descriptor.ts";
import { loadNativeAccess } from "./libc.ts";

/** SOL_SOCKET (asm-generic/socket.h). */
const socketLevel = 1;

type GetOption = (descriptor: number, level: number, name: number, value: Buffer, size: Buffer) => number;

const size = Buffer.alloc(4);
let getOption: GetOption | null | undefined;

/**
 * Reads an option of the socket level.
 * @param name its number in asm-generic/socket.h
 * @param value where it is written, as many bytes as the option has
 * @returns whether it was: not where the system or a missing koffi does not tell, and not for a closed socket
 */
export function readSocketOption(socket: Socket, name: number, value: Buffer): boolean {
  if (process.platform !== "linux") return false;
  getOption ??=
    loadNativeAccess()?.library.func<GetOption>(
      "int getsockopt(int fd, int level, int name, void *value, void *size)",
    ) ?? null;
  const descriptor = descriptorOf(socket);
  if (getOption === null || descriptor === null) return false;
  size.writeUInt32LE(value.length);
  return getOption(descriptor, socketLevel, name, value, size) === 0;
}
