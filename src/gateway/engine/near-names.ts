/**
 * @module Routes whose names look like one that nobody has.
 */
import { countEdits } from "../../core/index.ts";
import type { Route } from "../route.ts";

/** At most three, the nearest first. */
export function nearRoutes(host: string, routes: readonly Route[]): Route[] {
  const wanted = shortName(host);
  const measured = routes
    .filter((route) => !route.host.startsWith("*."))
    .map((route) => ({ route, steps: countEdits(wanted, shortName(route.host)) }));
  return measured
    .filter(
      ({ route, steps }) =>
        steps <= Math.max(1, Math.min(3, wanted.length / 3)) || shares(wanted, shortName(route.host)),
    )
    .toSorted((one, other) => one.steps - other.steps)
    .slice(0, 3)
    .map(({ route }) => route);
}

function shortName(host: string): string {
  return host.replace(/\.localhost$/, "").slice(0, 64);
}

function shares(wanted: string, name: string): boolean {
  return wanted.length > 2 && name.length > 2 && (name.includes(wanted) || wanted.includes(name));
}
