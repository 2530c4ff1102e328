/**
 * @module Who lives where, as the building shows it: one tenant a port, made from what listens there.
 */
import type { ListedService } from "../../../src/operations/schemas.ts";
import type { Colouring } from "../state/view.ts";
import type { PortTraffic } from "../state/machine.ts";
import { safeText } from "../text/outside-text.ts";
import { rangeOf, floorRanges } from "./geometry.ts";

/** Somebody behind a door. */
export interface Tenant {
  readonly port: number;
  /** What it is, short: `PostgreSQL`, `my-shop`. Safe to show. */
  readonly name: string;
  /** A line about it: program, project, reach. Safe to show. */
  readonly detail: string;
  /** By colouring: which colour it has. */
  readonly keys: Readonly<Record<Exclude<Colouring, "traffic">, string>>;
  /** Bytes a second both ways, null when that is not known. */
  readonly bytesPerSecond: number | null;
}

/** Colours' keys with their titles, in the order of the legend; projects have their own. */
export const keyTitles: Readonly<Record<string, readonly { readonly key: string; readonly title: string }[]>> = {
  range: floorRanges.map(({ id, title }) => ({ key: id, title })),
  proof: [
    { key: "proved", title: "Proved by handshake" },
    { key: "inferred", title: "Seen from the program" },
    { key: "convention", title: "Usual for the port" },
    { key: "assigned", title: "Assigned by IANA" },
    { key: "unknown", title: "Unknown" },
  ],
  reach: [
    { key: "machine", title: "This machine only" },
    { key: "networks", title: "Some networks" },
    { key: "everywhere", title: "Every network" },
    { key: "nowhere", title: "Nowhere" },
  ],
};

/** One tenant for each port that somebody listens on. */
export function tenantsOf(
  services: readonly ListedService[],
  traffic: ReadonlyMap<string, PortTraffic>,
): readonly Tenant[] {
  const tenants: Tenant[] = [];
  let index = 0;
  while (index < services.length) {
    const first = services[index]!;
    let end = index + 1;
    while (end < services.length && services[end]!.port === first.port) end += 1;
    tenants.push(describe(services.slice(index, end), traffic));
    index = end;
  }
  return tenants;
}

/** Tenants of services that are alone on their port: the same one as long as nothing is different. */
const known = new WeakMap<ListedService, Tenant>();

function describe(here: readonly ListedService[], traffic: ReadonlyMap<string, PortTraffic>): Tenant {
  const service = here[0]!;
  const carried = traffic.get(`tcp/${service.port}`);
  const bytesPerSecond = carried === undefined ? null : (carried.sentPerSecond ?? 0) + (carried.receivedPerSecond ?? 0);
  const before = known.get(service);
  if (here.length === 1 && before !== undefined && before.bytesPerSecond === bytesPerSecond) return before;
  const tenant = describeAnew(here, bytesPerSecond);
  if (here.length === 1) known.set(service, tenant);
  return tenant;
}

function describeAnew(here: readonly ListedService[], bytesPerSecond: number | null): Tenant {
  const service = here[0]!;
  const name = nameOf(service);
  return {
    port: service.port,
    name,
    detail: detailOf(service) + (here.length > 1 ? ` and ${here.length - 1} more here` : ""),
    keys: {
      range: rangeOf(service.port),
      proof: service.title?.basis ?? service.names[0]?.basis ?? "unknown",
      reach: service.reach.scope === "namespace" ? "machine" : service.reach.scope,
      project: service.project === null ? "" : safeText(service.project.value.name, 60),
    },
    bytesPerSecond,
  };
}

/** The best name of a service: what it proved to be or was seen to be, then the project, then what the port is usually for. */
export function nameOf(service: ListedService): string {
  return safeText(service.title?.value ?? service.names[0]?.value ?? `port ${service.port}`, 60);
}

/** Program, pid and project in a line. */
export function detailOf(service: ListedService): string {
  const holder = service.holders.known ? service.holders.value[0] : undefined;
  const program = holder === undefined ? "holder not visible" : holderText(holder);
  const project = service.project === null ? "" : `, ${safeText(service.project.value.name, 60)}`;
  return `${program}${project}`;
}

function holderText(holder: { readonly pid: number; readonly name: ListedServiceHolderName }): string {
  return `${holder.name.known ? safeText(holder.name.value, 60) : "process"} ${holder.pid}`;
}

type ListedServiceHolderName = Extract<ListedService["holders"], { known: true }>["value"][number]["name"];
