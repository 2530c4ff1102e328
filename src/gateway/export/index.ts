/**
 * @module Files for the engines that teams run, from the routes and relays of this machine.
 */
import { writeCaddy } from "./caddy.ts";
import type { ExportFormat, ExportWriter } from "./export-facts.ts";
import { writeHaproxy } from "./haproxy.ts";
import { writeNginx } from "./nginx.ts";
import { writeTraefik } from "./traefik.ts";

export { exportFormats, type ExportFacts, type ExportFormat, type GroupedLimit } from "./export-facts.ts";
export { relayName, takesBothFamilies } from "./sound-facts.ts";

/** By format. */
export const exportWriters: Readonly<Record<ExportFormat, ExportWriter>> = {
  caddy: writeCaddy,
  nginx: writeNginx,
  haproxy: writeHaproxy,
  traefik: writeTraefik,
};
