/**
 * @module Windows behind the Host interface, by one run of PowerShell for a snapshot. What it needs is loaded by the first question.
 */
import type { Host } from "../host.ts";

/** This Windows machine. */
export function createWindowsHost(): Host {
  throw new Error();
}
