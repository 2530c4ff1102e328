/**
 * @module One application of a project: its port, its name and what it is told, from before it starts until it has ended.
 */
import { PortSet, PortolanError, isPortolanError, type Port } from "../core/index.ts";
import {
  acquireNamedPort,
  acquirePorts,
  findReservation,
  readReservations,
  readWish,
  reservedPorts,
  type AcquiredPort,
  type ReservationFile,
} from "../lease/index.ts";
import { refuseFile, type PlannedApp, type ProjectFile } from "../project/index.ts";
import { NamedApp } from "./named-app.ts";
import type { OperationContext } from "./operation.ts";

/** Where the ports of a project come from. */
export interface LeaseHome {
  readonly file: ReservationFile;
  /** Folder of the project. */
  readonly project: string;
}

/** The port that an application has now, or will get if nothing changes; `null` when none is chosen yet. */
export function knownPortOf(app: PlannedApp, { file, project }: LeaseHome): Port | null {
  if (!app.takesPort) return null;
  if (app.port !== null) return app.port as Port;
  return findReservation(readReservations(file), app.name, project)?.port ?? null;
}

/**
 * Takes the application's port: the file's own, or the one of its name in this project, the same every day.
 * @throws PORT_TAKEN, PORTS_EXHAUSTED, LEASE_STORE_FAILED, STORE_FAILED, ABORTED
 */
export async function takePort(
  app: PlannedApp,
  { file, project }: LeaseHome,
  context: OperationContext,
): Promise<AcquiredPort | null> {
  if (!app.takesPort) return null;
  const surroundings = { host: context.host, signal: context.signal, random: Math.random, nowMs: context.nowMs };
  const wish = readWish({ transport: "tcp" });
  if (app.port === null)
    return acquireNamedPort({ name: app.name, project }, { ...wish, prefer: app.prefer }, file, surroundings);
  const kept = readReservations(file);
  const own = findReservation(kept, app.name, project);
  if (own?.port === app.port) return acquireNamedPort({ name: app.name, project }, wish, file, surroundings);
  const wanted = PortSet.from([app.port]);
  try {
    const acquired = await acquirePorts(
      { ...wish, within: wanted, count: 1, contiguous: false, reserved: reservedPorts(kept), start: null },
      surroundings,
    );
    return acquired[0]!;
  } catch (error) {
    if (!isPortolanError(error, "PORTS_EXHAUSTED")) throw error;
    const { taken, leased, reserved } = error.details;
    const why =
      taken !== 0 && taken !== undefined
        ? "is in use"
        : leased !== 0 && leased !== undefined
          ? "is promised to another process"
          : reserved !== 0 && reserved !== undefined
            ? "is reserved to another name"
            : "cannot be had";
    throw new PortolanError("PORT_TAKEN", `Port ${app.port}, which ${app.name} is to have, ${why}.`, {
      details: {
        port: app.port,
        app: app.name,
        hint: `portolan who ${app.port} shows who holds it; without "port" it gets one that is free.`,
      },
      cause: error,
    });
  }
}

/**
 * Takes the application's name.
 * @throws ROUTE_TAKEN, GATEWAY_FAILED, STORE_FAILED
 */
export async function takeName(
  app: PlannedApp,
  port: Port | null,
  force: boolean,
  context: OperationContext,
): Promise<NamedApp | null> {
  if (app.hostName === null || port === null) return null;
  const { hostName: host, path, strip, ownHost, protocol, directory, text, name } = app;
  return NamedApp.claim(
    {
      host,
      path,
      strip,
      ownHost,
      protocol,
      command: text.split(" "),
      workingDirectory: directory,
      force,
      advice: `--force takes it over; "name" in the file gives ${name} another one.`,
    },
    port,
    context,
  );
}

/** What every application of a project is told of one of them. */
export function neighbourVariables(
  { variable }: PlannedApp,
  port: Port | null,
  named: NamedApp | null,
): Record<string, string> {
  const told: Record<string, string> = {};
  if (port !== null) told[`PORTOLAN_PORT_${variable}`] = String(port);
  const url = named?.urls[0];
  if (url !== undefined) told[`PORTOLAN_URL_${variable}`] = url.endsWith("/") ? url.slice(0, -1) : url;
  if (named !== null) told[`PORTOLAN_PLAIN_URL_${variable}`] = named.plainUrl;
  return told;
}

/** A failure of one application with the place in the file that it comes from. */
export function atCommand(file: ProjectFile, app: PlannedApp, error: unknown): unknown {
  if (!isPortolanError(error) || (error.code !== "COMMAND_NOT_FOUND" && error.code !== "COMMAND_NOT_STARTED"))
    return error;
  const { message } = refuseFile(file.shown, app.positionOf("command"), `${app.name}: ${error.message}`);
  return new PortolanError(error.code, message, { details: error.details, cause: error });
}
