/**
 * @module How `wait` waits: for this machine by its socket table, elsewhere by connecting, for HTTP by asking.
 */
import { setTimeout as pause } from "node:timers/promises";
import { requestStatus, tryConnection } from "../act/index.ts";
import { formatSocketAddress, isListening, isPortolanError, knownOr, linkAbort, type Socket } from "../core/index.ts";
import { watchPorts } from "../observe/index.ts";
import { listensAt } from "../plan/index.ts";
import type { OperationContext } from "./operation.ts";
import type { WaitDoor } from "./wait-doors.ts";

/** How a door was found to be as wished. */
export type WaitHow = "table" | "connection" | "http";

/** The state of one door. */
export interface WaitState {
  readonly door: WaitDoor;
  ready: boolean;
  how: WaitHow | null;
  afterMs: number | null;
  /** Why it is not as wished, one sentence; `null` when it is. */
  reason: string | null;
  /** Last HTTP status. */
  status: number | null;
}

/** What waiting needs. */
export interface WaitWork {
  readonly gone: boolean;
  readonly accepts: (status: number) => boolean;
  readonly context: OperationContext;
  /** Fires at the deadline, on an interrupt, and when nothing is left to wait for. */
  readonly signal: AbortSignal;
  readonly settle: (state: WaitState, how: WaitHow) => void;
}

/** Back-off of connections: first and longest pause, milliseconds, and how long one attempt may take. */
const connecting = { firstMs: 50, longestMs: 1000, attemptMs: 2000 };
/** Back-off of HTTP. */
const asking = { firstMs: 20, longestMs: 500, attemptMs: 5000 };
const backOff = 1.5;

/** Waits for the doors of this machine by one watch of the socket table. No connection is made. */
export async function waitByTable(states: readonly WaitState[], work: WaitWork): Promise<void> {
  const ports = [...new Set(states.map(({ door }) => door.port as number))];
  const later: Promise<void>[] = [];
  const left = new Set(states);
  const watch = linkAbort(work.signal);
  try {
    for await (const snapshot of watchPorts(work.context.host, { ports, signal: watch.signal })) {
      for (const state of left) {
        const here = snapshot.sockets.filter((socket) => isOn(state.door, socket));
        const there = here.filter((socket) => takes(state.door, socket));
        if (there.length > 0 === work.gone) {
          state.reason = work.gone ? explainHeld(there) : explainAbsent(state.door, here);
          continue;
        }
        left.delete(state);
        if (state.door.http === null) work.settle(state, "table");
        else later.push(waitByHttp(state, work, addressesOf(state.door, there)));
      }
      if (left.size === 0) break;
    }
  } catch (error) {
    if (!isPortolanError(error, "HOST_UNSUPPORTED")) throw error;
    // A system whose sockets cannot be read is asked as another device would be.
    await Promise.all([...left].map((state) => waitByConnecting(state, work)));
  } finally {
    watch.abort();
  }
  await Promise.all(later);
}

function isOn({ transport, port }: WaitDoor, socket: Socket): boolean {
  return isListening(socket) && socket.transport === transport && socket.local.port === port;
}

function takes({ local }: WaitDoor, socket: Socket): boolean {
  return local === null || (local ?? []).some((address) => listensAt(socket, address) !== "no");
}

function explainAbsent({ local, port, transport }: WaitDoor, elsewhere: readonly Socket[]): string {
  const verb = transport === "tcp" ? "listens" : "receives";
  const first = elsewhere[0];
  if (first === undefined || local === null) return `Nobody ${verb} on port ${port}.`;
  return `Somebody ${verb} at ${formatSocketAddress(first.local.address, port)} only, which does not take what is sent to ${(local ?? []).join(" or ")}.`;
}

function explainHeld(there: readonly Socket[]): string {
  const first = there[0];
  return first === undefined
    ? ""
    : `Somebody listens at ${formatSocketAddress(first.local.address, first.local.port)} still.`;
}

/** Where to ask a local door by HTTP: at its own addresses, else at the loopback addresses that its listener takes. */
function addressesOf({ local }: WaitDoor, there: readonly Socket[]): readonly string[] {
  const wished = local ?? ["127.0.0.1", "::1"];
  const taken = wished.filter((address) => there.some((socket) => listensAt(socket, address) !== "no"));
  if (taken.length > 0) return taken;
  return there.map(({ local: { address } }) => address);
}

