/**
 * @module The doors that a scan found, one a row.
 */
import type { ScanResult } from "../../../../operations/scan.ts";
import type { ListedDoor } from "../../../../operations/scan-schemas.ts";
import type { CsvCell } from "../csv.ts";
import { rowSource } from "../row-source.ts";

const columns: Readonly<Record<string, (door: ListedDoor) => CsvCell>> = {
  address: ({ address }) => address,
  host: ({ host }) => host,
  transport: ({ transport }) => transport,
  port: ({ port }) => port,
  state: ({ state }) => state,
  reason: ({ reason }) => reason,
  service: ({ title }) => title?.value ?? null,
  basis: ({ title }) => title?.basis ?? null,
  product: ({ product }) => product,
  version: ({ version }) => version,
  tls: ({ identification }) => identification?.tls?.version ?? null,
  certificate: ({ identification }) => identification?.tls?.certificate?.subject ?? null,
  protocols: ({ identification }) => identification?.layers.map(({ protocol }) => protocol).join(" ") ?? null,
  evidence: ({ identification }) => identification?.evidence ?? null,
  roundTripMs: ({ roundTripMs }) => roundTripMs,
};

/** Rows of `scan`. */
export const scanRows = rowSource<ScanResult, ListedDoor>({
  rows: ({ hosts }) => hosts.flatMap(({ doors }) => doors),
  columns,
});
