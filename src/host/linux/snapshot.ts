/**
 * @module One look at a Linux machine: sockets, who holds them, and the rest when it is asked for.
 */
import { isPortolanError, known, unknown, type Known, type Socket } from "../../core/index.ts";
import type { BlindSpot, PortLimits, Snapshot, SnapshotRequest, SocketHolder } from "../host.ts";
import { readLink, type FileTree } from "./file-tree.ts";
import { readForeignLooks } from "./foreign-looks.ts";
import { walkHolders, type HolderRequest, type HolderWalk } from "./holders.ts";
import { walkHoldersNatively } from "./holders-native.ts";
import { findHiddenProcesses } from "./hidden-processes.ts";
import { buildInodeIndex, groupFindings } from "./inode-index.ts";
import { readNetworkInterfaces } from "./interfaces.ts";
import { loadNativeAccess, type NativeAccess } from "./libc.ts";
import { readPortLimits } from "./limits.ts";
import { createProcessReader } from "./processes.ts";
import { readSocketTables } from "./socket-tables.ts";

/** Takes a snapshot of a tree. */
export async function takeSnapshot(
  tree: FileTree,
  reader: "auto" | "netlink" | "proc",
  request: SnapshotRequest,
): Promise<Snapshot> {
  const takenAtMs = Date.now();
  const ports = request.ports === undefined ? undefined : new Set(request.ports);
  const tableRequest = { states: request.states ?? "listening", ports, traffic: request.traffic === true };
  const access = tree.root !== "" || reader === "proc" ? null : loadNativeAccess();
  const told = await readSocketTables(tree, reader, access, tableRequest, request.signal);
  const { sockets } = told;
  const blindSpots = [...told.blindSpots];
  const foreign =
    request.namespaces === "all" ? await readForeignLooks(tree, access, tableRequest, request.signal) : undefined;
  if (foreign !== undefined) blindSpots.push(...foreign.blindSpots);
  const search = request.holders ?? "all";
  let complete = told.complete && foreign?.complete !== false;
  let holdersComplete = false;
  let holdersOf: (inode: number) => Known<readonly SocketHolder[]> = () => unknown("unsupported");
  if (search !== "none") {
    const every = [sockets, ...(foreign?.looks ?? []).map((look) => look.sockets)];
    const index = buildInodeIndex(
      inodesOf(every),
      every.reduce((sum, { length }) => sum + length, 0),
    );
    const walk = await searchHolders(tree, access, { index, search, signal: request.signal });
    complete &&= walk.complete;
    const hidden = walk.processCount === null ? unlistedProcesses : findHiddenProcesses(tree);
    const isPrivate = walk.unreadableCount > 0 || hidden !== undefined;
    holdersComplete = complete && !isPrivate;
    const holders = groupFindings(index, walk.findings);
    const none: Known<readonly SocketHolder[]> = !complete
      ? unknown("unsupported")
      : isPrivate
        ? unknown("permission")
        : known([]);
    holdersOf = (inode) => {
      const found = holders(inode);
      return found.length > 0 ? known(found) : inode === 0 ? known([]) : none;
    };
    if (hidden !== undefined) blindSpots.push(hidden);
    if (walk.unreadableCount > 0) blindSpots.push(describeUnreadable(walk.unreadableCount));
  }
  const processes = createProcessReader(tree, Date.now());
  let interfaceLook: ReturnType<typeof readNetworkInterfaces> | undefined;
  let limits: PortLimits | undefined;
  const namespace = readLink(tree, "/proc/self/ns/net");
  const shared = {
    takenAtMs,
    complete,
    live: tree.root === "",
    platform: "linux",
    holderSearch: search,
    holdersOf: (socket: Socket) => holdersOf(socket.inode),
    holdersComplete,
    processOf: (pid: number) => processes.processOf(pid),
  };
  return {
    ...shared,
    reader: told.reader,
    networkNamespace: namespace === undefined ? unknown("unsupported") : known(namespace),
    sockets,
    others: (foreign?.looks ?? []).map(({ sighting, readLimits, ...look }) => ({
      ...shared,
      ...look,
      get limits() {
        return readLimits();
      },
      networkNamespace: sighting.inode === undefined ? unknown("permission") : known(`net:[${sighting.inode}]`),
      namespaceNames: sighting.names,
      namespaceMembers: sighting.members,
      blindSpots: [],
    })),
    get interfaces() {
      return (interfaceLook ??= readNetworkInterfaces(tree)).interfaces;
    },
    get limits() {
      return (limits ??= readPortLimits(tree));
    },
    get blindSpots() {
      return [...blindSpots, ...(interfaceLook ??= readNetworkInterfaces(tree)).blindSpots];
    },
  };
}

async function searchHolders(tree: FileTree, access: NativeAccess | null, request: HolderRequest): Promise<HolderWalk> {
  if (access !== null) {
    try {
      return await walkHoldersNatively(access, request);
    } catch (error) {
      // koffi loads on C libraries that lack a call; the plain walk finds the same.
      if (isPortolanError(error)) throw error;
    }
  }
  return await walkHolders(tree, request);
}

const unlistedProcesses: BlindSpot = {
  what: "processes",
  why: "permission",
  count: null,
  message: "/proc could not be listed, so nothing is known about processes.",
};

function* inodesOf(tables: readonly (readonly Socket[])[]): Generator<number> {
  for (const sockets of tables) for (const socket of sockets) yield socket.inode;
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
