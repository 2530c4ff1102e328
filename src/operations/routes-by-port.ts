/**
 * @module Which names lead to which port of this machine, and where they are opened.
 */
import { isPortolanError } from "../core/index.ts";
import { readGatewayStatus, type GatewayStatus, type Route } from "../gateway/index.ts";
import type { OperationContext } from "./operation.ts";
import { lookAtRoutes, type OwnRoutes } from "./own-files.ts";
import { urlsOf } from "./route-schemas.ts";

export { routeName } from "../gateway/index.ts";

/** Routes to this machine's loopback by port, in the order of their names, wildcards last. */
export function routesByPort(
  environment: OperationContext["environment"],
): Pick<OwnRoutes, "blindSpots" | "stateFolder"> & { readonly byPort: ReadonlyMap<number, readonly Route[]> } {
  const byPort = new Map<number, Route[]>();
  const { routes, blindSpots, stateFolder } = lookAtRoutes(environment);
  const isWildcard = ({ host }: Route): number => (host.startsWith("*.") ? 1 : 0);
  for (const route of routes.toSorted((one, other) => isWildcard(one) - isWildcard(other))) {
    const { host, port } = route.target;
    if (host !== "localhost" && host !== "::1" && !/^127(?:\.\d{1,3}){3}$/.test(host)) continue;
    byPort.set(port, [...(byPort.get(port) ?? []), route]);
  }
  return { byPort, blindSpots, stateFolder };
}

/** Where the names of a port are opened now, by port. The gateway is asked once; one that does not answer leaves nothing to open. */
export async function routeUrlsByPort(
  environment: OperationContext["environment"],
): Promise<ReadonlyMap<number, readonly string[]>> {
  const { byPort, stateFolder } = routesByPort(environment);
  const status = stateFolder === null ? null : await statusOf(stateFolder);
  const urls = new Map<number, readonly string[]>();
  for (const [port, routes] of byPort) {
    // The first of each name: HTTPS when the gateway has it.
    urls.set(
      port,
      routes.flatMap((route) => urlsOf(route, status).slice(0, 1)),
    );
  }
  return urls;
}

async function statusOf(stateFolder: string): Promise<GatewayStatus | null> {
  try {
    return await readGatewayStatus(stateFolder);
  } catch (error) {
    if (isPortolanError(error)) return null;
    throw error;
  }
}
