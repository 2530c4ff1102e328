/**
 * @module macOS, the BSDs and, to compare, Linux behind the Host interface by lsof. What a snapshot needs is loaded by the first one.
 */
import type { Host } from "../host.ts";
import { readNetworkInterfaces } from "../linux/interfaces.ts";
import { readPortLimits } from "../linux/limits.ts";
import { createBsdSystem, readBsdInterfaces, readBsdLimits } from "./bsd-system.ts";

/** This machine as lsof sees it. */
export function createLsofHost(platform: string): Host {
  const onLinux = platform === "linux";
  return {
    platform,
    async snapshot(request = {}) {
      const { takeLsofSnapshot } = await import("./snapshot.ts");
      if (onLinux) {
        const { createLinuxSystem } = await import("./linux-system.ts");
        return await takeLsofSnapshot(createLinuxSystem(), request);
      }
      return await takeLsofSnapshot(createBsdSystem(platform), request);
    },
    readInterfaces: () => (onLinux ? readNetworkInterfaces({ root: "" }).interfaces : readBsdInterfaces()),
    readLimits: () => (onLinux ? readPortLimits({ root: "" }) : readBsdLimits(platform)),
  };
}
