/**
 * @module Resets of TCP as they are: noticed where Node tells an end, and sent where Node would only leave the socket open.
 */
import { Socket } from "node:net";
import { takeSocketError } from "../../host/index.ts";

/**
 * Whether an end that a socket has just told is a reset. libuv tells one that came together with the last bytes as an end
 * (uv__stream_io: "Short-circuit iff POLLHUP is polled"), and the bytes before it would look complete. To be asked in the listener of `end`,
 * once. Where the kernel cannot be asked the end is believed, and so is that of TLS, which says itself what was cut off.
 */
export function endedByReset(socket: Socket): boolean {
  return isPlain(socket) && (takeSocketError(socket) ?? 0) !== 0;
}

/**
 * Ends a connection by a reset. While its end is just being sent libuv refuses to (EINVAL, uv_tcp_close_reset), and Node then forgets the
 * socket without closing it; the reset waits for that moment to pass. TLS is closed without its farewell: Node resets no such socket, and throws.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  if (!isPlain(socket)) return void socket.destroy();
  if (socket.connecting) return void socket.once("connect", () => resetSocket(socket));
  const ending = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (ending) socket.once("finish", () => socket.resetAndDestroy());
  else socket.resetAndDestroy();
}

function isPlain(socket: Socket): boolean {
  return Object.getPrototypeOf(socket) === Socket.prototype;
}
