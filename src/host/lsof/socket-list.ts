/**
 * @module What lsof lists for each process, turned round: every socket once, with the processes that hold it.
 */
import { known, unknown, type Known, type Socket, type SocketState, type Transport } from "../../core/index.ts";
import type { SocketHolder } from "../host.ts";
import type { FileSet, ProcessSet } from "./field-output.ts";
import { parseSocketName } from "./socket-name.ts";

/** Which sockets to keep. */
export interface SocketChoice {
  readonly states: "listening" | "all";
  readonly ports: ReadonlySet<number> | undefined;
}

/** Sockets and their holders. */
export interface SocketList {
  /** Those that were asked for. */
  readonly sockets: readonly Socket[];
  /** Every one that was seen. */
  readonly all: readonly Socket[];
  /** By inode, in order of pid. */
  readonly holders: ReadonlyMap<number, readonly SocketHolder[]>;
  /** Working directories by pid, where the field output tells them. */
  readonly workingDirectories: ReadonlyMap<number, string>;
  /** Real user ids by pid. */
  readonly uids: ReadonlyMap<number, number>;
}

/** Names of states as Linux, macOS and the BSDs print them (lsof's dialects, tcp_fsm.h). */
export const tcpStates: Readonly<Record<string, SocketState>> = {
  ESTABLISHED: "ESTABLISHED",
  SYN_SENT: "SYN_SENT",
  SYN_RECV: "SYN_RECEIVED",
  SYN_RCVD: "SYN_RECEIVED",
  SYN_RECEIVED: "SYN_RECEIVED",
  FIN_WAIT1: "FIN_WAIT_1",
  FIN_WAIT_1: "FIN_WAIT_1",
  FIN_WAIT2: "FIN_WAIT_2",
  FIN_WAIT_2: "FIN_WAIT_2",
  TIME_WAIT: "TIME_WAIT",
  CLOSE: "CLOSED",
  CLOSED: "CLOSED",
  CLOSE_WAIT: "CLOSE_WAIT",
  LAST_ACK: "LAST_ACK",
  LISTEN: "LISTEN",
  CLOSING: "CLOSING",
};

const transports: Readonly<Record<string, Transport>> = { TCP: "tcp", UDP: "udp", SCTP: "sctp", DCCP: "dccp" };

/** Invents inodes for sockets that lsof gives no address of, above any real number. */
const inventedInodes = 2 ** 52;

/**
 * Sockets in the order in which they first stand.
 * @param interfaceNames names by the kernel's index, for link-local addresses of BSD kernels
 */
export function listSockets(
  processes: readonly ProcessSet[],
  choice: SocketChoice,
  interfaceNames: ReadonlyMap<number, string> = new Map(),
): SocketList {
  const sockets = new Map<number, Socket>();
  const holders = new Map<number, Map<number, number[]>>();
  const workingDirectories = new Map<number, string>();
  const uids = new Map<number, number>();
  let invented = 0;
  for (const { pid, uid, files } of processes) {
    if (uid !== undefined) uids.set(pid, uid);
    for (const file of files) {
      if (file.descriptor === "cwd") {
        if (file.type === "DIR" || file.type === "VDIR") workingDirectories.set(pid, unescapeName(file.name));
        continue;
      }
      const inode = inodeOf(file.device) ?? inventedInodes + invented++;
      if (!sockets.has(inode)) {
        const socket = describeSocket(file, inode, uid ?? 0, interfaceNames);
        if (socket === undefined) continue;
        sockets.set(inode, socket);
      }
      let ofSocket = holders.get(inode);
      if (ofSocket === undefined) holders.set(inode, (ofSocket = new Map()));
      let descriptors = ofSocket.get(pid);
      if (descriptors === undefined) ofSocket.set(pid, (descriptors = []));
      // `*345` is 10345 or 20345 or another: the process holds it, by a number that is not known.
      if (/^\d{1,9}$/.test(file.descriptor)) descriptors.push(Number(file.descriptor));
    }
  }
  const all = [...sockets.values()];
  return {
    sockets: all.filter((socket) => isChosen(socket, choice)),
    all,
    holders: new Map([...holders].map(([inode, ofSocket]) => [inode, arrangeHolders(ofSocket)])),
    workingDirectories,
    uids,
  };
}

