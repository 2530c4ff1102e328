/**
 * @module Orders of the list.
 */
import type { ListedService } from "../../../src/operations/schemas.ts";
import { nameOf } from "../building/tenants.ts";
import type { PortTraffic } from "../state/machine.ts";

export type SortKey = "port" | "name" | "reach" | "traffic";

const reachOrder = ["nowhere", "namespace", "machine", "networks", "everywhere"];

/** A sorted copy; equal rows stay in order of port. */
export function sortServices(
  services: readonly ListedService[],
  traffic: ReadonlyMap<string, PortTraffic>,
  key: SortKey,
  reverse: boolean,
): readonly ListedService[] {
  if (key === "port") return reverse ? services.toReversed() : services;
  const sign = reverse ? -1 : 1;
  const valueOf = (service: ListedService): string | number => {
    if (key === "name") return nameOf(service).toLowerCase();
    if (key === "reach") return reachOrder.indexOf(service.reach.scope);
    const carried = traffic.get(`${service.transport}/${service.port}`);
    if (carried === undefined) return -1;
    return (carried.sentPerSecond ?? 0) + (carried.receivedPerSecond ?? 0) + carried.connections / 1e6;
  };
  return services
    .map((service) => ({ service, value: valueOf(service) }))
    .sort((left, right) =>
      left.value < right.value ? -sign : left.value > right.value ? sign : left.service.port - right.service.port,
    )
    .map(({ service }) => service);
}
