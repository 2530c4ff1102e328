/**
 * @module Resetting a connection, whatever it is doing.
 */
import type { Socket } from "node:net";

/**
 * Resets it, so that what was cut off does not look whole. One that has written everything and is just saying its end is closed instead: nothing
 * of it was cut off, and libuv refuses to reset it (uv_tcp_close_reset, EINVAL), upon which Node would never close it.
 */
export function resetSocket(socket: Socket): void {
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
  if (isEnding) socket.destroy();
  else socket.resetAndDestroy();
}
