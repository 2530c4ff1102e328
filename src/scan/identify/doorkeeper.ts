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

/** Doors of one device that accept and answer nothing known, after which the device is believed to accept everything. */
export const mostSilentDoors = 32;

/** Most doors of one device that are asked what they are. */
export const mostAskedOfOneDevice = 2000;

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
  /** Told of a device that has more open doors than are asked. */
  readonly onSpent?: (target: ScanTarget) => void;
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

/** What is known of one device while its doors are asked. */
interface Device {
  readonly waiting: Arrival[];
  /** Place of the next one in `waiting`. */
  next: number;
  running: number;
  asked: number;
  /** Doors that accepted a connection and were recognised by nothing. */
  silent: number;
}

/** Makes a doorkeeper. */
export function createDoorkeeper(options: DoorkeeperOptions): Doorkeeper {
  const devices = new Map<ScanTarget, Device>();
  /** Devices with doors that wait, each once. */
  const ready = new Set<Device>();
  const corrections: { target: ScanTarget; port: number; reason: PortReason; state: PortState }[] = [];
  let running = 0;
  let kept = 0;
  let wake: (() => void) | undefined;

  const work = async (arrival: Arrival, device: Device): Promise<void> => {
    const depth = device.silent >= mostSilentDoors ? "usual" : "full";
    const door = await identify(arrival, { ...options, depth }, (state, reason) => {
      corrections.push({ target: arrival.target, port: arrival.port, state, reason });
    });
    if (door === null) return;
    if (arrival.transport === "tcp" && door.identification?.layers.length === 0) device.silent += 1;
    options.onDoor(door);
  };

  /** Starts as many as may run, device by device. */
  const start = (): void => {
    for (const device of ready) {
      while (device.next < device.waiting.length && device.running < mostAtOnceOfOneDevice && running < mostAtOnce) {
        const arrival = device.waiting[device.next]!;
        device.next += 1;
        running += 1;
        device.running += 1;
        if (arrival.connection !== null) kept -= 1;
        void work(arrival, device).finally(() => {
          running -= 1;
          device.running -= 1;
          if (device.next < device.waiting.length) ready.add(device);
          start();
          if (running === 0 && ready.size === 0) wake?.();
        });
      }
      // A device with its full share comes back when one of its doors is done.
      if (device.running >= mostAtOnceOfOneDevice || device.next >= device.waiting.length) ready.delete(device);
      if (running >= mostAtOnce) return;
    }
  };

  /** Tells what waits as it is: after an abort nobody is asked any more. */
  const release = (): void => {
    for (const device of devices.values()) {
      for (const arrival of device.waiting.splice(device.next)) {
        closeConnection(arrival.connection);
        if (arrival.state === "open") options.onDoor(tell(arrival, null));
      }
    }
    ready.clear();
    if (running === 0) wake?.();
  };
  options.signal.addEventListener("abort", release, { once: true });

  const deviceOf = (target: ScanTarget): Device => {
    let device = devices.get(target);
    if (device === undefined) {
      device = { waiting: [], next: 0, running: 0, asked: 0, silent: 0 };
      devices.set(target, device);
    }
    return device;
  };

  return {
    admit(arrival) {
      const device = deviceOf(arrival.target);
      const isSpent = device.asked >= mostAskedOfOneDevice;
      if (!options.identify || options.signal.aborted || isSpent) {
        if (isSpent) options.onSpent?.(arrival.target);
        closeConnection(arrival.connection);
        if (arrival.state === "open") options.onDoor(tell(arrival, null));
        return;
      }
      device.asked += 1;
      if (arrival.connection !== null && kept >= mostKept) {
        closeConnection(arrival.connection);
        device.waiting.push({ ...arrival, connection: null });
      } else {
        if (arrival.connection !== null) kept += 1;
        device.waiting.push(arrival);
      }
      ready.add(device);
      start();
    },
    settled() {
      if (running === 0 && ready.size === 0) return Promise.resolve();
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
  options: DoorkeeperOptions & { readonly depth: "full" | "usual" },
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
