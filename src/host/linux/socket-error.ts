/**
 * @module What the kernel holds against a socket that nobody has been told yet (socket(7), SO_ERROR).
 */
import type { Socket } from "node:net";
import { readSocketOption } from "./socket-option.ts";

/** SO_ERROR (asm-generic/socket.h). */
const pendingError = 4;

const value = Buffer.alloc(4);

/**
 * Its number (errno(3)), 0 for none; asking takes it away. `null` where the system or a missing koffi does not tell, and for a closed socket.
 */
export function takeSocketError(socket: Socket): number | null {
  return readSocketOption(socket, pendingError, value) ? value.readInt32LE(0) : null;
}
