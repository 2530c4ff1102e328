/**
 * @module Two connections that become one: what comes from either goes to the other untouched, no faster than it is taken.
 */
import type { Socket } from "node:net";
import { endedByReset, resetSocket } from "./reset.ts";

/** How two connections are joined. */
export interface JoinWish {
  /** Nothing moved in either direction for so long: both are ended, milliseconds; `null` for never. */
  readonly idleMs: number | null;
  /** Called once, when both are closed. `failure` is why they did not come to their own end. */
  readonly onDone: (failure: "idle" | Error | null) => void;
}

/** Two joined connections. */
export interface Joined {
  /** Bytes from the client to the server so far, and the other way. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Ends both at once. */
  destroy(): void;
}

/**
 * Joins them. Both must be paused or unread, and be open in one direction alone when they like (`allowHalfOpen`): an end is passed on behind
 * what came before it, and a reset as a reset.
 */
export function joinSockets(client: Socket, server: Socket, { idleMs, onDone }: JoinWish): Joined {
  let open = 2;
  let failure: "idle" | Error | null = null;
  const sentBefore = server.bytesWritten;
  const receivedBefore = server.bytesRead;
  const destroy = (): void => {
    client.destroy();
    server.destroy();
  };
  const link = (one: Socket, other: Socket): void => {
    one.on("error", (error) => {
      failure ??= error;
      resetSocket(other);
    });
    one.once("end", () => {
      if (!endedByReset(one)) return void other.end();
      failure ??= new Error("read ECONNRESET");
      resetSocket(one);
      return resetSocket(other);
    });
    one.once("close", () => {
      open -= 1;
      if (open === 0) onDone(failure);
      else if (!one.readableEnded) other.destroy();
    });
    one.setTimeout(idleMs ?? 0, () => {
      failure ??= "idle";
      destroy();
    });
    one.pipe(other, { end: false });
  };
  link(client, server);
  link(server, client);
  return {
    get sentBytes() {
      return server.bytesWritten - sentBefore;
    },
    get receivedBytes() {
      return server.bytesRead - receivedBefore;
    },
    destroy,
  };
}
