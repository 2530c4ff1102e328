/**
 * @module One line of text for each socket, so that what readers, `ss` and the truth say can be compared exactly.
 */
import type { Known, Process, Socket, SocketHolder } from "../../src/index.ts";
import type { TrueListener } from "../support/population.ts";

/** A socket as dump-host.mjs prints it. */
export type DumpedSocket = Socket & { readonly holders: Known<readonly SocketHolder[]> };

/** What dump-host.mjs prints for one look. */
export interface Dump {
  readonly reader: string;
  readonly complete: boolean;
  readonly holdersComplete: boolean;
  readonly blindSpots: readonly { readonly what: string; readonly why: string }[];
  readonly sockets: readonly DumpedSocket[];
  readonly processes: readonly Process[];
}

/** What every source can know of a socket. */
export interface SocketRow {
  readonly transport: string;
  readonly family: string;
  readonly state: string;
  readonly local: string;
  readonly remote: string;
  readonly inode: number;
  /** `pid:fd,fd pid:fd`, in order of pid; `-` for none, `?why` when it is not known. */
  readonly holders: string;
}

/** The lines of a dump. */
export function rowsOfDump(sockets: readonly DumpedSocket[]): SocketRow[] {
  return sockets.map((socket) => ({
    transport: socket.transport,
    family: socket.family,
    state: socket.state,
    local: `${socket.local.address} ${socket.local.port}`,
    remote: socket.remote === null ? "-" : `${socket.remote.address} ${socket.remote.port}`,
    inode: socket.inode,
    holders: socket.holders.known ? formatHolders(socket.holders.value) : `?${socket.holders.why}`,
  }));
}

/** The lines of the truth. */
export function rowsOfTruth(listeners: readonly TrueListener[]): SocketRow[] {
  return listeners.map((listener) => ({
    transport: listener.transport,
    family: listener.family,
    state: listener.transport === "tcp" ? "LISTEN" : "UNCONNECTED",
    local: `${listener.address} ${listener.port}`,
    remote: "-",
    inode: listener.inode,
    holders: formatHolders(listener.holders),
  }));
}

/** A row of `ss` with what only it and netlink tell. */
export interface SsRow extends SocketRow {
  readonly v6only: boolean | null;
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly uid: number;
}

const ssStates: Readonly<Record<string, string>> = {
  LISTEN: "LISTEN",
  UNCONN: "UNCONNECTED",
  ESTAB: "ESTABLISHED",
  "TIME-WAIT": "TIME_WAIT",
};

const ssLine =
  /^(?<transport>tcp|udp) +(?<state>[A-Z0-9-]+) +(?<receive>\d+) +(?<send>\d+) +(?<local>\S+):(?<localPort>\d+) +(?<remote>\S+):(?<remotePort>\d+|\*) *(?:users:\((?<users>.*)\) )?(?:timer:\(\S+\) )?(?:uid:(?<uid>\d+) )?ino:(?<inode>\d+) sk:[0-9a-f]+ (?:cgroup:\S+ )?(?:v6only:(?<v6only>[01]) )?(?:<->|-->|<--)? *$/;

/** Reads `ss -Htunape`. Anything that is not exactly as expected is an error, never left out. */
export function parseSs(text: string): SsRow[] {
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const found = ssLine.exec(line)?.groups;
      const state = ssStates[found?.["state"] ?? ""];
      if (found === undefined || state === undefined) throw new Error(`ss printed a line of another form: ${line}`);
      const localText = found["local"]!;
      const isIpv6 = localText === "*" || localText.startsWith("[");
      return {
        transport: found["transport"]!,
        family: isIpv6 ? "ipv6" : "ipv4",
        state,
        local: `${addressOfSs(localText)} ${found["localPort"]}`,
        remote: found["remotePort"] === "*" ? "-" : `${addressOfSs(found["remote"]!)} ${found["remotePort"]}`,
        inode: Number(found["inode"]),
        holders: formatHolders(parseUsers(found["users"] ?? "")),
        v6only: isIpv6 ? found["v6only"] === "1" : null,
        receiveQueue: Number(found["receive"]),
        sendQueue: Number(found["send"]),
        uid: Number(found["uid"] ?? 0),
      };
    });
}

/** `[::1]`, `*` for a dual-stack `::`, `0.0.0.0`. */
function addressOfSs(text: string): string {
  if (text === "*") return "::";
  return text.startsWith("[") ? text.slice(1, -1) : text;
}

/** `("python3",pid=5,fd=7),("python3",pid=5,fd=8)`; of programs whose names hold no quotation mark. */
function parseUsers(text: string): SocketHolder[] {
  const descriptors = new Map<number, number[]>();
  const rest = text.replaceAll(/\("[^"]*",pid=(\d+),fd=(\d+)\),?/g, (_, pid: string, descriptor: string) => {
    descriptors.set(Number(pid), [...(descriptors.get(Number(pid)) ?? []), Number(descriptor)]);
    return "";
  });
  if (rest !== "") throw new Error(`ss printed users of another form: ${text}`);
  return [...descriptors].map(([pid, fileDescriptors]) => ({ pid, fileDescriptors }));
}

function formatHolders(holders: readonly SocketHolder[]): string {
  if (holders.length === 0) return "-";
  return holders
    .toSorted((a, b) => a.pid - b.pid)
    .map(({ pid, fileDescriptors }) => `${pid}:${fileDescriptors.toSorted((a, b) => a - b).join(",")}`)
    .join(" ");
}

/** One text for a row, to compare and to show. */
export function formatRow(row: SocketRow): string {
  const { transport, family, state, local, remote, inode, holders } = row;
  return [transport, family, state, local, remote, inode, holders].join(" | ");
}

/** What stands in one list and not in the other, as often as it does; nothing when they are the same. Ten at most of each. */
export function differences(left: readonly SocketRow[], right: readonly SocketRow[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const row of left) counts.set(formatRow(row), (counts.get(formatRow(row)) ?? 0) + 1);
  for (const row of right) counts.set(formatRow(row), (counts.get(formatRow(row)) ?? 0) - 1);
  const more = [...counts].filter(([, count]) => count > 0).map(([text, count]) => `left only, ${count}: ${text}`);
  const less = [...counts].filter(([, count]) => count < 0).map(([text, count]) => `right only, ${-count}: ${text}`);
  return [...more.slice(0, 10), ...less.slice(0, 10)];
}
