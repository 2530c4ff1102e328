/**
 * @module The port of a name in a project: chosen once, the same ever after.
 */
import { createHash } from "node:crypto";
import { PortolanError, formatDuration, quote, type Port } from "../core/index.ts";
import {
  acquirePorts,
  lockPort,
  probePort,
  refusalOf,
  type AcquiredPort,
  type PortWish,
  type Surroundings,
} from "./acquire-ports.ts";
import { monotonicMs, readLeaseRecords, removeLeaseRecords } from "./lease-records.ts";
import { createPortProbe } from "./port-probe.ts";
import {
  changeReservations,
  findReservation,
  reservedPorts,
  type Reservation,
  type ReservationFile,
} from "./reservations.ts";

/** Whose port. */
export interface PortName {
  readonly name: string;
  /** Folder of the project. */
  readonly project: string;
}

/**
 * Takes the port of a name. The first time one is chosen, by the name and the project's path, and kept.
 * @param wish how a port is chosen the first time; `count` is 1
 * @throws PORT_TAKEN when it is in use or promised now; PORTS_EXHAUSTED, LEASE_STORE_FAILED, STORE_FAILED, ABORTED
 */
export async function acquireNamedPort(
  owner: PortName,
  wish: Omit<PortWish, "count" | "contiguous" | "reserved" | "start">,
  file: ReservationFile,
  surroundings: Surroundings & { readonly nowMs: () => number },
): Promise<AcquiredPort> {
  let acquired: AcquiredPort | undefined;
  try {
    await changeReservations(
      file,
      async (reservations) => {
        const kept = findReservation(reservations, owner.name, owner.project);
        if (kept !== undefined) {
          refuseExcluded(kept, wish);
          acquired = await acquireKept(kept, wish, surroundings);
          return undefined;
        }
        const full: PortWish = {
          ...wish,
          count: 1,
          contiguous: false,
          reserved: reservedPorts(reservations),
          start: placeOf(owner),
        };
        acquired = (await acquirePorts(full, surroundings))[0]!;
        const createdAtMs = surroundings.nowMs();
        return [...reservations, { ...owner, port: acquired.port, createdAtMs, chosen: true }];
      },
      surroundings.signal,
    );
  } catch (error) {
    acquired?.lock.release();
    throw error;
  }
  return acquired!;
}

/** From 0 to below 1, the same for the same name and project. */
function placeOf({ name, project }: PortName): number {
  const digest = createHash("sha256").update(`${project}\0${name}`).digest();
  return digest.readUInt32BE(0) / 0x1_0000_0000;
}

async function acquireKept(
  { name, port }: Reservation,
  wish: Pick<PortWish, "transports" | "addresses">,
  surroundings: Surroundings,
): Promise<AcquiredPort> {
  const lock = await lockPort(port);
  if (lock === null) throw taken(name, port, "is promised to another process now");
  try {
    const error = await probePort(createPortProbe(wish), port, wish, surroundings);
    if (error === "EADDRINUSE") {
      // Who has bound the port has got what was promised: the promise is over.
      removeLeaseRecords(port);
      throw taken(name, port, "is in use");
    }
    const promise = readLeaseRecords().find((record) => record.port === port && record.endMs !== null);
    if (promise !== undefined) {
      const left = formatDuration(Math.max(0, (promise.endMs ?? 0) - monotonicMs()));
      const what = `is promised to whoever asked last, for ${left} more`;
      throw taken(name, port, what, `portolan release ${port} takes the promise back.`);
    }
    if (error !== null) throw refusalOf(port, wish, error);
    return { port, lock };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** @throws ARGUMENT_INVALID when the kept port is none of those that are asked for */
function refuseExcluded({ name, port }: Reservation, { within, except }: Pick<PortWish, "within" | "except">): void {
  if (!except.has(port) && (within === null || within.has(port))) return;
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `Port ${port} is kept for ${quote(name)}, and the set that is asked for leaves it out.`,
    {
      details: {
        port,
        name,
        hint: `portolan release ${name} gives the number up, and the next pick chooses from the set.`,
      },
    },
  );
}

function taken(name: string, port: Port, what: string, hint?: string): PortolanError {
  return new PortolanError("PORT_TAKEN", `Port ${port}, which is kept for ${quote(name)}, ${what}.`, {
    details: {
      port,
      name,
      hint:
        hint ??
        `portolan who ${port} shows who holds it; portolan release ${name} gives the number up and the next pick chooses another.`,
    },
  });
}
