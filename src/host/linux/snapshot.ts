/**
 * @module One look at a Linux machine: sockets, who holds them, and the rest when it is asked for.
 */
import { PortolanError, isPortolanError, known, unknown, type Known, type Socket } from "../../core/index.ts";
import type { BlindSpot, NetworkInterface, PortLimits, Snapshot, SnapshotRequest, SocketHolder } from "../host.ts";
import { readLink, type FileTree } from "./file-tree.ts";
import { walkHolders, type HolderRequest, type HolderWalk } from "./holders.ts";
import { walkHoldersNatively } from "./holders-native.ts";
import { buildInodeIndex, groupFindings } from "./inode-index.ts";
import { readNetworkInterfaces } from "./interfaces.ts";
import { loadNativeAccess, type NativeAccess } from "./libc.ts";
import { readPortLimits } from "./limits.ts";
import { readNetlinkSockets } from "./netlink.ts";
import { readProcSockets, type TableRequest } from "./proc-net.ts";
import { createProcessReader } from "./processes.ts";

/** Takes a snapshot of a tree. */
export async function takeSnapshot(
  tree: FileTree,
  reader: "auto" | "netlink" | "proc",
  request: SnapshotRequest,
): Promise<Snapshot> {
  const takenAtMs = Date.now();
  const blindSpots: BlindSpot[] = [];
  const ports = request.ports === undefined ? undefined : new Set(request.ports);
  const tableRequest = { states: request.states ?? "listening", ports };
  const access = tree.root !== "" || reader === "proc" ? null : loadNativeAccess();
  const told = await readSockets(tree, reader, access, tableRequest, request.signal, blindSpots);
  const { sockets } = told;
  const search = request.holders ?? "all";
  let complete = told.complete;
  let holdersComplete = true;
  let holdersOf: (inode: number) => Known<readonly SocketHolder[]> = () => unknown("unsupported");
  if (search !== "none") {
    const index = buildInodeIndex(inodesOf(sockets), sockets.length);
    const walk = await searchHolders(tree, access, { index, search, signal: request.signal });
    complete &&= walk.complete;
    holdersComplete = complete && walk.unreadableCount === 0;
    const holders = groupFindings(index, walk.findings);
    const none: Known<readonly SocketHolder[]> = !complete
      ? unknown("unsupported")
      : walk.unreadableCount > 0
        ? unknown("permission")
        : known([]);
    holdersOf = (inode) => {
      const found = holders(inode);
      return found.length > 0 ? known(found) : inode === 0 ? known([]) : none;
    };
    if (walk.unreadableCount > 0) blindSpots.push(describeUnreadable(walk.unreadableCount));
  }
  const processes = createProcessReader(tree);
  let interfaces: readonly NetworkInterface[] | undefined;
  let limits: PortLimits | undefined;
  const namespace = readLink(tree, "/proc/self/ns/net");
  return {
    takenAtMs,
    complete,
    platform: "linux",
    reader: told.reader,
    networkNamespace: namespace === undefined ? unknown("unsupported") : known(namespace),
    sockets,
    holderSearch: search,
    holdersOf: (socket) => holdersOf(socket.inode),
    holdersComplete,
    processOf: (pid) => processes.processOf(pid),
    get interfaces() {
      return (interfaces ??= readNetworkInterfaces(tree).interfaces);
    },
    get limits() {
      return (limits ??= readPortLimits(tree));
    },
    blindSpots,
  };
}

async function readSockets(
  tree: FileTree,
  reader: "auto" | "netlink" | "proc",
  access: NativeAccess | null,
  request: TableRequest,
  signal: AbortSignal | undefined,
  blindSpots: BlindSpot[],
): Promise<{ readonly sockets: readonly Socket[]; readonly complete: boolean; readonly reader: string }> {
  if (access === null && reader === "netlink") {
    throw new PortolanError("READER_UNAVAILABLE", "netlink needs the package koffi, which is not installed or does not load.", {
      details: { reader },
    });
  }
  if (access !== null) {
    try {
      const told = await readNetlinkSockets(access, request, signal);
      if (told.unsettled) blindSpots.push(unsettledTables);
      return { ...told, reader: "netlink" };
    } catch (error) {
      if (reader === "netlink" || !isPortolanError(error)) throw error;
      blindSpots.push(describeRefusal(error));
    }
  }
  return { sockets: readProcSockets(tree, request), complete: true, reader: "proc" };
}

async function searchHolders(tree: FileTree, access: NativeAccess | null, request: HolderRequest): Promise<HolderWalk> {
  if (access === null) return await walkHolders(tree, request);
  return await walkHoldersNatively(access, request);
}

const unsettledTables: BlindSpot = {
  what: "sockets",
  why: "gone",
  count: null,
  message: "Sockets came and went faster than the kernel could list them, so some may be missing.",
};

function describeRefusal(error: PortolanError): BlindSpot {
  return {
    what: "sockets",
    why: "unsupported",
    count: null,
    message: `${error.message} The tables in /proc were read instead, which do not tell backlogs and IPv6-only sockets.`,
  };
}

function* inodesOf(sockets: readonly Socket[]): Generator<number> {
  for (const socket of sockets) yield socket.inode;
}

function describeUnreadable(count: number): BlindSpot {
  return {
    what: "holders",
    why: "permission",
    count,
    message:
      count === 1
        ? "1 process of another user keeps its file descriptors private."
        : `${count} processes of other users keep their file descriptors private.`,
  };
}
