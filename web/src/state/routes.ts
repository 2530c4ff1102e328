/**
 * @module What the page knows of names: every route, looked at again and again, since routes come by commands, too.
 */
import { batch, computed, signal, type Signal } from "@preact/signals";
import type { ListedRoute } from "../../../src/operations/route-schemas.ts";
import type { RoutesResult } from "../../../src/operations/routes.ts";
import { client, link } from "./machine.ts";

/** Between two looks, milliseconds. */
const paceMs = 2000;

/** Every route; `null` before the first look. */
export const listedRoutes = signal<readonly ListedRoute[] | null>(null);
/** Files that hold no route any more. */
export const routeProblems = signal<RoutesResult["problems"]>([]);
/** The gateway as it was at the last look; `null` while none runs. */
export const gatewayFacts = signal<RoutesResult["gateway"]>(null);

/** A server of this machine that a route leads to. */
const local = /^(?:https?|h2c):\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]):(\d{1,5})$/;

/** The port of this machine that a route leads to, or `null`. */
export function localPortOf({ target }: Pick<ListedRoute, "target">): number | null {
  const digits = local.exec(target)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** Routes that lead to a port of this machine, those that can be opened first. */
export const routesByPort = computed<ReadonlyMap<number, readonly ListedRoute[]>>(() => {
  const byPort = new Map<number, ListedRoute[]>();
  for (const route of listedRoutes.value ?? []) {
    const port = localPortOf(route);
    if (port === null) continue;
    const here = byPort.get(port);
    if (here === undefined) byPort.set(port, [route]);
    else here.push(route);
  }
  for (const here of byPort.values())
    here.sort((one, other) => Number(one.name.startsWith("*.")) - Number(other.name.startsWith("*.")));
  return byPort;
});

/** Looks now. What it was stays while the server does not answer. */
export async function refreshRoutes(): Promise<void> {
  if (client.value === null) return;
  try {
    const { routes, problems, gateway } = await client.value.call("routes", {});
    batch(() => {
      keep(listedRoutes, routes);
      keep(routeProblems, problems);
      keep(gatewayFacts, gateway);
    });
  } catch {
    // The link's state is told in the page's head.
  }
}

/** Most looks bring nothing new, and nothing is drawn anew then. */
function keep<Value>(kept: Signal<Value>, next: Value): void {
  if (JSON.stringify(kept.value) !== JSON.stringify(next)) kept.value = next;
}

let following = false;

/** Keeps them current as long as somebody looks. */
export function followRoutes(): void {
  if (following) return;
  following = true;
  const look = async (): Promise<void> => {
    if (!document.hidden && (link.value === "live" || link.value === "connecting")) await refreshRoutes();
    setTimeout(() => void look(), paceMs);
  };
  void look();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && link.value === "live") void refreshRoutes();
  });
}
