/**
 * @module What a diagnosis knows of Portolan's own things: the gateway's routes, ports that are kept, and names in the hosts file.
 */
import { isPortolanError } from "../core/index.ts";
import {
  RouteTable,
  formatTarget,
  hostsPath,
  readAuthority,
  readGatewayStatus,
  readHostsFile,
  readHostsText,
  readRoutes,
  routeName,
  type GatewayStatus,
} from "../gateway/index.ts";
import { readReservations, reservationFile } from "../lease/index.ts";
import type { GatewayFacts, NameFacts, PromisedPort } from "../plan/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The gateway as far as a name concerns it; `null` for names that are none of its. */
export async function readGatewayFacts(
  host: string,
  path: string,
  stateFolder: string | null,
): Promise<GatewayFacts | null> {
  const routes = stateFolder === null ? [] : orElse(() => readRoutes(stateFolder).routes, []);
  const table = new RouteTable(routes);
  const found = table.find(host, path === "" ? "/" : path.replace(/\?.*$/s, ""));
  if (found === undefined && !table.knows(host) && !host.endsWith(".localhost")) return null;
  const status = stateFolder === null ? null : await statusOf(stateFolder);
  const { route } = found ?? {};
  return {
    running: status !== null,
    listeners: (status?.listeners ?? []).map(({ scheme, port }) => ({ scheme, port })),
    route:
      route === undefined
        ? null
        : {
            name: routeName(route),
            target: formatTarget(route.target),
            targetPort: route.target.port,
            local: /^(?:localhost|::1|127(?:\.\d{1,3}){3})$/.test(route.target.host),
            endedWith: route.ended?.exitStatus ?? null,
            command: route.holder?.command ?? [],
          },
    names: [...new Set(routes.map((one) => one.host))],
  };
}

async function statusOf(stateFolder: string): Promise<GatewayStatus | null> {
  try {
    return await readGatewayStatus(stateFolder);
  } catch (error) {
    if (isPortolanError(error)) return null;
    throw error;
  }
}

/** Ports that are kept for a name. */
export function readPromised(stateFolder: string | null): readonly PromisedPort[] {
  if (stateFolder === null) return [];
  const reservations = orElse(() => readReservations(reservationFile(stateFolder)), []);
  return reservations.map(({ port, name, project }) => ({ port, name, project }));
}

/** Whether an issuer is the user's own authority. */
export function ownAuthorityName(stateFolder: string | null): string | null {
  return stateFolder === null ? null : orElse(() => readAuthority(stateFolder)?.subject ?? null, null);
}

/** Lines of the hosts file that have the name. */
export function readHostsLines(name: string, environment: Environment): Pick<NameFacts, "hostsLines" | "hostsPath"> {
  const path = hostsPath(environment);
  const text = orElse(() => readHostsFile(path), "");
  const { foreign } = orElse(() => readHostsText(text), { foreign: [] });
  const lines = foreign
    .filter((one) => one.name.toLowerCase() === name)
    .map(({ line, address }) => ({ line, address }));
  return { hostsLines: lines, hostsPath: path };
}

/** What cannot be read is taken for empty: it is a help to the diagnosis and not its object. */
function orElse<T, F>(read: () => T, fallback: F): T | F {
  try {
    return read();
  } catch (error) {
    if (isPortolanError(error)) return fallback;
    throw error;
  }
}
