/**
 * @module Sockets of Get-NetTCPConnection and Get-NetUDPEndpoint, with the one process that Windows names for each.
 */
import {
  known,
  toPort,
  tryParseIpAddress,
  unknown,
  type Known,
  type Socket,
  type SocketAddress,
  type SocketState,
} from "../../core/index.ts";
import type { SocketHolder } from "../host.ts";
import { createSocketNumbers } from "../socket-number.ts";
import { memberOf, numberOf, recordsOf, textOf, type JsonRecord } from "./json-reading.ts";

/** Members of MSFT_NetTCPConnection.State (MIB_TCP_STATE of tcpmib.h, and Bound). */
const states: readonly (readonly [number, string, SocketState])[] = [
  [1, "closed", "CLOSED"],
  [2, "listen", "LISTEN"],
  [3, "synsent", "SYN_SENT"],
  [4, "synreceived", "SYN_RECEIVED"],
  [5, "established", "ESTABLISHED"],
  [6, "finwait1", "FIN_WAIT_1"],
  [7, "finwait2", "FIN_WAIT_2"],
  [8, "closewait", "CLOSE_WAIT"],
  [9, "closing", "CLOSING"],
  [10, "lastack", "LAST_ACK"],
  [11, "timewait", "TIME_WAIT"],
  [12, "deletetcb", "CLOSED"],
  [100, "bound", "BOUND"],
];
const statesByNumber = new Map(states.map(([number, , state]) => [number, state]));
const statesByName = new Map(states.map(([, name, state]) => [name, state]));

/** Windows has no user numbers. This one is nobody on other systems: (uid_t) -1 of POSIX. */
const noUserId = 0xffff_ffff;

/** Which sockets to keep. */
export interface SocketChoice {
  readonly states: "listening" | "all";
  readonly ports: ReadonlySet<number> | undefined;
}

/** Sockets and their holders. */
export interface SocketList {
  readonly sockets: readonly Socket[];
  readonly holders: ReadonlyMap<number, readonly SocketHolder[]>;
}

interface Row {
  readonly transport: "tcp" | "udp";
  readonly state: SocketState;
  readonly local: PlacedAddress;
  readonly remote: PlacedAddress | null;
  readonly pid: number;
}

/**
 * Every socket of the answer that is of the known form.
 *
 * Windows numbers no sockets: in place of the inode stands a number made from both ends and the pid, the same in every look as long as
 * the socket lives. One in TIME_WAIT belongs to process 0, that is to nobody.
 */
export function listSockets(
  answer: JsonRecord,
  choice: SocketChoice,
  interfaceNames: ReadonlyMap<number, string>,
): SocketList {
  const rows = [
    ...recordsOf(answer["tcp"]).flatMap((record) => readTcp(record) ?? []),
    ...recordsOf(answer["udp"]).flatMap((record) => readUdp(record) ?? []),
  ];
  // A connected or listening socket stands a second time as bound.
  const used = new Set(rows.filter((row) => row.state !== "BOUND").map(placeOf));
  const numbers = createSocketNumbers();
  const sockets: Socket[] = [];
  const holders = new Map<number, readonly SocketHolder[]>();
  for (const row of rows) {
    if (row.state === "BOUND" && used.has(placeOf(row))) continue;
    if (!isChosen(row, choice)) continue;
    const { transport, state, local, remote, pid } = row;
    const identity = [transport, textOfEnd(local), remote === null ? "" : textOfEnd(remote), pid].join(" ");
    const inode = pid === 0 ? 0 : numbers.numberOf(identity);
    if (pid !== 0) holders.set(inode, [{ pid, fileDescriptors: [] }]);
    sockets.push({
      transport,
      family: local.family,
      state,
      local: local.end,
      remote: remote?.end ?? null,
      v6only: local.family === "ipv4" ? null : unknown("unsupported"),
      boundInterface: interfaceOf(local.zone ?? remote?.zone ?? null, interfaceNames),
      inode,
      uid: noUserId,
      receiveQueue: 0,
      sendQueue: unknown("unsupported"),
    });
  }
  return { sockets, holders };
}

function placeOf({ transport, local, pid }: Row): string {
  return [transport, local.family, local.end.port, pid].join(" ");
}

function textOfEnd({ end, zone }: PlacedAddress): string {
  return `${end.address}%${zone ?? ""} ${end.port}`;
}

function isChosen({ state, local, remote }: Row, { states: wanted, ports }: SocketChoice): boolean {
  if (wanted === "listening" && state !== "LISTEN" && state !== "UNCONNECTED") return false;
  return ports === undefined || ports.has(local.end.port) || (remote !== null && ports.has(remote.end.port));
}

function readTcp(record: JsonRecord): Row | undefined {
  const state = memberOf(record["State"], statesByNumber, statesByName);
  const local = placedAddress(record["LocalAddress"], record["LocalPort"]);
  const pid = numberOf(record["OwningProcess"], 0xffff_ffff);
  if (state === undefined || local === undefined || local.end.port === 0 || pid === undefined) return undefined;
  const remote = placedAddress(record["RemoteAddress"], record["RemotePort"]);
  const connected = state !== "LISTEN" && state !== "BOUND" && remote !== undefined && remote.end.port !== 0;
  return { transport: "tcp", state, local, remote: connected ? remote : null, pid };
}

/** Windows does not tell to whom a UDP socket is connected. */
function readUdp(record: JsonRecord): Row | undefined {
  const local = placedAddress(record["LocalAddress"], record["LocalPort"]);
  const pid = numberOf(record["OwningProcess"], 0xffff_ffff);
  if (local === undefined || local.end.port === 0 || pid === undefined) return undefined;
  return { transport: "udp", state: "UNCONNECTED", local, remote: null, pid };
}

interface PlacedAddress {
  readonly family: "ipv4" | "ipv6";
  readonly end: SocketAddress;
  readonly zone: string | null;
}

function placedAddress(address: unknown, port: unknown): PlacedAddress | undefined {
  const parsed = tryParseIpAddress(textOf(address) ?? "");
  const number = numberOf(port, 65_535);
  if (parsed === undefined || number === undefined) return undefined;
  return { family: parsed.family, end: { address: parsed.address, port: toPort(number) }, zone: parsed.zone };
}

function interfaceOf(zone: string | null, names: ReadonlyMap<number, string>): Known<string | null> {
  const name = zone === null ? undefined : names.get(Number(zone));
  return name === undefined ? unknown("unsupported") : known(name);
}
