/**
 * @module How a route is told, and where it can be opened.
 */
import * as v from "valibot";
import {
  formatTarget,
  holderLives,
  isCoveredName,
  routeName,
  type GatewayStatus,
  type Route,
} from "../gateway/index.ts";
import { listOf, timeSchema } from "./schemas.ts";

/** A route. */
export const routeSchema = v.object({
  name: v.pipe(
    v.string(),
    v.description("Host name and path it begins at: shop.localhost, shop.localhost/api, *.shop.localhost"),
  ),
  target: v.pipe(v.string(), v.description("Where it leads: http://localhost:3000")),
  urls: v.pipe(listOf(v.string()), v.description("Addresses to open; empty while no gateway runs")),
  state: v.pipe(
    v.picklist(["kept", "running", "ended", "gone", "unknown"]),
    v.description(
      "kept: by hand, whether its server runs or not; running, ended, gone: the program of run lives, has ended, ended without a word; unknown: the system does not tell",
    ),
  ),
  pid: v.pipe(v.nullable(v.number()), v.description("The program of run")),
  command: v.pipe(v.nullable(listOf(v.string())), v.description("That program's words, secrets masked")),
  workingDirectory: v.nullable(v.string()),
  strip: v.pipe(v.boolean(), v.description("The path is taken off before the server sees it")),
  ownHost: v.pipe(v.boolean(), v.description("The server sees its own name in Host")),
  exitStatus: v.nullable(v.number()),
  createdAt: timeSchema,
});

/** Such a route. */
export type ListedRoute = v.InferOutput<typeof routeSchema>;

/** Tells a route. */
export function describeRoute(route: Route, status: GatewayStatus | null): ListedRoute {
  const { holder, ended, strip, ownHost, target, createdAtMs } = route;
  const lives = holderLives(route);
  return {
    name: routeName(route),
    target: formatTarget(target),
    urls: urlsOf(route, status),
    state:
      ended !== null ? "ended" : holder === null ? "kept" : lives === null ? "unknown" : lives ? "running" : "gone",
    pid: holder?.pid ?? null,
    command: holder === null ? null : [...holder.command],
    workingDirectory: holder?.workingDirectory ?? null,
    strip,
    ownHost,
    exitStatus: ended?.exitStatus ?? null,
    createdAt: new Date(createdAtMs).toISOString(),
  };
}

/** Where a route can be opened: HTTP first, which needs nobody's trust; HTTPS where the authority may vouch for the name. */
export function urlsOf({ host, path }: Pick<Route, "host" | "path">, status: GatewayStatus | null): string[] {
  if (status === null || host.startsWith("*.")) return [];
  const names = status.secureNames ?? [];
  return status.listeners
    .filter(({ scheme }) => scheme === "http" || isCoveredName(host, { names }))
    .toSorted((one, other) => (one.scheme < other.scheme ? -1 : 1))
    .map(({ scheme, port }) => {
      const usual = scheme === "https" ? 443 : 80;
      return `${scheme}://${host}${port === usual ? "" : `:${port}`}${path}`;
    });
}
