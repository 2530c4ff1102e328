/**
 * @module What other network namespaces hold: sockets, interfaces and limits of each, by entering it where that is allowed and by its
 * processes' tables in /proc where it is not.
 */
import { isPortolanError, unknown, type Socket } from "../../core/index.ts";
import type { BlindSpot, NetworkInterface, PortLimits } from "../host.ts";
import { ownNetworkFolder, type FileTree } from "./file-tree.ts";
import { readNetworkInterfaces } from "./interfaces.ts";
import type { NativeAccess } from "./libc.ts";
import { readPortLimits } from "./limits.ts";
import { surveyNamespaces, visitNamespace, type NamespaceSighting } from "./namespaces.ts";
import { openDiagnosis, readNetlinkSockets, type DiagnosisDoor } from "./netlink.ts";
import { readProcSockets, type TableRequest } from "./proc-net.ts";

/** One namespace's part of a snapshot. */
export interface ForeignLook {
  readonly sighting: NamespaceSighting;
  readonly reader: "netlink" | "proc";
  readonly sockets: readonly Socket[];
  readonly interfaces: readonly NetworkInterface[];
  /** Reads them when it is called: few ask, and it takes another visit. */
  readonly readLimits: () => PortLimits;
}

/** Every other namespace. */
export interface ForeignLooks {
  readonly looks: readonly ForeignLook[];
  /** False when an abort cut it short. */
  readonly complete: boolean;
  readonly blindSpots: readonly BlindSpot[];
}

/** Looks into every namespace but the reader's own. One that ends meanwhile is left out. */
export async function readForeignLooks(
  tree: FileTree,
  access: NativeAccess | null,
  request: TableRequest,
  signal: AbortSignal | undefined,
): Promise<ForeignLooks> {
  const looks: ForeignLook[] = [];
  const unentered: string[] = [];
  let unnamed = 0;
  const finish = (complete: boolean): ForeignLooks => ({
    looks,
    complete,
    blindSpots: describeUnentered(unentered, unnamed),
  });
  for (const sighting of surveyNamespaces(tree).others) {
    if (signal?.aborted === true) return finish(false);
    const look =
      (access === null ? undefined : await enterAndRead(access, sighting, request, signal)) ??
      readThroughMembers(tree, sighting, request);
    if (sighting.inode === undefined) unnamed += 1;
    if (look !== undefined) looks.push(look);
    else if (sighting.members.length === 0) unentered.push(sighting.names[0] ?? `net:[${sighting.inode}]`);
  }
  return finish(true);
}

/** The tree of the namespace in which this thread is. */
const inside: FileTree = { root: "", networkFolder: ownNetworkFolder };

async function enterAndRead(
  access: NativeAccess,
  sighting: NamespaceSighting,
  request: TableRequest,
  signal: AbortSignal | undefined,
): Promise<ForeignLook | undefined> {
  try {
    const visit = visitNamespace(access, sighting, () => {
      return { interfaces: readNetworkInterfaces(inside).interfaces, descriptor: openDiagnosis(access) };
    });
    if (visit === undefined) return undefined;
    const { interfaces, descriptor } = visit;
    // Copied, because what is read late is read in the wrong namespace.
    let limits: PortLimits | undefined;
    const readLimits = (): PortLimits =>
      (limits ??= visitNamespace(access, sighting, () => ({ ...readPortLimits(inside) })) ?? unknownLimits);
    const door: DiagnosisDoor = { descriptor, interfaceNames: namesByIndex(interfaces) };
    const { sockets } = await readNetlinkSockets(access, request, signal, door);
    return { sighting, reader: "netlink", sockets, interfaces, readLimits };
  } catch (error) {
    if (isPortolanError(error) && error.code === "READER_UNAVAILABLE") return undefined;
    throw error;
  }
}

function namesByIndex(interfaces: readonly NetworkInterface[]): ReadonlyMap<number, string> {
  return new Map(interfaces.flatMap(({ index, name }) => (index.known ? [[index.value, name] as const] : [])));
}

function readThroughMembers(
  tree: FileTree,
  sighting: NamespaceSighting,
  request: TableRequest,
): ForeignLook | undefined {
  for (const pid of sighting.members) {
    const member: FileTree = { root: tree.root, networkFolder: `/proc/${pid}/net` };
    try {
      const sockets = readProcSockets(member, request);
      const { interfaces } = readNetworkInterfaces(member);
      return { sighting, reader: "proc", sockets, interfaces, readLimits: () => unknownLimits };
    } catch (error) {
      // It has ended; another process of the namespace has the same tables.
      if (!isPortolanError(error)) throw error;
    }
  }
  return undefined;
}

const hidden = unknown("permission");

/** /proc/sys shows the limits of the reader's own namespace and no other. */
const unknownLimits: PortLimits = {
  unprivilegedPortStart: hidden,
  ephemeralRange: hidden,
  reservedPorts: hidden,
  mayBindPrivileged: hidden,
  v6onlyDefault: hidden,
};

/**
 * @param unnamed namespaces that were looked into without learning their number: some of the named ones are these
 */
function describeUnentered(names: readonly string[], unnamed: number): BlindSpot[] {
  if (names.length <= unnamed) return [];
  const shown = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  return [
    {
      what: "sockets",
      why: "permission",
      count: names.length - unnamed,
      message: `Network namespaces without a process can be looked into by root over netlink only: ${shown}.`,
    },
  ];
}
