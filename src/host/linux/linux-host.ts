/**
 * @module Linux behind the Host interface. Cheap to import: what a snapshot needs is loaded by the first snapshot.
 */
import { PortolanError, isPortolanError } from "../../core/index.ts";
import type { Host } from "../host.ts";
import { readNetworkInterfaces } from "./interfaces.ts";
import { loadNativeAccess } from "./libc.ts";
import { readPortLimits } from "./limits.ts";
import { openListenerMarks } from "./listener-marks.ts";

/** Where and how to look. */
export interface LinuxHostOptions {
  readonly root?: string;
  readonly reader?: "auto" | "netlink" | "proc";
}

/**
 * The live machine, or a saved one below `root`.
 * @throws READER_UNAVAILABLE for the reader `netlink` together with `root`
 */
export function createLinuxHost(options: LinuxHostOptions): Host {
  const root = options.root?.replace(/\/+$/, "");
  const reader = options.reader ?? "auto";
  if (root !== undefined && reader === "netlink") {
    throw new PortolanError("READER_UNAVAILABLE", "netlink asks the running kernel; a saved machine has none.", {
      details: { reader, root, hint: "Leave --reader out, or take --reader proc." },
    });
  }
  // "" is the live machine inside; `root: "/"` asks for a saved tree that happens to be live, and reads the same files.
  const tree = { root: root === undefined ? "" : root === "" ? "/." : root };
  return {
    platform: "linux",
    async snapshot(request = {}) {
      const { takeSnapshot } = await import("./snapshot.ts");
      return await takeSnapshot(tree, root === undefined ? reader : "proc", request);
    },
    openListenerMarks() {
      const access = tree.root !== "" || reader === "proc" ? null : loadNativeAccess();
      if (access === null) return null;
      try {
        return openListenerMarks(access);
      } catch (error) {
        if (isPortolanError(error, "READER_UNAVAILABLE")) return null;
        throw error;
      }
    },
    readInterfaces: () => readNetworkInterfaces(tree).interfaces,
    readLimits: () => readPortLimits(tree),
  };
}
