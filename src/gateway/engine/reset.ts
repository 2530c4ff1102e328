/**
 * @module Resets of TCP as they are: noticed where Node tells an end, and sent where Node would only leave the socket open.
 */
import type { Socket } from "node:net";
import { takeSocketError } from "../../host/index.ts";

/**
 * Whether an end that a socket has just told is a reset. libuv tells one that came together with the last bytes as an end
 * (uv__stream_io: "Short-circuit iff POLLHUP is polled"), and the bytes before it would look complete. To be asked in the listener of `end`,
 * once. Where the kernel cannot be asked the end is believed.
 */
export function endedByReset(socket: Socket): boolean {
  return (takeSocketError(socket) ?? 0) !== 0;
}

/**
 * Ends a connection by a reset. While its end is just being sent libuv refuses to (EINVAL, uv_tcp_close_reset), and Node then forgets the
 * socket without closing it; the reset waits for that moment to pass.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.connecting) return void socket.once("connect", () => resetSocket(socket));
  const ending = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (ending) socket.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}
