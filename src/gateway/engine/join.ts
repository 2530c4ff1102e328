/**
 * @module Two connections that become one: what comes from either goes to the other untouched, no faster than it is taken.
 */
import type { Socket } from "node:net";
import { DirectFlow, readDirectly } from "./direct-flow.ts";
import { endedByReset, resetSocket } from "./reset.ts";

/** How two connections are joined. */
export interface JoinWish {
  /** Nothing moved in either direction for so long: both are ended, milliseconds; `null` for never. */
  readonly idleMs: number | null;
  /** When one side has sent its end, so long may nothing come from the other, milliseconds; default as long as it likes. */
  readonly halfClosedMs?: number;
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
  /** Resets both at once: what is cut off does not look whole. */
  reset(): void;
}

/** One direction: what moved, and how much. */
interface Flow {
  readonly movedBytes: number;
}

/**
 * Joins two connected sockets; what was read of them already and waits is passed on first. An end is passed on behind what came before it, and
 * a reset as a reset. Both objects are the caller's no more: they tell `close`, and `destroy` ends them; nothing else of theirs means anything.
 */
export function joinSockets(client: Socket, server: Socket, { idleMs, halfClosedMs, onDone }: JoinWish): Joined {
  let open = 2;
  let failure: "idle" | Error | null = null;
  const up = new DirectFlow();
  const down = new DirectFlow();
  const [clientEnd, isClientDirect] = endOf(client, up);
  const [serverEnd, isServerDirect] = endOf(server, down);
  const destroy = (): void => {
    clientEnd.destroy();
    serverEnd.destroy();
  };
  const reset = (): void => {
    resetSocket(clientEnd);
    resetSocket(serverEnd);
  };
  const link = (one: Socket, other: Socket): void => {
    one.on("error", (error) => {
      failure ??= error;
      resetSocket(other);
    });
    const onEnd = (): void => {
      if (endedByReset(one)) {
        failure ??= new Error("read ECONNRESET");
        return reset();
      }
      other.end();
      if (halfClosedMs !== undefined) endWhenSilent(other, halfClosedMs);
    };
    // Who read it to its end before has been told.
    if (one.readableEnded) onEnd();
    else one.once("end", onEnd);
    one.once("close", () => {
      open -= 1;
      if (open === 0) onDone(failure);
      else if (!one.readableEnded) other.destroy();
    });
    if (idleMs !== null) {
      one.setTimeout(idleMs, () => {
        failure ??= "idle";
        reset();
      });
    }
  };
  link(clientEnd, serverEnd);
  link(serverEnd, clientEnd);
  const sent = isClientDirect ? begin(up, client, clientEnd, serverEnd) : pump(clientEnd, serverEnd);
  const received = isServerDirect ? begin(down, server, serverEnd, clientEnd) : pump(serverEnd, clientEnd);
  return {
    get sentBytes() {
      return sent.movedBytes;
    },
    get receivedBytes() {
      return received.movedBytes;
    },
    destroy,
    reset,
  };
}

/** The socket that goes on, and whether it reads by the flow. */
function endOf(socket: Socket, flow: DirectFlow): readonly [Socket, boolean] {
  const direct = readDirectly(socket, flow.onread);
  if (direct !== null) return [direct, true];
  socket.allowHalfOpen = true;
  return [socket, false];
}

function begin(flow: DirectFlow, before: Socket, from: Socket, to: Socket): Flow {
  flow.connect(from, to);
  for (;;) {
    const early = before.read() as Buffer | null;
    if (early === null) return flow;
    flow.passFirst(early);
  }
}

/** The streams' own way. */
function pump(from: Socket, to: Socket): Flow {
  const flow = { movedBytes: 0 };
  from.on("data", (chunk: Buffer) => (flow.movedBytes += chunk.length));
  from.pipe(to, { end: false });
  return flow;
}

/** Ends a connection from which nothing comes any more. */
export function endWhenSilent(socket: Socket, silenceMs: number): void {
  socket.setTimeout(silenceMs, () => {
    // Who takes what is still to come at their leisure is not silent.
    if (socket.writableLength === 0) socket.destroy();
    else socket.setTimeout(silenceMs);
  });
}
