/**
 * @module Whose process is at the other end of a Unix socket (unix(7), SO_PEERCRED).
 */
import type { Socket } from "node:net";
import { descriptorOf } from "../descriptor.ts";
import { loadNativeAccess } from "./libc.ts";

/** SOL_SOCKET and SO_PEERCRED (asm-generic/socket.h). */
const socketLevel = 1;
const peerCredentials = 17;
/** struct ucred: pid, uid, gid. */
const credentialsSize = 12;

type GetOption = (descriptor: number, level: number, name: number, value: Buffer, size: Buffer) => number;

let getOption: GetOption | null | undefined;

/** Its user id at the time when it connected; `null` where the system or a missing koffi does not tell. */
export function readPeerUser(socket: Socket): number | null {
  if (process.platform !== "linux") return null;
  getOption ??=
    loadNativeAccess()?.library.func<GetOption>(
      "int getsockopt(int fd, int level, int name, void *value, void *size)",
    ) ?? null;
  const descriptor = descriptorOf(socket);
  if (getOption === null || descriptor === null) return null;
  const value = Buffer.alloc(credentialsSize);
  const size = Buffer.alloc(4);
  size.writeUInt32LE(credentialsSize);
  return getOption(descriptor, socketLevel, peerCredentials, value, size) === 0 ? value.readUInt32LE(4) : null;
}
