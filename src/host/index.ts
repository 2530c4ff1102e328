/**
 * @module The host room's door: `createHost` picks this system's reader.
 */
import { createLinuxHost } from "./linux/linux-host.ts";
import { createUnsupportedHost } from "./unsupported.ts";
import type { Host } from "./host.ts";

export { examineMachine, type MachineExamination, type MethodExamination } from "./examine.ts";
export { capabilities, readCapabilities } from "./linux/capabilities.ts";
export { readProcessStat } from "./linux/process-stat.ts";
export { loadNativeAccess, type Koffi, type KoffiLibrary, type NativeAccess } from "./linux/libc.ts";
export {
  addressFamilies,
  encodeSocketAddress,
  loadSocketCalls,
  socketTypes,
  type SocketCalls,
} from "./linux/socket-calls.ts";

export { createSavedHost } from "./saved/saved-host.ts";
export { saveMachine, type SavedMachine } from "./saved/saved-machine.ts";
export { readSavedMachine } from "./saved/read-machine.ts";
export type {
  BlindSpot,
  Host,
  InterfaceAddress,
  ListenerMarks,
  NetworkInterface,
  PortLimits,
  Process,
  Snapshot,
  SnapshotFacts,
  SnapshotRequest,
  SocketHolder,
} from "./host.ts";

/** Where and how to look. */
export interface HostOptions {
  /** Folder with a saved machine (`proc/net/tcp` and so on in it) to read instead of the live one. Linux trees only. */
  readonly root?: string;
  /**
   * `netlink`: ask the kernel (needs koffi); `proc`: read /proc; `auto`: netlink where it works, else proc. Default `auto`;
   * a saved machine is always read by `proc`.
   */
  readonly reader?: "auto" | "netlink" | "proc";
}

/**
 * This machine, or a saved one. Costs nothing until something is asked.
 * @throws READER_UNAVAILABLE for the reader `netlink` together with `root`
 */
export function createHost(options: HostOptions = {}): Host {
  // A saved tree is plain files, readable on every system.
  if (options.root !== undefined || process.platform === "linux") return createLinuxHost(options);
  return createUnsupportedHost(process.platform);
}
