/**
 * @module The host room's door: `createHost` picks this system's reader.
 */
import { PortolanError } from "../core/index.ts";
import { createLinuxHost } from "./linux/linux-host.ts";
import { createLsofHost } from "./lsof/lsof-host.ts";
import { createUnsupportedHost } from "./unsupported.ts";
import { createWindowsHost } from "./windows/windows-host.ts";
import type { Host, ReaderChoice } from "./host.ts";

export { examineMachine, type MachineExamination, type MethodExamination } from "./examine.ts";
export { capabilities, readCapabilities } from "./linux/capabilities.ts";
export { readProcessStat } from "./linux/process-stat.ts";
export { descriptorOf } from "./descriptor.ts";
export { readPeerUser } from "./linux/peer-user.ts";
export { takeSocketError } from "./linux/socket-error.ts";
export { loadNativeAccess, type Koffi, type KoffiLibrary, type NativeAccess } from "./linux/libc.ts";
export {
  addressFamilies,
  encodeSocketAddress,
  loadSocketCalls,
  socketTypes,
  type SocketCalls,
} from "./linux/socket-calls.ts";
export {
  factTitles,
  readerCapabilities,
  readerFacts,
  readerNames,
  type ReaderCapability,
  type ReaderFact,
  type ReaderName,
} from "./capabilities.ts";

export type {
  ConditionField,
  FirewallChain,
  FirewallCondition,
  FirewallHook,
  FirewallKeeper,
  FirewallReading,
  FirewallRule,
} from "./firewall.ts";
export type { NetworkRoute } from "./linux/routing-table.ts";
export { readOwnFirewall, readOwnNeighbours, readOwnRoutes, readProcessState } from "./surroundings.ts";
export { createSavedHost } from "./saved/saved-host.ts";
export { saveMachine, type SavedMachine } from "./saved/saved-machine.ts";
export { readHomeFolder } from "./home-folder.ts";
export { ownHostName } from "./host-name.ts";
export { unpackTree, type UnpackedTree } from "./saved/packed-tree.ts";
export { readSavedMachine } from "./saved/read-machine.ts";
export type {
  BlindSpot,
  Host,
  InterfaceAddress,
  ListenerMarks,
  NetworkInterface,
  PortLimits,
  Process,
  ReaderChoice,
  Snapshot,
  SnapshotFacts,
  SnapshotRequest,
  SocketHolder,
} from "./host.ts";

/** Where and how to look. */
export interface HostOptions {
  /** Folder with a saved machine (`proc/net/tcp` and so on in it) to read instead of the live one. Linux trees only. */
  readonly root?: string;
  /** Which reader to take. Default `auto`; a saved machine is always read by `proc`. */
  readonly reader?: ReaderChoice;
}

/** Systems that are read by lsof. */
const lsofPlatforms = new Set(["darwin", "freebsd", "openbsd", "netbsd"]);

/**
 * This machine, or a saved one. Costs nothing until something is asked.
 * @throws READER_UNAVAILABLE for the readers `netlink` and `lsof` together with `root`, and for one that this system does not have
 */
export function createHost(options: HostOptions = {}): Host {
  const { reader = "auto", root } = options;
  const { platform } = process;
  if (reader === "lsof" && root !== undefined) {
    throw new PortolanError("READER_UNAVAILABLE", "lsof looks at the running machine; a saved machine has none.", {
      details: { reader, root, hint: "Leave --reader out, or take --reader proc." },
    });
  }
  if (reader === "lsof" && platform !== "win32") return createLsofHost(platform);
  // A saved tree is plain files, readable on every system.
  if (root !== undefined || platform === "linux") return createLinuxHost({ ...options, reader: linuxReader(reader) });
  if (reader !== "auto") {
    throw new PortolanError("READER_UNAVAILABLE", `The reader ${reader} does not exist on ${platform}.`, {
      details: { reader, platform },
    });
  }
  if (lsofPlatforms.has(platform)) return createLsofHost(platform);
  return platform === "win32" ? createWindowsHost() : createUnsupportedHost(platform);
}

function linuxReader(reader: ReaderChoice): "auto" | "netlink" | "proc" {
  return reader === "lsof" ? "auto" : reader;
}
