/**
 * @module Requests as the gateway tells them, while somebody looks: counted by route, the newest kept. However many there are, the signals
 * change four times a second.
 */
import { batch, computed, effect, signal } from "@preact/signals";
import type { RequestEvent } from "../../../src/operations/trace.ts";
import type { RequestTraffic } from "../../../src/operations/traffic.ts";
import { ApiError } from "../api/client.ts";
import { client, link } from "../state/machine.ts";
import { gatewayFacts, refreshRoutes } from "../state/routes.ts";
import { ActivityLog } from "./activity.ts";

/** A request in the list. */
export interface ShownRequest {
  readonly id: number;
  readonly request: RequestEvent;
}

/** Requests that are kept; older ones are forgotten. */
export const mostRequests = 200;

/** Newest first. */
export const requests = signal<readonly ShownRequest[]>([]);
/** Requests that were counted since the view was opened, and those of them that the list had no room for. */
export const told = signal({ requests: 0, leftOut: 0 });
/** While the list stands still: how many came since; `null` while it moves. */
export const heldBack = signal<number | null>(null);
/** The name whose requests are listed; `null` for all. */
export const shownName = signal<string | null>(null);
/** Why nothing is told. */
export const trafficFailure = signal<ApiError | null>(null);
/** Changes whenever the activity of a route may be another one. */
export const beat = signal(0);

let log = new ActivityLog();
let nextId = 0;

/** What a route had in the last minute. Reads `beat`, so that who draws it draws it again. */
export function activityOf(route: string | null): ReturnType<ActivityLog["of"]> {
  void beat.value;
  return log.of(route, Date.now());
}

/** Lists the requests of one name, or of all. */
export function showOnly(name: string | null): void {
  batch(() => {
    shownName.value = name;
    requests.value = [];
    if (heldBack.value !== null) heldBack.value = 0;
  });
}

/** Takes in one event. */
export function takeTraffic(event: RequestTraffic): void {
  log.take(event, Date.now());
  const counted = event.routes.reduce((sum, route) => sum + route.requests, 0);
  batch(() => {
    beat.value += 1;
    told.value = { requests: told.value.requests + counted, leftOut: told.value.leftOut + event.leftOut };
    if (heldBack.value !== null) {
      heldBack.value += event.examples.length + event.leftOut;
      return;
    }
    const fresh = event.examples.map((request) => ({ id: nextId++, request })).toReversed();
    if (fresh.length > 0) requests.value = [...fresh, ...requests.value].slice(0, mostRequests);
  });
}

const visible = signal(true);
/** One process of the gateway; another one is asked anew. */
const gatewayPid = computed(() => gatewayFacts.value?.pid ?? null);
const isLive = computed(() => link.value === "live");

/**
 * Listens as long as it is wanted, the page is seen and a gateway runs: the gateway counts for nobody otherwise.
 * @returns ends it
 */
export function followRequests(): () => void {
  const onVisibility = (): void => void (visible.value = !document.hidden);
  onVisibility();
  document.addEventListener("visibilitychange", onVisibility);
  const timer = setInterval(() => {
    if (!document.hidden) beat.value += 1;
  }, 1000);
  const stop = effect(() => {
    const made = client.value;
    const name = shownName.value;
    if (!visible.value || !isLive.value || gatewayPid.value === null || made === null) return undefined;
    const abort = new AbortController();
    void (async () => {
      try {
        trafficFailure.value = null;
        for await (const event of made.stream("traffic", name === null ? {} : { name }, abort.signal))
          takeTraffic(event);
      } catch (error) {
        if (!abort.signal.aborted && error instanceof ApiError && error.code !== "GATEWAY_STOPPED")
          trafficFailure.value = error;
      }
      if (!abort.signal.aborted) await refreshRoutes();
    })();
    return () => abort.abort();
  });
  return () => {
    stop();
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onVisibility);
    log = new ActivityLog();
    batch(() => {
      requests.value = [];
      told.value = { requests: 0, leftOut: 0 };
      heldBack.value = null;
      shownName.value = null;
      trafficFailure.value = null;
    });
  };
}
