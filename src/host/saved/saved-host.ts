/**
 * @module A saved machine behind the Host interface.
 */
import { known, unknown, type Known, type Socket } from "../../core/index.ts";
import { describeGone } from "../gone-process.ts";
import type { Host, Snapshot, SnapshotRequest, SocketHolder } from "../host.ts";
import type { SavedLook, SavedMachine, SavedSocket } from "./saved-machine.ts";

/** The machine as it was when it was saved. Every look at it is the same. */
export function createSavedHost(machine: SavedMachine): Host {
  const processes = new Map(machine.processes.map((process) => [process.pid, process]));
  const [own, ...others] = machine.looks as [SavedLook, ...SavedLook[]];
  const holdersOf = new WeakMap<Socket, Known<readonly SocketHolder[]>>();
  return {
    platform: machine.platform,
    async snapshot(request = {}) {
      const shared = {
        takenAtMs: machine.takenAtMs,
        complete: machine.complete,
        live: false,
        hostName: machine.hostName,
        platform: machine.platform,
        holderSearch: request.holders ?? "all",
        holdersComplete: machine.holdersComplete && request.holders !== "none",
        holdersOf: (socket: Socket): Known<readonly SocketHolder[]> =>
          request.holders === "none" ? unknown("unsupported") : (holdersOf.get(socket) ?? known([])),
        processOf: (pid: number) => processes.get(pid) ?? describeGone(pid),
        facts: machine.facts,
      };
      const show = (look: SavedLook): Omit<Snapshot, "blindSpots"> => ({
        ...shared,
        ...look,
        sockets: selectSockets(look.sockets, request).map(({ holders, traffic, ...socket }) => {
          const shown: Socket = request.traffic === true && traffic !== undefined ? { ...socket, traffic } : socket;
          holdersOf.set(shown, holders);
          return shown;
        }),
      });
      return {
        ...show(own),
        blindSpots: machine.blindSpots,
        others: request.namespaces === "all" ? others.map((look) => ({ ...show(look), blindSpots: [] })) : [],
      };
    },
    readInterfaces: () => own.interfaces,
    readLimits: () => own.limits,
  };
}

function selectSockets(sockets: readonly SavedSocket[], request: SnapshotRequest): readonly SavedSocket[] {
  const ports = request.ports === undefined ? undefined : new Set<number>(request.ports);
  const listening = request.states !== "all";
  return sockets.filter(({ state, local, remote }) => {
    if (listening && state !== "LISTEN" && state !== "UNCONNECTED") return false;
    return ports === undefined || ports.has(local.port) || (remote !== null && ports.has(remote.port));
  });
}
