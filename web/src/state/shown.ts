/**
 * @module What follows from the machine and the search: tenants of the building, rows of the list, ports that were found.
 */
import { computed } from "@preact/signals";
import { tenantsOf } from "../building/tenants.ts";
import { createMatcher } from "../search/match.ts";
import { about, services, traffic } from "./machine.ts";
import { onlyDemo, searchText } from "./view.ts";

/** What listens, or with `--demo` only the demo's servers, as long as the reader wants. */
export const shownServices = computed(() => {
  const ports = about.value?.demoPorts ?? null;
  if (ports === null || !onlyDemo.value) return services.value;
  return services.value.filter(({ port }) => ports.includes(port));
});

export const tenants = computed(() => tenantsOf(shownServices.value, traffic.value));

/** Services that the search means; all of them when nothing is searched. */
export const foundServices = computed(() => {
  const matches = createMatcher(searchText.value);
  return matches === null ? shownServices.value : shownServices.value.filter(matches);
});

/** Their ports; null when nothing is searched. */
export const foundPorts = computed<ReadonlySet<number> | null>(() =>
  searchText.value.trim() === "" ? null : new Set(foundServices.value.map(({ port }) => port)),
);
