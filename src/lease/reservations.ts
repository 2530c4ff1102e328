/**
 * @module Ports that a user keeps for a name, for good: in a file of the user, and shown to all users as long as the machine runs.
 */
import { join } from "node:path";
import { PortSet, isPort, type Port } from "../core/index.ts";
import { readJsonFile, updateJsonFile, type JsonFile } from "../store/index.ts";
import { publishReservations } from "./lease-records.ts";

/** A port kept for a name. */
export interface Reservation {
  readonly name: string;
  /** Folder of the project in which the name means this port; `null` for every folder. */
  readonly project: string | null;
  readonly port: Port;
  /** Milliseconds since the Unix epoch. */
  readonly createdAtMs: number;
  /** True when `pick --name` or `run --name` chose the port, false when a person did. */
  readonly chosen: boolean;
}

/** The user's reservations. */
export type ReservationFile = JsonFile<readonly Reservation[]>;

/** Where the reservations of a user lie. */
export function reservationFile(stateFolder: string): ReservationFile {
  return { path: join(stateFolder, "reservations.json"), version: 1, empty: [], check: checkReservations };
}

function checkReservations(content: unknown): readonly Reservation[] | undefined {
  return Array.isArray(content) && content.every(isReservation) ? (content as readonly Reservation[]) : undefined;
}

function isReservation(entry: unknown): entry is Reservation {
  if (typeof entry !== "object" || entry === null) return false;
  const { name, project, port, createdAtMs, chosen } = entry as Record<string, unknown>;
  return (
    typeof name === "string" &&
    (project === null || typeof project === "string") &&
    typeof port === "number" &&
    isPort(port) &&
    typeof createdAtMs === "number" &&
    typeof chosen === "boolean"
  );
}

/** @throws STORE_FAILED */
export function readReservations(file: ReservationFile): readonly Reservation[] {
  return readJsonFile(file);
}

/** Every port that is reserved, whoever's it is. */
export function reservedPorts(reservations: readonly Reservation[]): PortSet {
  return PortSet.from(reservations.map(({ port }) => port));
}

/** The reservation that a name means in a project: the project's own before the one for every folder. */
export function findReservation(
  reservations: readonly Reservation[],
  name: string,
  project: string | null,
): Reservation | undefined {
  const named = reservations.filter((reservation) => reservation.name === name);
  return (
    named.find((reservation) => reservation.project === project) ??
    named.find((reservation) => reservation.project === null)
  );
}

/**
 * Changes the reservations, alone, and shows the outcome to all users.
 * @throws STORE_FAILED, LEASE_STORE_FAILED; what `change` throws
 */
export async function changeReservations(
  file: ReservationFile,
  change: (
    reservations: readonly Reservation[],
  ) => Promise<readonly Reservation[] | undefined> | readonly Reservation[] | undefined,
  signal?: AbortSignal,
): Promise<void> {
  await updateJsonFile(
    file,
    async (reservations) => {
      const changed = await change(reservations);
      // Written for the others first: where that fails nothing has changed. After a restart it may have to be shown anew.
      publishReservations((changed ?? reservations).map(({ port }) => port));
      return changed;
    },
    signal,
  );
}
