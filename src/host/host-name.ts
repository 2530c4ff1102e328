/**
 * @module This machine's own name.
 */
import { hostname } from "node:os";

/** Name of this machine as it calls itself (gethostname(2)). */
export function ownHostName(): string {
  return hostname();
}
