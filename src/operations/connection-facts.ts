/**
 * @module What a connection carried and who holds its ends, told of a joined connection.
 */
import { known, knownOr, unknown, type Known, type Socket, type SocketState } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import type { JoinedConnection } from "./connection-join.ts";

/** Sums of a connection from its near end's point of view; `null` where nobody told. */
export interface ConnectionMeasures {
  /** Bytes that the far end has acknowledged. */
  readonly sent: number | null;
  readonly received: number | null;
  readonly roundTripMicroseconds: number | null;
  /** Milliseconds since data went either way, or since the connection was made when none has. */
  readonly idleMs: number | null;
}

const unmeasured: ConnectionMeasures = { sent: null, received: null, roundTripMicroseconds: null, idleMs: null };

/** Measures by the near end, else by the far one. */
export function measureConnection({ near, far }: JoinedConnection): ConnectionMeasures {
  const own = measureSocket(near);
  if (own !== unmeasured || far === null) return own;
  const other = measureSocket(far);
  return { ...other, sent: other.received, received: other.sent };
}

function measureSocket(socket: Socket): ConnectionMeasures {
  const { traffic, state } = socket;
  if (traffic === undefined || !traffic.known) return unmeasured;
  const { bytesAcknowledged, bytesSent, bytesReceived, roundTripMicroseconds, idleSendMs, idleReceiveMs } =
    traffic.value;
  return {
    // The kernel counts SYN and FIN as a byte each when they are acknowledged, and what it sent again as sent: the less is nearer to the data.
    sent: bytesSent === null || bytesAcknowledged < bytesSent ? bytesAcknowledged : bytesSent,
    // The other end's FIN counts as a byte, too, once it is here.
    received: closedByOther.has(state) && bytesReceived > 0 ? bytesReceived - 1 : bytesReceived,
    roundTripMicroseconds,
    // Until the handshake is over the kernel's clocks have not been set.
    idleMs:
      state === "SYN_SENT" || state === "SYN_RECEIVED" ? null : idleSendMs < idleReceiveMs ? idleSendMs : idleReceiveMs,
  };
}

/** States of an end that has the other one's FIN (RFC 9293 §3.3.2). */
const closedByOther: ReadonlySet<SocketState> = new Set(["CLOSE_WAIT", "LAST_ACK", "CLOSING"]);

/** A holder as connections tell it. */
export interface NamedHolder {
  readonly pid: number;
  readonly name: Known<string>;
}

/** Holders with names; lists of one process are made once and shared. */
export function nameHolders(snapshot: Snapshot): (socket: Socket) => Known<readonly NamedHolder[]> {
  const names = new Map<number, NamedHolder>();
  const alone = new Map<number, Known<readonly NamedHolder[]>>();
  function nameOf(pid: number): NamedHolder {
    let named = names.get(pid);
    if (named === undefined) names.set(pid, (named = { pid, name: snapshot.processOf(pid).name }));
    return named;
  }
  const nobody: Known<readonly NamedHolder[]> = known([]);
  return (socket) => {
    const holders = snapshot.holdersOf(socket);
    if (!holders.known) return unknown(holders.why);
    const [first] = holders.value;
    if (first === undefined) return nobody;
    if (holders.value.length > 1) return known(holders.value.map(({ pid }) => nameOf(pid)));
    let list = alone.get(first.pid);
    if (list === undefined) alone.set(first.pid, (list = known([nameOf(first.pid)])));
    return list;
  };
}

/** The process that a connection's end is told under: the first of its holders. */
export function firstHolder(snapshot: Snapshot, socket: Socket): number | undefined {
  return knownOr(snapshot.holdersOf(socket), [])[0]?.pid;
}
