/**
 * @module Services with the names that lead to them. Where no name was ever given, one look at one folder is all it costs.
 */
import type { Snapshot } from "../host/index.ts";
import { hasRoutes } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";

/**
 * The same services; those of this machine's own network namespace that names lead to carry them. A damaged file of a route is left out.
 * @throws STORE_FAILED when the routes cannot be listed
 */
export async function nameServices(
  services: ListedService[],
  snapshot: Pick<Snapshot, "live">,
  { environment }: Pick<OperationContext, "environment">,
): Promise<ListedService[]> {
  const stateFolder = stateFolderOf(environment);
  if (snapshot.live === false || !hasRoutes(stateFolder)) return services;
  const { routesByPort, routeName } = await import("./routes-by-port.ts");
  const byPort = routesByPort(stateFolder);
  return services.map((service) => {
    const routes = isHere(service) ? byPort.get(service.port) : undefined;
    return routes === undefined ? service : { ...service, routeNames: routes.map(routeName) };
  });
}

/** Whether the gateway's loopback is the service's. */
function isHere({ transport, networkNamespace }: ListedService): boolean {
  return transport === "tcp" && networkNamespace === null;
}
