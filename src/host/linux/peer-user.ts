/**
 * @module Whose process is at the other end of a Unix socket (unix(7), SO_PEERCRED).
 */
import type { Socket } from "node:net";
import { readSocketOption } from "./socket-option.ts";

/** SO_PEERCRED (asm-generic/socket.h). */
const peerCredentials = 17;
/** struct ucred: pid, uid, gid. */
const credentialsSize = 12;

/** Its user id at the time when it connected; `null` where the system or a missing koffi does not tell. */
export function readPeerUser(socket: Socket): number | null {
  const value = Buffer.alloc(credentialsSize);
  return readSocketOption(socket, peerCredentials, value) ? value.readUInt32LE(4) : null;
}
