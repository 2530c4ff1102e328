/**
 * @module Takes open doors from the engines and has them identified, some at a time, on the connections that they came with.
 */
import type { OpenDoor, PortReason, PortState, ScanBatch } from "../engine.ts";
import { outcomeCode } from "../engine.ts";
import type { FoundDoor, ScanTarget } from "../scan-types.ts";
import { adoptDescriptor } from "./channel.ts";
import { identifyTcp } from "./identify-tcp.ts";
import { identifyUdp } from "./identify-udp.ts";

/** Most doors that are asked at the same time, in all and of one device. */
export const mostAtOnce = 96;
export const mostAtOnceOfOneDevice = 24;

/** Most connections that are kept while they wait for their turn; a later one is closed and opened again when it comes. */
export const mostKept = 512;

/** A door as an engine found it. */
export interface Arrival {
  readonly target: ScanTarget;
  readonly transport: "tcp" | "udp";
  readonly port: number;
  readonly state: PortState;
  readonly reason: PortReason;
  readonly roundTripMs: number | null;
  readonly connection: OpenDoor["connection"];
}

/** What the doorkeeper is given. */
export interface DoorkeeperOptions {
  readonly identify: boolean;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly random: (count: number) => Uint8Array;
  readonly onDoor: (door: FoundDoor) => void;
}

/** Identifies doors as they come. */
export interface Doorkeeper {
  /** Takes a door, and its connection with it. */
  admit(arrival: Arrival): void;
  /** Resolves when every door taken so far has been told. */
  settled(): Promise<void>;
  /** Writes into a batch's outcomes what the conversations found out about silent UDP doors. */
  correct(outcomes: Uint8Array, targets: readonly ScanTarget[], batch: ScanBatch): void;
}

/** Makes a doorkeeper. */
export function createDoorkeeper(options: DoorkeeperOptions): Doorkeeper {
  const waiting: Arrival[] = [];
  const busy = new Map<ScanTarget, number>();
  const corrections: { target: ScanTarget; port: number; reason: PortReason; state: PortState }[] = [];
  let running = 0;
  let kept = 0;
  let wake: (() => void) | undefined;

  const work = async (arrival: Arrival): Promise<void> => {
    const door = await identify(arrival, options, (state, reason) => {
      corrections.push({ target: arrival.target, port: arrival.port, state, reason });
    });
    if (door !== null) options.onDoor(door);
  };

  const start = (): void => {
    for (let index = 0; index < waiting.length && running < mostAtOnce;) {
      const arrival = waiting[index]!;
      const ofDevice = busy.get(arrival.target) ?? 0;
      if (ofDevice >= mostAtOnceOfOneDevice) {
        index += 1;
        continue;
      }
      waiting.splice(index, 1);
      running += 1;
      busy.set(arrival.target, ofDevice + 1);
      if (arrival.connection !== null) kept -= 1;
      void work(arrival).finally(() => {
        running -= 1;
        busy.set(arrival.target, (busy.get(arrival.target) ?? 1) - 1);
        start();
        if (running === 0 && waiting.length === 0) wake?.();
      });
    }
  };

  return {
    admit(arrival) {
      if (!options.identify || options.signal.aborted) {
        closeConnection(arrival.connection);
        options.onDoor(tell(arrival, null));
        return;
      }
      if (arrival.connection !== null && kept >= mostKept) {
        closeConnection(arrival.connection);
        waiting.push({ ...arrival, connection: null });
      } else {
        if (arrival.connection !== null) kept += 1;
        waiting.push(arrival);
      }
      start();
    },
    settled() {
      if (running === 0 && waiting.length === 0) return Promise.resolve();
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
    correct(outcomes, targets, batch) {
      if (batch.transport !== "udp") return;
      for (const { target, port, state, reason } of corrections.splice(0)) {
        const row = targets.indexOf(target);
        const column = batch.ports.indexOf(port);
        if (row !== -1 && column !== -1) outcomes[row * batch.ports.length + column] = outcomeCode(reason, state);
      }
    },
  };
}

/** Asks one door; `null` when it turned out to be closed or silent, so that there is nothing to tell. */
async function identify(
  arrival: Arrival,
  options: DoorkeeperOptions,
  onCorrection: (state: PortState, reason: PortReason) => void,
): Promise<FoundDoor | null> {
  const { target, port } = arrival;
  const host = target.name ?? target.address;
  const place = { address: target.address, scopeId: target.scopeId, port, host };
  if (arrival.transport === "udp") {
    const { identification, result } = await identifyUdp(place, options);
    if (arrival.state === "open") return tell(arrival, identification);
    if (result === "refused") onCorrection("closed", "port-unreachable");
    if (result !== "answered") return null;
    onCorrection("open", "udp-answer");
    return tell({ ...arrival, state: "open", reason: "udp-answer" }, identification);
  }
  const { connection } = arrival;
  const socket =
    connection === null
      ? null
      : connection.kind === "socket"
        ? connection.socket
        : adoptDescriptor(connection.descriptor);
  const identification = await identifyTcp(
    { ...place, serverName: target.name, connection: socket, roundTripMs: arrival.roundTripMs },
    options,
  );
  return tell(arrival, identification);
}

function tell(arrival: Arrival, identification: FoundDoor["identification"]): FoundDoor {
  const { target, transport, port, state, reason } = arrival;
  // To the microsecond: more is not measured.
  const roundTripMs = arrival.roundTripMs === null ? null : Math.round(arrival.roundTripMs * 1000) / 1000;
  return { target, transport, port, state, reason, roundTripMs, identification };
}

function closeConnection(connection: OpenDoor["connection"]): void {
  if (connection === null) return;
  if (connection.kind === "socket") connection.socket.destroy();
  else adoptDescriptor(connection.descriptor).destroy();
}
