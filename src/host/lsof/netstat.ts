/**
 * @module The sockets of `netstat -an -W` (netstat(1) of macOS and FreeBSD): all of them, whoever holds them, but without holders.
 */
import {
  known,
  toPort,
  tryParseIpAddress,
  unknown,
  type Known,
  type Socket,
  type SocketAddress,
} from "../../core/index.ts";
import { createSocketNumbers } from "../socket-number.ts";
import { isChosen, tcpStates, type SocketChoice, type SocketList } from "./socket-list.ts";

/** One row. */
export interface NetstatRow {
  readonly transport: "tcp" | "udp";
  /** `4`, `6` (IPv6 alone) or `46` (one IPv6 socket that takes both): inp_vflag, printed by inetprotopr of netstat's inet.c. */
  readonly version: "4" | "6" | "46";
  readonly receiveQueue: number;
  readonly sendQueue: number;
  readonly local: SocketAddress;
  readonly remote: SocketAddress | null;
  readonly zone: string | null;
  /** As printed; `""` for UDP. */
  readonly state: string;
}

/**
 * Words of the command lines: numbers (-n) of all sockets (-a), addresses in full (-W). By protocol, because by family (-f) a dual-stack
 * socket stands twice.
 */
export const netstatWords: readonly (readonly string[])[] = ["tcp", "udp"].map((protocol) => [
  "-a",
  "-n",
  "-W",
  "-p",
  protocol,
]);

const row = /^(tcp|udp)(46|4|6) +(\d{1,10}) +(\d{1,10}) +(\S+) +(\S+)(?: +([A-Z_0-9]+))?\s*$/;

/** Reads the rows; headings, other protocols and sockets without a port are left out. */
export function parseNetstat(text: string): NetstatRow[] {
  return text.split("\n").flatMap((line) => {
    const match = row.exec(line);
    if (match === null) return [];
    const version = match[2] as NetstatRow["version"];
    const local = parseEnd(match[5]!, version);
    const remote = parseEnd(match[6]!, version);
    if (local === undefined || remote === undefined || local.end.port === 0) return [];
    return {
      transport: match[1] as NetstatRow["transport"],
      version,
      receiveQueue: Number(match[3]),
      sendQueue: Number(match[4]),
      local: local.end,
      remote: remote.end.port === 0 ? null : remote.end,
      zone: local.zone,
      state: match[7] ?? "",
    };
  });
}

/** `127.0.0.1.3000`, `*.80`, `*.*`, `::1.80`, `fe80::1%lo0.80`. */
function parseEnd(
  text: string,
  version: NetstatRow["version"],
): { end: SocketAddress; zone: string | null } | undefined {
  const dot = text.lastIndexOf(".");
  const port = text.slice(dot + 1);
  if (dot < 0 || !/^(\*|\d{1,5})$/.test(port) || (port !== "*" && Number(port) > 65_535)) return undefined;
  const address = text.slice(0, dot);
  const number = toPort(port === "*" ? 0 : Number(port));
  if (address === "*") return { end: { address: version === "4" ? "0.0.0.0" : "::", port: number }, zone: null };
  const parsed = tryParseIpAddress(address);
  return parsed === undefined ? undefined : { end: { address: parsed.address, port: number }, zone: parsed.zone };
}

/**
 * Adds to lsof's list what netstat knows better: which IPv6 sockets take IPv4 as well, and the sockets that lsof does not see. Those
 * have no number in place of an inode and get one from their ends.
 */
export function completeByNetstat(
  list: SocketList,
  rows: readonly NetstatRow[],
  choice: SocketChoice,
): readonly Socket[] {
  const waiting = new Map<string, NetstatRow[]>();
  for (const one of rows) {
    const key = keyOf(one.transport, one.version === "4" ? "ipv4" : "ipv6", one.local, one.remote);
    const same = waiting.get(key);
    if (same === undefined) waiting.set(key, [one]);
    else same.push(one);
  }
  const sockets = list.all.flatMap((socket): Socket[] => {
    const match = waiting.get(keyOf(socket.transport, socket.family, socket.local, socket.remote))?.shift();
    if (!isChosen(socket, choice)) return [];
    const v6only = match === undefined || socket.v6only === null ? socket.v6only : v6onlyOf(match);
    return [{ ...socket, v6only }];
  });
  const numbers = createSocketNumbers();
  for (const [key, rest] of waiting) {
    for (const one of rest) {
      const socket = describeRow(one, numbers.numberOf(key));
      if (socket !== undefined && isChosen(socket, choice)) sockets.push(socket);
    }
  }
  return sockets;
}

/**
 * What both programs print alike. A connection over IPv4 of a dual-stack socket is of IPv6 to lsof and of IPv4 to netstat, so that
 * the family counts only where there is no other end.
 */
function keyOf(transport: string, family: string, local: SocketAddress, remote: SocketAddress | null): string {
  const plain = ({ address, port }: SocketAddress): string => `${address.replace(/^::ffff:(?=\d+\.)/, "")} ${port}`;
  return [transport, plain(local), remote === null ? family : plain(remote)].join(" ");
}

function v6onlyOf({ version, remote }: NetstatRow): Known<boolean> {
  // A connected socket has settled for one of them, whatever its option says.
  if (remote !== null || version === "4") return unknown("unsupported");
  return known(version === "6");
}

function describeRow(one: NetstatRow, number: number): Socket | undefined {
  const told = one.transport === "udp" ? (one.remote === null ? "UNCONNECTED" : "ESTABLISHED") : tcpStates[one.state];
  if (told === undefined) return undefined;
  const state = told === "CLOSED" && one.remote === null ? "BOUND" : told;
  return {
    transport: one.transport,
    family: one.version === "4" ? "ipv4" : "ipv6",
    state,
    local: one.local,
    remote: one.remote,
    v6only: one.version === "4" ? null : v6onlyOf(one),
    boundInterface: one.zone === null ? unknown("unsupported") : known(one.zone),
    // Nobody holds a connection in TIME_WAIT any more.
    inode: state === "TIME_WAIT" ? 0 : number,
    uid: 0xffff_ffff,
    receiveQueue: one.receiveQueue,
    sendQueue: state === "LISTEN" ? unknown("unsupported") : known(one.sendQueue),
  };
}
