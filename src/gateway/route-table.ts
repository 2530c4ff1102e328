/**
 * @module Which route a request takes: the exact name before a wildcard, the nearest wildcard before one further up, the longest path first.
 */
import { plainPath } from "./request-path.ts";
import type { Route } from "./route.ts";

/** Why a route was taken. */
export type RouteRule = "name" | "wildcard";

/** The route of a request. */
export interface Matched {
  readonly route: Route;
  readonly rule: RouteRule;
}

/** Routes made ready to be asked many times. */
export class RouteTable {
  readonly #exact = new Map<string, readonly Route[]>();
  readonly #below = new Map<string, readonly Route[]>();
  readonly routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.routes = routes;
    for (const route of routes) {
      const wildcard = route.host.startsWith("*.");
      const map = wildcard ? this.#below : this.#exact;
      const host = wildcard ? route.host.slice(2) : route.host;
      map.set(
        host,
        [...(map.get(host) ?? []), route].toSorted((one, other) => other.path.length - one.path.length),
      );
    }
  }

  /**
   * @param host lower case, without port and final dot
   * @param path of the request, without its query
   */
  find(host: string, path: string): Matched | undefined {
    const exact = pathIn(this.#exact.get(host), path);
    if (exact !== undefined) return { route: exact, rule: "name" };
    if (this.#below.size === 0) return undefined;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const route = pathIn(this.#below.get(host.slice(dot + 1)), path);
      if (route !== undefined) return { route, rule: "wildcard" };
    }
    return undefined;
  }

  /** Whether any route has this name, whatever the path. */
  knows(host: string): boolean {
    if (this.#exact.has(host)) return true;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1))
      if (this.#below.has(host.slice(dot + 1))) return true;
    return false;
  }
}

function pathIn(routes: readonly Route[] | undefined, path: string): Route | undefined {
  if (routes === undefined) return undefined;
  // Longest first: whoever begins with the root has no other.
  const plain = routes[0]?.path.length === 1 ? path : plainPath(path);
  for (const route of routes) {
    const prefix = route.path;
    if (prefix.length === 1) return route;
    if (plain.startsWith(prefix) && (plain.length === prefix.length || plain.charCodeAt(prefix.length) === slash))
      return route;
  }
  return undefined;
}

const slash = 0x2f;
