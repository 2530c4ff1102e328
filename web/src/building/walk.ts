/**
 * @module Going through the building by keys, and what is said of each place.
 */
import { apartmentOf, floorOf, rangeOf, side } from "./geometry.ts";
import type { Tenant } from "./tenants.ts";

const highest = side * side - 1;

/**
 * The port that a key leads to, or null when the key means nothing here.
 * @param fresh true when nobody stands anywhere yet: the first key only steps in
 */
export function stepCursor(key: string, here: number, tenants: readonly Tenant[], fresh: boolean): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: 1,
    ArrowLeft: -1,
    ArrowUp: side,
    ArrowDown: -side,
    PageUp: side * 16,
    PageDown: -side * 16,
  };
  const step = steps[key];
  if (step !== undefined) {
    if (fresh) return here;
    const next = here + step;
    return next < 0 || next > highest ? here : next;
  }
  switch (key) {
    case "Home":
      return here - apartmentOf(here);
    case "End":
      return here - apartmentOf(here) + side - 1;
    case "n":
    case "N":
      return (tenants.find(({ port }) => port > here || (fresh && port === here)) ?? tenants[0])?.port ?? here;
    case "p":
    case "P":
      return (tenants.findLast(({ port }) => port < here) ?? tenants.at(-1))?.port ?? here;
    default:
      return null;
  }
}

const rangeWords = { "well-known": "well-known", registered: "registered", dynamic: "dynamic" } as const;

/** `Port 5432, floor 21, apartment 56, registered. PostgreSQL, postgres 812.` */
export function describePlace(port: number, tenants: readonly Tenant[]): string {
  const tenant = tenants.find((one) => one.port === port);
  const place = `Port ${port}, floor ${floorOf(port)}, apartment ${apartmentOf(port)}, ${rangeWords[rangeOf(port)]}.`;
  return `${place} ${tenant === undefined ? "Nobody lives here." : `${tenant.name}, ${tenant.detail}.`}`;
}
