/**
 * @module One look at a Windows machine: one run of PowerShell, whose answer is taken apart here.
 */
import { known, unknown, type Known } from "../../core/index.ts";
import { capture } from "../capture.ts";
import type { BlindSpot, Snapshot, SnapshotRequest, SocketHolder } from "../host.ts";
import { readJsonObject } from "./json-reading.ts";
import { limitsOf, listInterfaces } from "./network.ts";
import { describeGone } from "../gone-process.ts";
import { listProcesses } from "./processes.ts";
import { powershellPath, powershellWords } from "./script.ts";
import { listSockets } from "./socket-list.ts";

/** A snapshot of an answer that came in whole. */
export function readAnswer(text: string, request: SnapshotRequest, takenAtMs: number): Snapshot {
  const answer = readJsonObject(text);
  const interfaces = listInterfaces(answer);
  const names = new Map(interfaces.flatMap(({ index, name }) => (index.known ? [[index.value, name] as const] : [])));
  const ports = request.ports === undefined ? undefined : new Set(request.ports);
  const list = listSockets(answer, { states: request.states ?? "listening", ports }, names);
  const processes = listProcesses(answer);
  const search = request.holders ?? "all";
  const none: Known<readonly SocketHolder[]> = known([]);
  return {
    takenAtMs,
    complete: true,
    platform: "win32",
    reader: "powershell",
    networkNamespace: unknown("unsupported"),
    sockets:
      request.traffic === true
        ? list.sockets.map((socket) => ({ ...socket, traffic: unknown("unsupported") }))
        : list.sockets,
    holderSearch: search,
    holdersOf(socket) {
      if (search === "none") return unknown("unsupported");
      const holders = list.holders.get(socket.inode);
      return holders === undefined ? none : known(holders);
    },
    // Windows names the process that made a socket; others may have inherited it.
    holdersComplete: false,
    processOf: (pid) => processes.get(pid) ?? describeGone(pid),
    interfaces,
    limits: limitsOf(answer),
    blindSpots: [oneHolder],
  };
}

/** Takes a snapshot. */
export async function takeWindowsSnapshot(request: SnapshotRequest): Promise<Snapshot> {
  const takenAtMs = Date.now();
  const told = await capture({
    program: powershellPath(process.env),
    words: powershellWords("all"),
    timeoutMs: 60_000,
    limitBytes: 1 << 26,
    signal: request.signal,
  });
  if (told.complete) return readAnswer(told.output.toString("utf8"), request, takenAtMs);
  return { ...readAnswer("{}", request, takenAtMs), complete: false };
}

const oneHolder: BlindSpot = {
  what: "holders",
  why: "unsupported",
  count: null,
  message: "Windows names one process for each socket: others that have inherited it are not told.",
};
