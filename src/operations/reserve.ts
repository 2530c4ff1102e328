/**
 * @module `reserve`: keeps a port for a name, for good.
 */
import * as v from "valibot";
import { PortolanError, parsePort, quote, type Port } from "../core/index.ts";
import {
  acquirePorts,
  changeReservations,
  checkName,
  readLeaseRecords,
  readWish,
  reservedPorts,
  type Reservation,
} from "../lease/index.ts";
import { browserBlockedPorts } from "../registry/index.ts";
import { defineOperation } from "./define-operation.ts";
import { leaseHome } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText, requiredText } from "./parameters.ts";
import { portSchema } from "./schemas.ts";

const inputSchema = v.object({
  name: requiredText("What it is kept for", { placeholder: "NAME" }),
  port: optionalText("The port; left out, a free one is chosen", { placeholder: "PORT" }),
  global: optionalSwitch("For this name in every folder, not only in this project"),
});

/** A reservation as it is told. */
export const reservationEntries = {
  name: v.string(),
  port: portSchema,
  project: v.pipe(
    v.nullable(v.string()),
    v.description("Folder of the project in which the name means it; null for every folder"),
  ),
  createdAt: v.pipe(v.string(), v.description("When it was reserved, ISO 8601")),
  chosen: v.pipe(v.boolean(), v.description("True when Portolan chose the port, false when a person did")),
};

const outputSchema = v.object({ complete: v.boolean(), ...reservationEntries });

export type ReserveInput = v.InferInput<typeof inputSchema>;
export type ReserveResult = v.InferOutput<typeof outputSchema>;

/** A reservation for a result. */
export function describeReservation({ name, port, project, createdAtMs, chosen }: Reservation) {
  return { name, port, project, createdAt: new Date(createdAtMs).toISOString(), chosen };
}

/** Runs `reserve`. */
export async function runReserve(input: ReserveInput, context: OperationContext): Promise<ReserveResult> {
  const name = checkName(input.name);
  const { file, project: here } = await leaseHome(context);
  const project = input.global === true ? null : here;
  const wanted = input.port === undefined ? undefined : parsePort(input.port);
  if (wanted !== undefined) refuseUnusable(wanted);
  let made: Reservation | undefined;
  await changeReservations(
    file,
    async (reservations) => {
      const same = reservations.find((one) => one.name === name && one.project === project);
      if (same !== undefined && (wanted === undefined || same.port === wanted)) {
        made = same;
        return undefined;
      }
      if (same !== undefined) throw nameTaken(same);
      const other = wanted === undefined ? undefined : reservations.find((one) => one.port === wanted);
      if (other !== undefined) throw portTaken(other.port, `${quote(other.name)}${whereOf(other)}`);
      const port = wanted ?? (await choosePort(reservations, context));
      const stranger = readLeaseRecords().find((record) => record.port === port && record.endMs === null);
      if (stranger !== undefined) throw portTaken(port, `the user with id ${stranger.uid}`);
      made = { name, project, port, createdAtMs: context.nowMs(), chosen: wanted === undefined };
      return [...reservations, made];
    },
    context.signal,
  );
  return { complete: true, ...describeReservation(made!) };
}

async function choosePort(reservations: readonly Reservation[], context: OperationContext): Promise<Port> {
  const wish = { ...readWish({}), count: 1, contiguous: false, reserved: reservedPorts(reservations), start: null };
  const surroundings = { host: context.host, signal: context.signal, random: Math.random };
  const [chosen] = await acquirePorts(wish, surroundings);
  chosen!.lock.release();
  return chosen!.port;
}

function refuseUnusable(port: Port): void {
  if (port === 0)
    throw new PortolanError("ARGUMENT_INVALID", "Port 0 asks the kernel for any free port; it cannot be kept.");
  if (!browserBlockedPorts.includes(port)) return;
  throw new PortolanError("ARGUMENT_INVALID", `Browsers refuse to open port ${port} (Fetch Standard, "bad port").`, {
    details: { argument: "port", port, hint: "Choose another one, or leave the port out." },
  });
}

function whereOf({ project }: Reservation): string {
  return project === null ? "" : ` in ${project}`;
}

function nameTaken(same: Reservation): PortolanError {
  return new PortolanError(
    "RESERVATION_CONFLICT",
    `${quote(same.name)}${whereOf(same)} has port ${same.port} already.`,
    {
      details: { name: same.name, port: same.port, hint: `portolan release ${same.name} gives it up.` },
    },
  );
}

function portTaken(port: Port, whose: string): PortolanError {
  return new PortolanError("RESERVATION_CONFLICT", `Port ${port} is reserved to ${whose}.`, { details: { port } });
}

/** The declaration of `reserve`. */
export const reserveOperation = defineOperation({
  name: "reserve",
  summary: "Keep a port for a name, for good",
  description:
    "pick and run give it to that name in this project (or in every folder, with --global) and to nobody else. Other programs are not kept from binding it: " +
    "only the kernel could, by net.ipv4.ip_local_reserved_ports. Exit status 0, 1 when name or port is reserved already.",
  effect: "change",
  faces: ["cli", "http", "mcp"],
  positional: ["name", "port"],
  examples: [
    { command: "reserve web 3100", note: "this project's web has 3100" },
    { command: "reserve db --global", note: "a port for db, wherever it is asked for" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runReserve,
});
