/**
 * @module Sockets out of /proc/net/{tcp,tcp6,udp,udp6}: works on every Linux, as every user, and on saved files.
 *
 * One row (net/ipv4/tcp_ipv4.c, get_tcp4_sock), separated by spaces:
 * `sl: local:port remote:port state tx_queue:rx_queue tr:when retransmits uid timeout inode …`
 * Addresses are hexadecimal 32-bit words in the byte order of the machine that wrote them; ports are plain hexadecimal.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { PortolanError, canonicalAddressFromBytes, known, quote, unknown } from "../../core/index.ts";
import type { IpFamily, Known, Port, Socket, SocketState, Transport } from "../../core/index.ts";
import { errorCodeOf, type FileTree, networkFile } from "./file-tree.ts";
import { tcpStates, udpStates } from "./socket-states.ts";

/** What to keep of a table. */
export interface TableRequest {
  readonly states: "listening" | "all";
  /** Ports of which local or remote must be one; `undefined` for every port. */
  readonly ports: ReadonlySet<number> | undefined;
  /** Also what each connection carried, which only netlink tells. */
  readonly traffic?: boolean;
}

/** Longest row that is taken for one; the kernel's have about 200 bytes. */
const longestRow = 4096;
const chunkSize = 1 << 16;
const listenState = 10;

const zero: Known<number> = known(0);
const unsupported: Known<never> = unknown("unsupported");
const untoldTraffic = { traffic: unsupported };
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const tables: readonly (readonly [file: string, transport: Transport, family: IpFamily])[] = [
  ["tcp", "tcp", "ipv4"],
  ["tcp6", "tcp", "ipv6"],
  ["udp", "udp", "ipv4"],
  ["udp6", "udp", "ipv6"],
];

/**
 * Sockets of the reader's network namespace.
 * @throws HOST_READ_FAILED when /proc/net/tcp cannot be read; SNAPSHOT_ROOT_INVALID when a saved tree lacks it
 */
export function readProcSockets(tree: FileTree, request: TableRequest): Socket[] {
  const sockets: Socket[] = [];
  for (const [file, transport, family] of tables) {
    try {
      readTable(tree.root + networkFile(tree, file), transport, family, request, sockets);
    } catch (error) {
      // A kernel without IPv6 or UDP has no such file; one without tcp is not a machine to read.
      if (file !== "tcp" && errorCodeOf(error) === "ENOENT") continue;
      throw describeFailure(tree, file, error);
    }
  }
  return sockets;
}

/** `  sl  local_address rem_address …`, net/ipv4/tcp_ipv4.c and its neighbours. */
const tableHead = /^ *sl +local_address +rem/;

/** What was read is no table of sockets. */
class NoTableError extends Error {
  readonly code = "not a table of sockets";
}

function describeFailure(tree: FileTree, file: string, cause: unknown): PortolanError {
  const code = errorCodeOf(cause);
  if (tree.root !== "" && (code === "ENOENT" || code === "ENOTDIR" || cause instanceof NoTableError)) {
    const { root } = tree;
    return new PortolanError(
      "SNAPSHOT_ROOT_INVALID",
      `${quote(root)} has no proc/net/${file} of a machine (${code}).`,
      {
        details: { root: tree.root, file: `proc/net/${file}` },
        cause,
      },
    );
  }
  return new PortolanError("HOST_READ_FAILED", `${networkFile(tree, file)} could not be read (${code}).`, {
    details: { file: networkFile(tree, file), code },
    cause,
  });
}

