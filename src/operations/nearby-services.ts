/**
 * @module Who listens near a port at which nobody does, and may be meant: as `doctor` says it, for `who`.
 */
import { known } from "../core/index.ts";
import { findNearby, nameOf } from "../plan/index.ts";
import { allConventions } from "../registry/index.ts";
import { findStateFolder } from "../store/index.ts";
import { readPromised } from "./doctor-gateway.ts";
import { lookAtListeners } from "./doctor-services.ts";
import type { OperationContext } from "./operation.ts";

/** Somebody who may be meant. */
export interface NearbyService {
  readonly port: number;
  /** `Vite (node, pid 4711)`. */
  readonly name: string;
  /** Why it may be meant. */
  readonly why: string;
}

/**
 * Looks at all listeners once more, with who holds them. At most four are told, nearest first.
 * @throws HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export async function findNearbyServices(
  port: number,
  transport: "tcp" | "udp",
  context: OperationContext,
): Promise<readonly NearbyService[]> {
  const { here } = await lookAtListeners(context);
  const nearby = findNearby({
    asked: { port, transport },
    services: known(here),
    usualPrograms: usualProgramsOf(port, transport),
    workingDirectory: context.workingDirectory,
    promised: readPromised(findStateFolder(context.environment)),
  });
  return nearby.map(({ service, why }) => ({ port: service.port, name: nameOf(service), why }));
}

/** Programs whose usual port this is, by custom. */
export function usualProgramsOf(port: number, transport: "tcp" | "udp"): string[] {
  return allConventions()
    .filter((convention) => convention.port === port && convention.transport === transport)
    .map(({ name }) => name);
}