/** Waits for a door by connecting to it with growing pauses. A name is resolved each time: it may come to mean something. */
export async function waitByConnecting(state: WaitState, work: WaitWork): Promise<void> {
  const { host, port } = state.door;
  for (
    let pauseMs = connecting.firstMs;
    !work.signal.aborted;
    pauseMs = Math.min(connecting.longestMs, pauseMs * backOff)
  ) {
    const { outcome, address } = await connectToAny(host, port, work);
    if (work.signal.aborted) return;
    const open = outcome === "open";
    // Only a refusal shows that nobody is there: silence may be a lost packet.
    if (work.gone ? outcome === "ECONNREFUSED" : open) {
      if (state.door.http === null) work.settle(state, "connection");
      else await waitByHttp(state, work, [address]);
      return;
    }
    state.reason =
      work.gone && open ? `${host} still takes connections on port ${port}.` : explainFailure(state.door, outcome);
    await pause(pauseMs, undefined, { signal: work.signal }).catch(() => undefined);
  }
}

async function connectToAny(host: string, port: number, work: WaitWork): Promise<{ outcome: string; address: string }> {
  const addresses = host === "localhost" || host.endsWith(".localhost") ? ["127.0.0.1", "::1"] : [host];
  let last = { outcome: "ENOTFOUND", address: host };
  for (const address of addresses) {
    const outcome = await tryConnection(
      { host: address, port },
      { signal: work.signal, timeoutMs: connecting.attemptMs },
    );
    last = { outcome, address };
    if (outcome === "open") return last;
  }
  return last;
}

function explainFailure({ host, port }: WaitDoor, code: string): string {
  if (code === "ECONNREFUSED") return `${host} refuses connections on port ${port}: nobody listens there.`;
  if (code === "ETIMEDOUT")
    return `${host} does not answer on port ${port}: a filter drops the packets, or the device is off.`;
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `The name ${host} has no address.`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `There is no way to ${host} (${code}).`;
  return `Connecting to ${host} on port ${port} failed (${code}).`;
}

/** Waits until the page's status is accepted. */
async function waitByHttp(state: WaitState, work: WaitWork, addresses: readonly string[]): Promise<void> {
  const { http, port, host } = state.door;
  if (http === null) return;
  state.reason = `It listens, and has not answered GET ${http.path} yet.`;
  const name = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  for (let pauseMs = asking.firstMs; !work.signal.aborted; pauseMs = Math.min(asking.longestMs, pauseMs * backOff)) {
    for (const address of addresses) {
      const target = { secure: http.secure, address, host: name, port, path: http.path };
      const answer = await requestStatus(target, { signal: work.signal, timeoutMs: asking.attemptMs });
      if (work.signal.aborted) return;
      if (typeof answer === "number") {
        state.status = answer;
        if (work.accepts(answer)) {
          work.settle(state, "http");
          return;
        }
        state.reason = `It listens, and answers GET ${http.path} with ${answer}.`;
      } else state.reason = explainNoAnswer(http, answer);
    }
    await pause(pauseMs, undefined, { signal: work.signal }).catch(() => undefined);
  }
}

function explainNoAnswer({ secure, path }: NonNullable<WaitDoor["http"]>, code: string): string {
  if (code === "HPE_INVALID_CONSTANT" || code.startsWith("HPE_"))
    return "It listens, and what it answers is not HTTP; it may expect TLS (https://).";
  if (code === "EPROTO" || code.startsWith("ERR_SSL"))
    return "It listens, and does not speak TLS; it may speak plain HTTP (http://).";
  if (code === "ECONNREFUSED") return "It listened, and refuses connections by now.";
  if (code === "ECONNRESET")
    return `It listens, and ends the connection without an answer${secure ? "" : "; it may expect TLS (https://)"}.`;
  return `It listens, and does not answer GET ${path} (${code}).`;
}

/** Who holds a door still, for the reason of giving up. */
export async function nameHolder(door: WaitDoor, context: OperationContext): Promise<string | null> {
  const snapshot = await context.host.snapshot({ states: "listening", ports: [door.port], holders: "all" });
  for (const socket of snapshot.sockets.filter((one) => isOn(door, one) && takes(door, one))) {
    const pid = knownOr(snapshot.holdersOf(socket), [])[0]?.pid;
    if (pid !== undefined) return `${knownOr(snapshot.processOf(pid).name, "process")} (pid ${pid})`;
  }
  return null;
}
