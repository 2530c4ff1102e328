/**
 * @module The file descriptor of one of Node's sockets or servers, which Node keeps to itself.
 */
import type { Server, Socket } from "node:net";

/** Its number, or `null` where there is none: it is closed, or the system has no descriptors. */
export function descriptorOf(owner: Server | Socket): number | null {
  const { fd = -1 } = (Reflect.get(owner, "_handle") ?? {}) as { fd?: number };
  return fd < 0 ? null : fd;
}
