/**
 * @module Routes by name, for engines that choose the name first and only then the path: each name has every route that a request of it can take.
 */
import type { ExportRoute } from "./export-facts.ts";

/** One name, exact or with `*.` before it. */
export interface Site {
  readonly host: string;
  /** Longest path first. No path stands below one that goes before it. */
  readonly routes: readonly ExportRoute[];
}

/**
 * A path that a name itself does not have is looked for at the wildcards above it, so that they belong to it too, but for what the name has
 * taken already.
 * @param routes in the order in which the gateway asks them
 */
export function sitesOf(routes: readonly ExportRoute[]): Site[] {
  const hosts = [...new Set(routes.map(({ host }) => host))];
  return hosts.map((host) => {
    const own: ExportRoute[] = [];
    for (const route of routes) {
      const above = route.host !== host && route.host.startsWith("*.") && isBelow(host, route.host);
      if (route.host !== host && !above) continue;
      if (!own.some((nearer) => nearer.host !== route.host && coversPath(nearer.path, route.path))) own.push(route);
    }
    return { host, routes: own.toSorted((one, other) => other.path.length - one.path.length) };
  });
}

function isBelow(host: string, wildcard: string): boolean {
  const plain = host.replace(/^\*\./, "");
  return plain.endsWith(wildcard.slice(1)) || (host.startsWith("*.") && plain === wildcard.slice(2));
}

function coversPath(path: string, below: string): boolean {
  return path === "/" || below === path || below.startsWith(`${path}/`);
}
