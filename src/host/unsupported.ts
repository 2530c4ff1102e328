/**
 * @module A system that Portolan cannot read yet: every question is answered by an error, never by an empty list.
 */
import { PortolanError } from "../core/index.ts";
import type { Host } from "./host.ts";

/** A host of which every method fails with HOST_UNSUPPORTED. */
export function createUnsupportedHost(platform: string): Host {
  function refuse(): never {
    throw new PortolanError("HOST_UNSUPPORTED", `Portolan cannot read the sockets of ${platform} yet.`, {
      details: { platform },
    });
  }
  return { platform, snapshot: async () => refuse(), readInterfaces: refuse, readLimits: refuse };
}