function readTable(path: string, transport: Transport, family: IpFamily, request: TableRequest, into: Socket[]): void {
  const descriptor = openSync(path, "r");
  try {
    const buffer = Buffer.allocUnsafe(chunkSize + longestRow);
    const parser = createRowParser(transport, family, request, into);
    let kept = 0;
    let begun = false;
    for (;;) {
      const count = readSync(descriptor, buffer, kept, chunkSize, null);
      const end = kept + count;
      // Every such table opens with the names of its columns; what does not is no table, and must not pass for an empty one.
      if (!begun && !tableHead.test(buffer.toString("latin1", 0, Math.min(end, 64)))) throw new NoTableError();
      begun = true;
      const consumed = parser(buffer, end, count === 0);
      if (consumed < 0 || count === 0) return;
      kept = end - consumed;
      // A row that long is no row: drop what there is of it and go on at the next line.
      if (kept > longestRow) kept = 0;
      else if (consumed > 0) buffer.copyWithin(0, consumed, end);
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Takes the complete rows of `bytes[0, end)`; answers how many bytes it took, or -1 when the rest need not be read. */
type RowParser = (bytes: Uint8Array, end: number, last: boolean) => number;

/** Parser of one table: rows that are not of the form above are skipped. */
export function createRowParser(
  transport: Transport,
  family: IpFamily,
  request: TableRequest,
  into: Socket[],
): RowParser {
  const states: readonly (SocketState | undefined)[] = transport === "tcp" ? tcpStates : udpStates;
  const listening = request.states === "listening";
  const { ports } = request;
  const addressDigits = family === "ipv4" ? 8 : 32;
  const address = new Uint8Array(16);
  const v6only = family === "ipv4" ? null : unsupported;
  let position = 0;
  let lineEnd = 0;
  let bytes: Uint8Array = address;

  /** Hexadecimal number of 1 to 8 digits at `position`, -1 when there is none. */
  function hexadecimal(): number {
    let value = 0;
    const start = position;
    while (position < lineEnd) {
      const digit = hexDigit(bytes[position]!);
      if (digit < 0) break;
      value = value * 16 + digit;
      position++;
    }
    return position === start || position - start > 8 ? -1 : value;
  }
  function decimal(): number {
    let value = 0;
    const start = position;
    while (position < lineEnd) {
      const digit = bytes[position]! - 48;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      position++;
    }
    return position === start || position - start > 15 ? -1 : value;
  }
  function skipSpaces(): void {
    while (position < lineEnd && bytes[position] === 32) position++;
  }
  function skipWord(): void {
    skipSpaces();
    while (position < lineEnd && bytes[position] !== 32) position++;
  }
  function take(code: number): boolean {
    return position < lineEnd && bytes[position] === code && ++position > 0;
  }
  /** Offset of `addressDigits` digits followed by a colon and the port, or -1. */
  function addressAt(): number {
    skipSpaces();
    const start = position;
    if (start + addressDigits >= lineEnd || bytes[start + addressDigits] !== 58) return -1;
    position = start + addressDigits + 1;
    return start;
  }
  function addressText(start: number): string | undefined {
    for (let word = 0; word < addressDigits; word += 8) {
      for (let index = 0; index < 4; index++) {
        const high = hexDigit(bytes[start + word + index * 2]!);
        const low = hexDigit(bytes[start + word + index * 2 + 1]!);
        if (high < 0 || low < 0) return undefined;
        address[word / 2 + (littleEndian ? 3 - index : index)] = high * 16 + low;
      }
    }
    return canonicalAddressFromBytes(address, 0, family);
  }

  /** Reads one row; false when it is the first one after the listening sockets. */
  function row(): boolean {
    skipSpaces();
    if (decimal() < 0 || !take(58)) return true; // the header, or no row
    const localStart = addressAt();
    if (localStart < 0) return true;
    const localPort = hexadecimal();
    const remoteStart = addressAt();
    if (remoteStart < 0) return true;
    const remotePort = hexadecimal();
    skipSpaces();
    const stateCode = hexadecimal();
    const state = stateCode < 0 ? undefined : states[stateCode];
    if (state === undefined || localPort < 0 || remotePort < 0 || localPort > 65535 || remotePort > 65535) return true;
    if (listening) {
      // tcp: the kernel walks its table of listeners before all others (tcp_seek_last_pos), so that the rest is not needed.
      if (transport === "tcp" && stateCode !== listenState) return false;
      if (transport === "udp" && state !== "UNCONNECTED") return true;
    }
    if (ports !== undefined && !ports.has(localPort) && !ports.has(remotePort)) return true;
    skipSpaces();
    const sendQueue = hexadecimal();
    if (!take(58)) return true;
    const receiveQueue = hexadecimal();
    skipWord();
    skipWord();
    skipSpaces();
    const uid = decimal();
    skipWord();
    skipSpaces();
    const inode = decimal();
    if (sendQueue < 0 || receiveQueue < 0 || uid < 0 || inode < 0) return true;
    const localAddress = addressText(localStart);
    if (localAddress === undefined) return true;
    let remote: Socket["remote"] = null;
    if (remotePort !== 0 || (state !== "LISTEN" && state !== "UNCONNECTED")) {
      const remoteAddress = addressText(remoteStart);
      if (remoteAddress === undefined) return true;
      remote = { address: remoteAddress, port: remotePort as Port };
    }
    into.push({
      transport,
      family,
      state,
      local: { address: localAddress, port: localPort as Port },
      remote,
      v6only,
      boundInterface: unsupported,
      inode,
      uid,
      receiveQueue,
      sendQueue: state === "LISTEN" ? unsupported : sendQueue === 0 ? zero : known(sendQueue),
      ...(request.traffic === true ? untoldTraffic : undefined),
    });
    return true;
  }

  return (chunk, end, last) => {
    bytes = chunk;
    let start = 0;
    while (start < end) {
      let newline = chunk.indexOf(10, start);
      if (newline < 0 || newline >= end) {
        if (!last) return start;
        newline = end;
      }
      position = start;
      lineEnd = newline;
      if (!row()) return -1;
      start = newline + 1;
    }
    return end;
  };
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 65 && code <= 70) return code - 55;
  if (code >= 97 && code <= 102) return code - 87;
  return -1;
}
