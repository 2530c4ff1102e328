/**
 * @module What the page knows of the machine: kept current by the stream of `watch`. However fast events come, the signals change some
 * eight times a second.
 */
import { batch, signal } from "@preact/signals";
import type { ListedService } from "../../../src/operations/schemas.ts";
import type { TrafficEvent, WatchEvent } from "../../../src/operations/watch.ts";
import type { Client } from "../api/client.ts";
import type { About } from "../api/operations.ts";
import type { Refusal } from "../api/session.ts";
import { createServiceTable } from "./service-table.ts";

/** Traffic of one listening port. */
export type PortTraffic = TrafficEvent["ports"][number];

/** Something that came, changed or went while the page was open. */
export interface Happening {
  readonly kind: "appeared" | "changed" | "disappeared";
  readonly atMs: number;
  readonly service: ListedService;
  /** For `disappeared`. */
  readonly seenForMs: number | null;
}

/** The link to the server. */
export type Link = "connecting" | "live" | "lost" | Refusal;

/** Happenings that are kept; older ones are forgotten. */
export const mostHappenings = 5000;

export const link = signal<Link>("connecting");
export const client = signal<Client | null>(null);
export const about = signal<About | null>(null);
/** What listens now, by port and transport. Replaced at each change, never altered. */
export const services = signal<readonly ListedService[]>([]);
/** By `tcp/3000`. Replaced at each change. */
export const traffic = signal<ReadonlyMap<string, PortTraffic>>(new Map());
/** Newest last. */
export const happenings = signal<readonly Happening[]>([]);
/** When the first look came, milliseconds since the Unix epoch; null before. */
export const openedAtMs = signal<number | null>(null);

const table = createServiceTable();
let newHappenings: Happening[] = [];
let newTraffic: PortTraffic[] = [];
let isDue = false;

/** Takes in one event of `watch`; it is shown with the next frame. */
export function takeIn(event: WatchEvent): void {
  const atMs = Date.parse(event.at);
  if (event.kind === "start") {
    openedAtMs.value ??= atMs;
    table.replace(event.services);
  } else if (event.kind === "traffic") newTraffic.push(...event.ports);
  else if (event.kind !== "missed" && event.kind !== "program-failed") {
    if (event.kind === "disappeared") table.remove(event.service);
    else table.put(event.service);
    newHappenings.push({
      kind: event.kind,
      atMs,
      service: event.service,
      seenForMs: event.kind === "disappeared" ? event.seenForMs : null,
    });
    // A hidden tab gets no frames and must not gather for ever.
    if (newHappenings.length > mostHappenings) newHappenings.splice(0, newHappenings.length - mostHappenings);
  }
  if (isDue) return;
  isDue = true;
  nextFrame(show);
}

/** Shortest time between two changes of the signals, milliseconds: what is drawn in between only moves. */
const showPaceMs = 120;
let shownAtMs = 0;

/** Puts what came since the last time into the signals. */
function show(): void {
  isDue = false;
  shownAtMs = performance.now();
  batch(() => {
    if (table.hasChanged()) services.value = table.list();
    if (newTraffic.length > 0) {
      const next = new Map(traffic.value);
      for (const port of newTraffic) next.set(`${port.transport}/${port.port}`, port);
      traffic.value = next;
      newTraffic = [];
    }
    if (newHappenings.length > 0) {
      happenings.value = [...happenings.value, ...newHappenings].slice(-mostHappenings);
      newHappenings = [];
    }
  });
}

/** With the next frame that is due, or within a second when the page is hidden and has none. */
function nextFrame(action: () => void): void {
  if (document.hidden) {
    setTimeout(action, 1000);
    return;
  }
  const waitMs = shownAtMs + showPaceMs - performance.now();
  if (waitMs <= 0) requestAnimationFrame(action);
  else setTimeout(() => requestAnimationFrame(action), waitMs);
}
