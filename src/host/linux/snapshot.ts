/**
 * @module One look at a Linux machine: sockets, who holds them, and the rest when it is asked for.
 */
import { known, unknown, type Known, type Socket } from "../../core/index.ts";
import type { BlindSpot, NetworkInterface, PortLimits, Snapshot, SnapshotRequest, SocketHolder } from "../host.ts";
import { readLink, type FileTree } from "./file-tree.ts";
import { walkHolders } from "./holders.ts";
import { buildInodeIndex, groupFindings } from "./inode-index.ts";
import { readNetworkInterfaces } from "./interfaces.ts";
import { readPortLimits } from "./limits.ts";
import { readProcSockets } from "./proc-net.ts";
import { createProcessReader } from "./processes.ts";

/** Takes a snapshot of a tree. */
export async function takeSnapshot(
  tree: FileTree,
  reader: "auto" | "netlink" | "proc",
  request: SnapshotRequest,
): Promise<Snapshot> {
  const takenAtMs = Date.now();
  const blindSpots: BlindSpot[] = [];
  void reader;
  const ports = request.ports === undefined ? undefined : new Set(request.ports);
  const sockets = readProcSockets(tree, { states: request.states ?? "listening", ports });
  const search = request.holders ?? "all";
  let complete = true;
  let holdersComplete = true;
  let holdersOf: (inode: number) => Known<readonly SocketHolder[]> = () => unknown("unsupported");
  if (search !== "none") {
    const index = buildInodeIndex(inodesOf(sockets), sockets.length);
    const walk = await walkHolders(tree, { index, search, signal: request.signal });
    complete = walk.complete;
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
    reader: "proc",
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
