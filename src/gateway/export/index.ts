/**
 * @module Files for the engines that teams run, from the routes and relays of this machine.
 */
import type { Exported, ExportFacts, ExportFormat } from "./export-facts.ts";

export { exportFormats, type ExportFacts, type ExportFormat, type GroupedLimit } from "./export-facts.ts";
export { relayName, takesBothFamilies } from "./sound-facts.ts";

/** Writes the file of an engine. Who writes it is loaded now and not before: faces know every operation, and few are asked for this one. */
export async function writeExport(format: ExportFormat, facts: ExportFacts): Promise<Exported> {
  const { exportWriters } = await import("./writers.ts");
  return exportWriters[format](facts);
}
