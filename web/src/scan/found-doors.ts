/**
 * @module What a scan found, as tenants of that device's building.
 */
import type { ScanEvent } from "../../../src/operations/scan.ts";
import { rangeOf } from "../building/geometry.ts";
import type { Tenant } from "../building/tenants.ts";
import { safeText } from "../text/outside-text.ts";

/** An open door as a tenant. */
export function tenantOfDoor(door: ScanEvent): Tenant {
  const name = door.names[0];
  return {
    port: door.port,
    name: name === undefined ? `port ${door.port}` : safeText(name.value, 60),
    detail: name === undefined ? safeText(door.reason, 80) : safeText(name.evidence, 80),
    keys: { range: rangeOf(door.port), proof: name?.basis ?? "unknown", reach: "networks", project: "" },
    bytesPerSecond: null,
  };
}

/** Whether a target is surely this machine: loopback by name or address. */
export function isThisMachine(target: string): boolean {
  return /^\s*(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[?::1\]?)\s*$/i.test(target);
}
