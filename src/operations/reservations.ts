/**
 * @module `reservations`: which ports are kept for a name, which are promised for a moment, and who is on them now.
 */
import * as v from "valibot";
import { isListening, knownOr, type Port } from "../core/index.ts";
import { monotonicMs, projectFolderOf, readLeaseRecords, readReservations, reservationFile } from "../lease/index.ts";
import { findStateFolder } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeLook } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { homeless, unseenFiles } from "./own-files.ts";
import { optionalSwitch } from "./parameters.ts";
import { describeReservation, reservationEntries } from "./reserve.ts";
import { knownSchema, listOf, lookEntries, portSchema, type ListedBlindSpot } from "./schemas.ts";

const inputSchema = v.object({
  here: optionalSwitch("Only those of this project"),
});

const holderSchema = v.object({ pid: v.number(), name: knownSchema(v.string()) });
const holdersEntry = v.pipe(
  v.nullable(knownSchema(listOf(holderSchema))),
  v.description("Who listens on it now; null when nobody does"),
);

const outputSchema = v.object({
  ...lookEntries,
  reservations: listOf(v.object({ ...reservationEntries, holders: holdersEntry })),
  leases: v.pipe(
    listOf(
      v.object({
        port: portSchema,
        uid: v.pipe(v.nullable(v.number()), v.description("User to whom it is promised")),
        remainingMs: v.pipe(
          v.nullable(v.number()),
          v.description("Until the promise ends; null for a reservation of another user"),
        ),
        holders: holdersEntry,
      }),
    ),
    v.description("Promises of pick by any user, and what other users have reserved"),
  ),
});

export type ReservationsInput = v.InferInput<typeof inputSchema>;
export type ReservationsResult = v.InferOutput<typeof outputSchema>;

/** Runs `reservations`. */
export async function runReservations(
  input: ReservationsInput,
  context: OperationContext,
): Promise<ReservationsResult> {
  const { all, blindSpots } = readOwn(context);
  const project = await projectFolderOf(context.workingDirectory);
  const kept = input.here === true ? all.filter((one) => one.project === project || one.project === null) : all;
  const nowMs = monotonicMs();
  const own = new Set(all.map(({ port }) => port as number));
  const records = readLeaseRecords().filter(({ port, endMs }) => endMs !== null || !own.has(port));
  const ports = [...kept.map(({ port }) => port), ...records.map(({ port }) => port)];
  const snapshot = await context.host.snapshot({ states: "listening", ports, holders: "all", signal: context.signal });
  const holdersAt = (port: number) => {
    const here = snapshot.sockets.filter((socket) => isListening(socket) && socket.local.port === port);
    if (here.length === 0) return null;
    const found = here.map((socket) => snapshot.holdersOf(socket));
    const pids = new Set(found.flatMap((holders) => knownOr(holders, []).map(({ pid }) => pid)));
    if (pids.size === 0 && found[0] !== undefined && !found[0].known) return found[0];
    return { known: true as const, value: [...pids].map((pid) => ({ pid, name: snapshot.processOf(pid).name })) };
  };
  const look = describeLook(snapshot);
  return {
    ...look,
    blindSpots: [...look.blindSpots, ...blindSpots],
    reservations: kept
      .toSorted((left, right) => left.port - right.port)
      .map((one) => ({ ...describeReservation(one), holders: holdersAt(one.port) })),
    leases: records
      .toSorted((left, right) => left.port - right.port)
      .map(({ port, uid, endMs }) => {
        const remainingMs = endMs === null ? null : Math.max(0, endMs - nowMs);
        return { port: port as Port, uid, remainingMs, holders: holdersAt(port) };
      }),
  };
}

/** What the user has reserved, as far as it can be read. */
function readOwn({ environment }: OperationContext): {
  readonly all: ReturnType<typeof readReservations>;
  readonly blindSpots: readonly ListedBlindSpot[];
} {
  const stateFolder = findStateFolder(environment);
  if (stateFolder === null) return { all: [], blindSpots: [unseenFiles("Your reservations", homeless)] };
  return { all: readReservations(reservationFile(stateFolder)), blindSpots: [] };
}

/** The declaration of `reservations`. */
export const reservationsOperation = defineOperation({
  name: "reservations",
  summary: "Ports that are kept for a name, and who is on them now",
  description: "Tells the promises of pick too, whoever got them. Exit status 0.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: [],
  examples: [
    { command: "reservations", note: "all of yours, and what is promised" },
    { command: "reservations --here", note: "this project's" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runReservations,
});
