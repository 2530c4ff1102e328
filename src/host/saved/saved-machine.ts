/**
 * @module A machine as one document: what a snapshot saw, to be looked at later or elsewhere. Plain JSON values.
 */
import { knownOr, type Known, type Socket } from "../../core/index.ts";
import type {
  BlindSpot,
  NetworkInterface,
  PortLimits,
  Process,
  Snapshot,
  SnapshotFacts,
  SocketHolder,
} from "../host.ts";

/** Version of the format. Documents of a later one are refused. */
export const savedMachineVersion = 1;

/** One socket with those who hold it. */
export interface SavedSocket extends Socket {
  readonly holders: Known<readonly SocketHolder[]>;
}

/** One network namespace. */
export interface SavedLook {
  readonly networkNamespace: Known<string>;
  readonly namespaceNames: readonly string[];
  readonly namespaceMembers: readonly number[];
  readonly reader: string;
  readonly sockets: readonly SavedSocket[];
  readonly interfaces: readonly NetworkInterface[];
  readonly limits: PortLimits;
}

/** The document. */
export interface SavedMachine {
  readonly portolanSnapshot: typeof savedMachineVersion;
  /** Program and version that wrote it. */
  readonly madeBy: string;
  readonly hostName: string;
  /** Milliseconds since the Unix epoch. */
  readonly takenAtMs: number;
  readonly complete: boolean;
  readonly platform: string;
  readonly holdersComplete: boolean;
  /** The reader's own namespace first. */
  readonly looks: readonly SavedLook[];
  /** Whoever holds a socket, their parents, and members of other namespaces. */
  readonly processes: readonly Process[];
  readonly blindSpots: readonly BlindSpot[];
  /** What only the machine itself could find out, as other rooms wrote it down. */
  readonly facts: SnapshotFacts;
}

/** Longest chain of parents that is followed. */
const mostParents = 64;

/** Everything a snapshot saw. Its sockets should be those of every state. */
export function saveMachine(
  snapshot: Snapshot,
  about: { readonly madeBy: string; readonly hostName: string; readonly facts: SnapshotFacts },
): SavedMachine {
  const looks = [snapshot, ...(snapshot.others ?? [])].map(saveLook);
  const pids = new Set(looks.flatMap(({ namespaceMembers }) => namespaceMembers));
  for (const { sockets } of looks) {
    for (const { holders } of sockets) for (const { pid } of knownOr(holders, [])) pids.add(pid);
  }
  for (const pid of Array.from(pids)) {
    let parent = knownOr(snapshot.processOf(pid).parentPid, 0);
    for (let step = 0; step < mostParents && parent > 0 && !pids.has(parent); step++) {
      pids.add(parent);
      parent = knownOr(snapshot.processOf(parent).parentPid, 0);
    }
  }
  const { takenAtMs, complete, platform, holdersComplete, blindSpots } = snapshot;
  return {
    portolanSnapshot: savedMachineVersion,
    ...about,
    takenAtMs,
    complete,
    platform,
    holdersComplete,
    looks,
    processes: [...pids].sort((a, b) => a - b).map((pid) => snapshot.processOf(pid)),
    blindSpots,
  };
}

function saveLook(snapshot: Snapshot): SavedLook {
  const { localNetworks, ...limits } = snapshot.limits;
  return {
    networkNamespace: snapshot.networkNamespace,
    namespaceNames: snapshot.namespaceNames ?? [],
    namespaceMembers: snapshot.namespaceMembers ?? [],
    reader: snapshot.reader,
    sockets: snapshot.sockets.map((socket) => ({ ...socket, holders: snapshot.holdersOf(socket) })),
    // Copied, because some of their entries are read only when they are asked for.
    interfaces: snapshot.interfaces.map((device) => ({ ...device })),
    limits: { ...limits, ...(localNetworks === undefined ? {} : { localNetworks }) },
  };
}
