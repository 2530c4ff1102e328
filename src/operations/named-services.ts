/**
 * @module Services with the names that lead to them. Where no name was ever given, one look at one folder is all it costs.
 */
import type { Snapshot } from "../host/index.ts";
import { hasRoutes } from "../gateway/index.ts";
import { findStateFolder } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedBlindSpot, ListedService } from "./schemas.ts";

/** Services with their names, and why some may lack theirs. */
export interface NamedServices {
  readonly services: ListedService[];
  readonly blindSpots: readonly ListedBlindSpot[];
}

/**
 * The same services; those of this machine's own network namespace that names lead to carry them. A damaged file of a route is left out.
 */
export async function nameServices(
  services: ListedService[],
  snapshot: Pick<Snapshot, "live">,
  { environment }: Pick<OperationContext, "environment">,
): Promise<NamedServices> {
  if (snapshot.live === false) return { services, blindSpots: [] };
  const stateFolder = findStateFolder(environment);
  const some = stateFolder === null ? null : hasRoutes(stateFolder);
  if (some === false) return { services, blindSpots: [] };
  const { routeName, routesByPort } = await import("./routes-by-port.ts");
  const { byPort, blindSpots } = routesByPort(environment);
  const named = services.map((service) => {
    const routes = isHere(service) ? byPort.get(service.port) : undefined;
    return routes === undefined ? service : { ...service, routeNames: routes.map(routeName) };
  });
  return { services: named, blindSpots };
}

/** Whether the gateway's loopback is the service's. */
function isHere({ transport, networkNamespace }: ListedService): boolean {
  return transport === "tcp" && networkNamespace === null;
}
