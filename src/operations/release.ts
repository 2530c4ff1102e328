/**
 * @module `release`: gives reservations and promised ports back.
 */
import * as v from "valibot";
import { PortolanError, parsePort, quote, type Port } from "../core/index.ts";
import { changeReservations, readLeaseRecords, removeLeaseRecords, type Reservation } from "../lease/index.ts";
import { defineOperation } from "./define-operation.ts";
import { leaseHome } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import { requiredTexts } from "./parameters.ts";
import { describeReservation, reservationEntries } from "./reserve.ts";
import { listOf, portSchema } from "./schemas.ts";

const inputSchema = v.object({
  targets: requiredTexts("Names of this project's reservations (or of those for every folder), or ports", {
    placeholder: "NAME|PORT",
  }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  released: v.pipe(listOf(v.object(reservationEntries)), v.description("Reservations that are given up")),
  leases: v.pipe(listOf(portSchema), v.description("Ports whose promise of pick is taken back")),
});

export type ReleaseInput = v.InferInput<typeof inputSchema>;
export type ReleaseResult = v.InferOutput<typeof outputSchema>;

/** Runs `release`. */
export async function runRelease(input: ReleaseInput, context: OperationContext): Promise<ReleaseResult> {
  const { file, project } = await leaseHome(context);
  const released: Reservation[] = [];
  const leases: Port[] = [];
  const own = readLeaseRecords().filter(
    ({ uid, endMs }) => endMs !== null && (context.userId === null || uid === context.userId),
  );
  await changeReservations(
    file,
    (reservations) => {
      for (const target of input.targets) {
        const asPort = /^\d/.test(target) ? parsePort(target) : undefined;
        const named =
          asPort === undefined
            ? findNamed(reservations, target, project)
            : reservations.filter(({ port }) => port === asPort);
        const promised = own.filter(({ port }) => port === asPort || named.some((match) => match.port === port));
        // A number takes the promise of the moment back before what is kept for good.
        const matches = asPort !== undefined && promised.length > 0 ? [] : named;
        if (matches.length === 0 && promised.length === 0) throw nothingThere(target, reservations, project);
        released.push(...matches);
        leases.push(...promised.map(({ port }) => port as Port));
      }
      return reservations.filter((reservation) => !released.includes(reservation));
    },
    context.signal,
  );
  for (const port of leases) removeLeaseRecords(port);
  return { complete: true, released: [...new Set(released)].map(describeReservation), leases: [...new Set(leases)] };
}

/** The project's own before the one for every folder, never another project's. */
function findNamed(reservations: readonly Reservation[], name: string, project: string): readonly Reservation[] {
  const own = reservations.filter((one) => one.name === name && one.project === project);
  return own.length > 0 ? own : reservations.filter((one) => one.name === name && one.project === null);
}

function nothingThere(target: string, reservations: readonly Reservation[], project: string): PortolanError {
  const elsewhere = reservations.filter(({ name }) => name === target);
  const where = elsewhere.map((one) => one.project ?? "every folder");
  return new PortolanError(
    "RESERVATION_UNKNOWN",
    `Nothing is reserved or promised as ${quote(target)} in ${quote(project)}.`,
    {
      details: {
        target,
        project,
        ...(where.length === 0
          ? {}
          : { elsewhere: where, hint: `It is in ${where.map(quote).join(", ")}: run it there, or release its port.` }),
      },
    },
  );
}

/** The declaration of `release`. */
export const releaseOperation = defineOperation({
  name: "release",
  summary: "Give a reserved or promised port back",
  description:
    "Nothing that runs is ended: portolan kill does that. Exit status 0, 1 when there is nothing of that name or port.",
  effect: "change",
  faces: ["cli", "http", "mcp"],
  positional: ["targets"],
  examples: [
    { command: "release web", note: "this project's web" },
    { command: "release 4123", note: "whatever keeps 4123" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runRelease,
});
