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

/** What Date can tell (ECMA-262, time values). */
const latestDateMs = 8.64e15;

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
    port > 0 &&
    typeof createdAtMs === "number" &&
    Math.abs(createdAtMs) <= latestDateMs &&
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
  const publish = (shown: readonly Reservation[]): void =>
    publishReservations(
      file.path,
      shown.map(({ port }) => port),
    );
  let before: readonly Reservation[] | undefined;
  let after: readonly Reservation[] | undefined;
  try {
    await updateJsonFile(
      file,
      async (reservations) => {
        before = reservations;
        const changed = await change(reservations);
        after = changed ?? reservations;
        // Shown to the others first: where that fails nothing has changed. After a restart it may have to be shown anew.
        publish([...before, ...after]);
        return changed;
      },
      signal,
    );
  } catch (error) {
    takeBack(publish, before);
    throw error;
  }
  if (after !== undefined) publish(after);
}

/** What was shown before a change that failed is shown again; the change's own error is what the caller is told. */
function takeBack(publish: (shown: readonly Reservation[]) => void, before: readonly Reservation[] | undefined): void {
  if (before === undefined) return;
  try {
    publish(before);
  } catch {
    // The place is as full as it was.
  }
}
