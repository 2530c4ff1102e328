/**
 * @module How a route stands: what is kept of its program, joined with what listens at its port now.
 */
import type { ListedRoute } from "../../../src/operations/route-schemas.ts";
import type { ListedService } from "../../../src/operations/schemas.ts";
import { localPortOf } from "../state/routes.ts";

/** A word for it and whether it is good. */
export interface RouteStanding {
  readonly word: string;
  readonly kind: "up" | "waiting" | "down" | "unknown";
}

/** @param services what listens on this machine */
export function standingOf(route: ListedRoute, services: readonly ListedService[]): RouteStanding {
  const { state, exitStatus } = route;
  if (state === "ended")
    return { word: exitStatus === null ? "ended" : `ended with status ${exitStatus}`, kind: "down" };
  if (state === "gone") return { word: "its program has gone", kind: "down" };
  const port = localPortOf(route);
  if (port === null) return { word: "on another device", kind: "unknown" };
  if (serviceAt(port, services) !== undefined) return { word: state === "running" ? "running" : "up", kind: "up" };
  return state === "running"
    ? { word: "running, not listening yet", kind: "waiting" }
    : { word: "not up", kind: "down" };
}

/** Who listens at a port of this machine, by TCP. */
export function serviceAt(port: number, services: readonly ListedService[]): ListedService | undefined {
  return services.find((service) => service.port === port && service.transport === "tcp");
}
