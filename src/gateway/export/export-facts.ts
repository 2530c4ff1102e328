/**
 * @module What an engine is to be told, and what comes of it: the one model that all formats are written from.
 */
import type { RelayWish } from "../relay/relay-wish.ts";
import type { Route } from "../route.ts";

/** Engines that teams run. */
export const exportFormats = ["caddy", "nginx", "haproxy", "traefik"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What of a route an engine is told. */
export type ExportRoute = Pick<Route, "host" | "path" | "target" | "strip" | "ownHost">;

/** Where names are to be served. */
export interface ExportDoors {
  /** IP addresses without brackets. */
  readonly addresses: readonly string[];
  /** `null` serves no HTTP. */
  readonly httpPort: number | null;
  /** HTTPS takes a certificate; `null` serves none. */
  readonly https: ExportSecureDoor | null;
}

/** Where names are served over TLS, and with what. Paths are the engine's own, as it will find them. */
export interface ExportSecureDoor {
  readonly port: number;
  readonly certificatePath: string;
  readonly keyPath: string;
}

/** What an engine is to do. */
export interface ExportFacts {
  readonly doors: ExportDoors;
  readonly routes: readonly ExportRoute[];
  readonly relays: readonly RelayWish[];
}

/** Something that this engine does differently, or not at all. */
export interface ExportLimit {
  /** A route's name, `forward 127.0.0.1:8080`, `share 127.0.0.1:443, rule 2 (ssh)`; `every name`. */
  readonly concerns: string;
  readonly text: string;
}

/** The same for all that it concerns. */
export interface GroupedLimit {
  readonly concerns: readonly string[];
  readonly text: string;
}

/** A file for an engine. */
export interface Exported {
  readonly text: string;
  readonly limits: readonly GroupedLimit[];
}

/** Writes the file of one engine. */
export type ExportWriter = (facts: ExportFacts) => Exported;
