/**
 * @module What the page knows of the machine: kept current by the stream of `watch`.
 */
import { signal } from "@preact/signals";
import type { ListedService } from "../../../src/operations/schemas.ts";
import type { TrafficEvent, WatchEvent } from "../../../src/operations/watch.ts";
import type { Client } from "../api/client.ts";
import type { About } from "../api/operations.ts";
import type { Refusal } from "../api/session.ts";

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

/** Takes in one event of `watch`. */
export function takeIn(event: WatchEvent): void {
  const atMs = Date.parse(event.at);
  switch (event.kind) {
    case "start":
      openedAtMs.value ??= atMs;
      services.value = event.services;
      return;
    case "traffic": {
      const next = new Map(traffic.value);
      for (const port of event.ports) next.set(`${port.transport}/${port.port}`, port);
      traffic.value = next;
      return;
    }
    case "missed":
      return;
    default:
      services.value = placed(event.service, event.kind);
      happenings.value = [
        ...happenings.value.slice(-mostHappenings + 1),
        {
          kind: event.kind,
          atMs,
          service: event.service,
          seenForMs: event.kind === "disappeared" ? event.seenForMs : null,
        },
      ];
  }
}

/** The services with one put in, replaced or taken out; in order of port. A row is the same one while it shares a socket. */
function placed(service: ListedService, kind: Happening["kind"]): readonly ListedService[] {
  const inodes = new Set(service.sockets.map(({ inode }) => inode));
  const others = services.value.filter(
    (other) =>
      other.port !== service.port ||
      other.transport !== service.transport ||
      !other.sockets.some(({ inode }) => inodes.has(inode)),
  );
  if (kind === "disappeared") return others;
  const index = others.findIndex(({ port }) => port > service.port);
  return index < 0 ? [...others, service] : [...others.slice(0, index), service, ...others.slice(index)];
}
