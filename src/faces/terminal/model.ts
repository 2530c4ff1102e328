/**
 * @module What the live table knows and shows: rows, who came and went, filter, order, and where the reader stands.
 */
import { knownOr } from "../../core/index.ts";
import type { ListedService } from "../../operations/schemas.ts";
import type { TrafficEvent, WatchEvent } from "../../operations/watch.ts";

export type PortTraffic = TrafficEvent["ports"][number];

/** A service as a row. */
export interface Row {
  readonly key: string;
  readonly service: ListedService;
  /** When it was seen to come; `null` for what was there at first. */
  readonly cameMs: number | null;
  /** When it went; `null` while it is there. */
  readonly wentMs: number | null;
}

export const sortKeys = [
  "port",
  "name",
  "process",
  "project",
  "reach",
  "clients",
  "received",
  "sent",
  "since",
] as const;
export type SortKey = (typeof sortKeys)[number];

/** How long arrivals and departures are marked, milliseconds. */
export const markMs = 5000;

/** The rows, changed by events. */
export class Model {
  readonly rows = new Map<string, Row>();
  readonly traffic = new Map<number, PortTraffic>();
  filter = "";
  sort: SortKey = "port";
  reverse = false;
  selected: string | null = null;
  /** Changes that were merged because this machine was too slow. */
  missed = 0;
  appeared = 0;
  disappeared = 0;

  /** Takes in an event. @param nowMs a clock for marks */
  take(event: WatchEvent, nowMs: number): void {
    if (event.kind === "start") for (const service of event.services) this.#put(service, null);
    else if (event.kind === "traffic") for (const port of event.ports) this.traffic.set(port.port, port);
    else if (event.kind === "missed") this.missed += event.sightings;
    else if (event.kind === "program-failed") return;
    else if (event.kind === "disappeared") {
      this.disappeared += 1;
      const row = this.#find(event.service);
      if (row !== undefined) this.rows.set(row.key, { ...row, service: event.service, wentMs: nowMs });
    } else if (event.kind === "appeared") {
      this.appeared += 1;
      this.#put(event.service, nowMs);
    } else {
      const row = this.#find(event.service);
      if (row === undefined) this.#put(event.service, nowMs);
      else this.rows.set(row.key, { ...row, service: event.service });
    }
  }

  /** Forgets who went long enough ago. @returns whether somebody was */
  forget(nowMs: number): boolean {
    let forgotten = false;
    for (const [key, { wentMs }] of this.rows) {
      if (wentMs === null || nowMs - wentMs < markMs) continue;
      this.rows.delete(key);
      forgotten = true;
    }
    return forgotten;
  }

  /** Whether some row carries a mark that will go. */
  isMoving(nowMs: number): boolean {
    for (const { cameMs, wentMs } of this.rows.values()) {
      if (wentMs !== null || (cameMs !== null && nowMs - cameMs < markMs)) return true;
    }
    return false;
  }

  /** Services that are there now. */
  get present(): number {
    let count = 0;
    for (const { wentMs } of this.rows.values()) if (wentMs === null) count += 1;
    return count;
  }

  /** The rows that the filter accepts, in the chosen order. */
  shown(): Row[] {
    const words = this.filter
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const accepted = [...this.rows.values()].filter(({ service }) => words.every((word) => mentions(service, word)));
    const sign = this.reverse ? -1 : 1;
    const values = new Map(accepted.map((row) => [row, this.#valueOf(row)]));
    return accepted.sort((left, right) => {
      const [a, b] = [values.get(left)!, values.get(right)!];
      const order = a < b ? -1 : a > b ? 1 : 0;
      return (
        order * sign ||
        left.service.port - right.service.port ||
        (left.service.transport < right.service.transport ? -1 : 1)
      );
    });
  }

  #valueOf({ service }: Row): string | number {
    const carried = service.transport === "tcp" ? this.traffic.get(service.port) : undefined;
    switch (this.sort) {
      case "port":
        return service.port;
      case "name":
        return (service.title?.value ?? "").toLowerCase();
      case "process":
        return knownOr(knownOr(service.holders, [])[0]?.name ?? { known: true, value: "" }, "").toLowerCase();
      case "project":
        return service.project?.value.name.toLowerCase() ?? "";
      case "reach":
        return ["nowhere", "namespace", "machine", "networks", "everywhere"].indexOf(service.reach.scope);
      case "clients":
        return -(carried?.connections ?? 0);
      case "received":
        return -(carried?.receivedPerSecond ?? 0);
      case "sent":
        return -(carried?.sentPerSecond ?? 0);
      default:
        return knownOr(knownOr(service.holders, [])[0]?.startedAt ?? { known: true, value: "" }, "");
    }
  }

  #put(service: ListedService, cameMs: number | null): void {
    const key = `${service.transport}/${service.port}/${service.sockets[0]?.inode ?? 0}`;
    this.rows.set(key, { key, service, cameMs, wentMs: null });
  }

  /** The row that shares a socket with a service. */
  #find({ transport, port, sockets }: ListedService): Row | undefined {
    const direct = this.rows.get(`${transport}/${port}/${sockets[0]?.inode ?? 0}`);
    if (direct !== undefined) return direct;
    const inodes = new Set(sockets.map(({ inode }) => inode));
    for (const row of this.rows.values()) {
      const { service } = row;
      if (
        service.port === port &&
        service.transport === transport &&
        service.sockets.some(({ inode }) => inodes.has(inode))
      )
        return row;
    }
    return undefined;
  }
}

function mentions(service: ListedService, word: string): boolean {
  if (/^\d+$/.test(word)) {
    return (
      String(service.port).startsWith(word) || knownOr(service.holders, []).some(({ pid }) => String(pid) === word)
    );
  }
  const texts: (string | null | undefined)[] = [
    service.title?.value,
    service.transport,
    service.reach.scope,
    service.project?.value.name,
    service.framework?.value.title,
    service.container?.value.name,
    ...service.names.map(({ value }) => value),
    ...service.addresses,
    ...knownOr(service.holders, []).flatMap(({ name, userName }) => [knownOr(name, null), knownOr(userName, null)]),
  ];
  return texts.some((text) => text?.toLowerCase().includes(word) === true);
}
