/**
 * @module Who writes the file of each engine.
 */
import { writeCaddy } from "./caddy.ts";
import type { ExportFormat, ExportWriter } from "./export-facts.ts";
import { writeHaproxy } from "./haproxy.ts";
import { writeNginx } from "./nginx.ts";
import { writeTraefik } from "./traefik.ts";

/** By format. */
export const exportWriters: Readonly<Record<ExportFormat, ExportWriter>> = {
  caddy: writeCaddy,
  nginx: writeNginx,
  haproxy: writeHaproxy,
  traefik: writeTraefik,
};
