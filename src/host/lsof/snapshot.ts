/**
 * @module One look at a machine through lsof; what lsof does not know comes from the system that it runs on.
 */
import { known, unknown, type Known, type Socket } from "../../core/index.ts";
import type { BlindSpot, NetworkInterface, PortLimits, Process, Snapshot, SnapshotRequest } from "../host.ts";
import { completeByNetstat, type NetstatRow } from "./netstat.ts";
import { runLsof } from "./run-lsof.ts";
import { listSockets, type SocketList } from "./socket-list.ts";

/** What a system adds to lsof. */
export interface LsofSystem {
  readonly platform: string;
  /** Whether lsof is to list working directories, because nothing else here knows them. */
  readonly wantsWorkingDirectories: boolean;
  readonly networkNamespace: Known<string>;
  /** Whether this user may look into every process. */
  readonly seesEveryProcess: boolean;
  /** What this system's lsof is blind to, beside what every lsof is. */
  readonly blindSpots: readonly BlindSpot[];
  /** Sockets by a program that sees all of them, without holders; `undefined` where there is none. */
  readTables?(): Promise<readonly NetstatRow[] | undefined>;
  readInterfaces(): readonly NetworkInterface[];
  readLimits(): PortLimits;
  /** Reads what is to be known of processes, once for a snapshot. */
  readProcesses(list: SocketList): Promise<(pid: number) => Process>;
}

/** Takes a snapshot. */
export async function takeLsofSnapshot(system: LsofSystem, request: SnapshotRequest): Promise<Snapshot> {
  const takenAtMs = Date.now();
  const states = request.states ?? "listening";
  const search = request.holders ?? "all";
  const { processes, complete } = await runLsof({
    workingDirectories: system.wantsWorkingDirectories && search !== "none",
    signal: request.signal,
  });
  let interfaces: readonly NetworkInterface[] | undefined;
  let limits: PortLimits | undefined;
  const readInterfaces = (): readonly NetworkInterface[] => (interfaces ??= system.readInterfaces());
  const choice = { states, ports: request.ports === undefined ? undefined : new Set(request.ports) };
  // Linux shows no interface inside an address.
  const names = system.platform === "linux" ? undefined : namesByIndex(readInterfaces());
  const list = listSockets(processes, choice, names);
  const tables = complete ? await system.readTables?.() : undefined;
  const found = tables === undefined ? list.sockets : completeByNetstat(list, tables, choice);
  const processOf = await system.readProcesses(list);
  const sockets =
    request.traffic === true ? found.map((socket) => ({ ...socket, traffic: unknown("unsupported") })) : found;
  const remembered = new Map<number, Process>();
  return {
    takenAtMs,
    complete,
    platform: system.platform,
    reader: "lsof",
    networkNamespace: system.networkNamespace,
    sockets,
    holderSearch: search,
    holdersOf(socket: Socket) {
      if (search === "none") return unknown("unsupported");
      if (!complete) return unknown("unsupported");
      const holders = list.holders.get(socket.inode);
      if (holders !== undefined) return known(holders);
      return socket.inode === 0 || system.seesEveryProcess ? known([]) : unknown("permission");
    },
    holdersComplete: search !== "none" && complete && system.seesEveryProcess,
    processOf(pid) {
      let process = remembered.get(pid);
      if (process === undefined) remembered.set(pid, (process = processOf(pid)));
      return process;
    },
    get interfaces() {
      return readInterfaces();
    },
    get limits() {
      return (limits ??= system.readLimits());
    },
    blindSpots: [
      ...(tables === undefined ? [heldOnly] : []),
      ...(system.seesEveryProcess ? [] : [tables === undefined ? ownOnly : ownHoldersOnly]),
      ...(request.namespaces === "all" && system.platform === "linux" ? [ownNamespaceOnly] : []),
      ...system.blindSpots,
    ],
  };
}

function namesByIndex(interfaces: readonly NetworkInterface[]): ReadonlyMap<number, string> {
  return new Map(interfaces.flatMap(({ index, name }) => (index.known ? [[index.value, name] as const] : [])));
}

const heldOnly: BlindSpot = {
  what: "sockets",
  why: "unsupported",
  count: null,
  message:
    "lsof finds sockets by the processes that hold them: those of the kernel, of processes out of sight and in TIME_WAIT are not told.",
};

const ownOnly: BlindSpot = {
  what: "sockets",
  why: "permission",
  count: null,
  message: "Sockets that only other users' processes hold are not told by lsof: run it as root to see them.",
};

const ownHoldersOnly: BlindSpot = {
  what: "holders",
  why: "permission",
  count: null,
  message: "Which processes of other users hold a socket is not told by lsof: run it as root to see them.",
};

const ownNamespaceOnly: BlindSpot = {
  what: "sockets",
  why: "unsupported",
  count: null,
  message: "Other network namespaces, such as those of containers, are not told by lsof.",
};