function arrangeHolders(ofSocket: ReadonlyMap<number, number[]>): SocketHolder[] {
  return [...ofSocket]
    .map(([pid, fileDescriptors]) => ({ pid, fileDescriptors: fileDescriptors.toSorted((a, b) => a - b) }))
    .sort((a, b) => a.pid - b.pid);
}

/** True for a socket that was asked for. */
export function isChosen(socket: Socket, { states, ports }: SocketChoice): boolean {
  if (states === "listening" && socket.state !== "LISTEN" && socket.state !== "UNCONNECTED") return false;
  return (
    ports === undefined || ports.has(socket.local.port) || (socket.remote !== null && ports.has(socket.remote.port))
  );
}

function describeSocket(
  file: FileSet,
  inode: number,
  uid: number,
  interfaceNames: ReadonlyMap<number, string>,
): Socket | undefined {
  const family = file.type === "IPv4" ? "ipv4" : file.type === "IPv6" ? "ipv6" : undefined;
  const transport = transports[file.protocol];
  if (family === undefined || transport === undefined) return undefined;
  const ends = parseSocketName(file.name, family);
  if (ends === undefined) return undefined;
  const details = detailsOf(file);
  const state = stateOf(transport, details.get("ST"), ends.remote !== null);
  if (state === undefined) return undefined;
  const device =
    ends.zone === null ? undefined : /^\d+$/.test(ends.zone) ? interfaceNames.get(Number(ends.zone)) : ends.zone;
  return {
    transport,
    family,
    state,
    local: ends.local,
    remote: ends.remote,
    v6only: family === "ipv4" ? null : unknown("unsupported"),
    boundInterface: device === undefined ? unknown("unsupported") : known(device),
    inode,
    uid,
    receiveQueue: numberOf((state === "LISTEN" ? optionOf(details, "QLEN") : undefined) ?? details.get("QR")) ?? 0,
    sendQueue: sendQueueOf(state, details),
  };
}

function stateOf(transport: Transport, told: string | undefined, connected: boolean): SocketState | undefined {
  if (transport === "udp") return connected ? "ESTABLISHED" : "UNCONNECTED";
  const state = tcpStates[told ?? ""];
  // A port that is held by a socket which neither listens nor is connected: BSD kernels list it as closed.
  return state === "CLOSED" && !connected ? "BOUND" : state;
}

function detailsOf(file: FileSet): Map<string, string> {
  const details = new Map<string, string>();
  for (const detail of file.details) {
    const equals = detail.indexOf("=");
    if (equals > 0) details.set(detail.slice(0, equals), detail.slice(equals + 1));
  }
  return details;
}

function sendQueueOf(state: SocketState, details: ReadonlyMap<string, string>): Known<number> {
  const value = numberOf(state === "LISTEN" ? optionOf(details, "QLIM") : details.get("QS"));
  return value === undefined ? unknown("unsupported") : known(value);
}

/**
 * Where lsof knows socket options (macOS, FreeBSD) it prints those of a listener as `SO=ACCEPTCONN,PQLEN=0,QLEN=2,QLIM=128,…`: how many
 * connections wait and how many may (print_tcptpi of lsof's print.c).
 */
function optionOf(details: ReadonlyMap<string, string>, name: string): string | undefined {
  return details
    .get("SO")
    ?.split(",")
    .find((option) => option.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/**
 * Linux: the inode number. Elsewhere the kernel's address of the control block in hexadecimal, of which 52 bits are kept: enough to
 * tell sockets apart, and what a number holds exactly.
 */
function inodeOf(device: string): number | undefined {
  if (/^\d{1,15}$/.test(device)) return Number(device);
  if (!/^0x[0-9a-f]{1,16}$/i.test(device)) return undefined;
  const number = Number(BigInt(device) & 0xf_ffff_ffff_ffffn);
  return number === 0 ? undefined : number;
}

/** Takes back what lsof does to bytes that cannot be printed (safestrprt). `^A` stays: a name may hold it as it stands. */
function unescapeName(name: string): string {
  if (!name.includes("\\") || /[^\x20-\x7e]/.test(name)) return name;
  const bytes = name.replaceAll(
    /\\(?:x([0-9a-f]{2})|([bfnrt]))/g,
    (_, hexadecimal: string | undefined, letter: string) =>
      hexadecimal === undefined ? (controls[letter] ?? "") : String.fromCharCode(Number.parseInt(hexadecimal, 16)),
  );
  return Buffer.from(bytes, "latin1").toString("utf8");
}

const controls: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
