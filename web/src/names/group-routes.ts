/**
 * @module Routes as a person looks for them: below each host name its paths and the wildcard of what is below it; a branch behind its project.
 */
import type { ListedRoute } from "../../../src/operations/route-schemas.ts";

/** What is known of one host name. */
export interface RouteGroup {
  /** Without `*.` and path. */
  readonly host: string;
  /** The name itself, then its paths, then every name below. */
  readonly routes: readonly ListedRoute[];
}

/** Host and path of a route's name. */
export function splitName(name: string): {
  readonly host: string;
  readonly path: string;
  readonly wildcard: boolean;
} {
  const slash = name.indexOf("/");
  const place = slash < 0 ? name : name.slice(0, slash);
  const wildcard = place.startsWith("*.");
  return { host: wildcard ? place.slice(2) : place, path: slash < 0 ? "/" : name.slice(slash), wildcard };
}

/** Groups in the order of their names read from the end, so that `fix-login.shop.localhost` follows `shop.localhost`. */
export function groupRoutes(routes: readonly ListedRoute[]): readonly RouteGroup[] {
  const groups = new Map<string, ListedRoute[]>();
  for (const route of routes) {
    const { host } = splitName(route.name);
    const group = groups.get(host);
    if (group === undefined) groups.set(host, [route]);
    else group.push(route);
  }
  return [...groups]
    .map(([host, own]) => ({ host, routes: own.toSorted((one, other) => compare(rankOf(one), rankOf(other))) }))
    .toSorted((one, other) => compare(keyOf(one.host), keyOf(other.host)));
}

function rankOf({ name }: ListedRoute): string {
  const { path, wildcard } = splitName(name);
  return `${wildcard ? 1 : 0}${path}`;
}

/** Labels from the last to the first, each before those that only begin like it. */
function keyOf(host: string): string {
  return host.split(".").toReversed().join("\u0000");
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
