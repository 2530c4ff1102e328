/**
 * @module Wire format of sock_diag(7): requests for the kernel's tables of sockets, and what it answers. Pure.
 *
 * Little-endian where the host's order counts; ports and addresses are in network order.
 */
import { PortolanError, canonicalAddressFromBytes, known, unknown } from "../../core/index.ts";
import type { IpFamily, Known, Port, Socket, SocketTraffic } from "../../core/index.ts";
import { tcpStates, udpStates } from "./socket-states.ts";
import { readTraffic } from "./tcp-info.ts";

/** SOCK_DIAG_BY_FAMILY, include/uapi/linux/sock_diag.h. */
const requestType = 20;
/** NLM_F_REQUEST | NLM_F_DUMP, include/uapi/linux/netlink.h. */
const dumpFlags = 0x1 | 0x300;
/** NLM_F_DUMP_INTR: the table changed under the walk. */
const interruptedFlag = 0x10;
const errorType = 2;
const doneType = 3;
const headerSize = 16;
/** struct inet_diag_req_v2: family, protocol, extensions, pad, states (u32), then 48 bytes of identity. */
const requestSize = 56;
/** struct inet_diag_msg. */
const messageSize = 72;
/** Attribute types: INET_DIAG_REQ_BYTECODE of requests, INET_DIAG_SKV6ONLY of answers. */
const bytecodeAttribute = 1;
const v6onlyAttribute = 11;
/** Bit of the attribute INET_DIAG_INFO (2) in the request's `idiag_ext`: each attribute's number less one. */
const informationExtension = 1 << 1;
/** Conditions of inet_diag bytecode: source port ≥, ≤; destination port ≥, ≤; unconditional jump. */
const jump = 1;
const sourceAtLeast = 2;
const sourceAtMost = 3;
const destinationAtLeast = 4;
const destinationAtMost = 5;
/** Bytes of one stretch of ports in bytecode: two conditions and a jump. */
const stretchSize = 20;
/** More stretches than this are filtered here instead: the kernel checks each jump by walking there. */
const mostStretches = 64;

const listenBit = 1 << 10;
const udpUnconnectedBit = 1 << 7;
/** Every TCP state, 1 to 13. 13 asks for bound sockets (Linux 6.8); older kernels pass over the bit. */
const allTcpBits = 0x3ffe;
const allUdpBits = (1 << 1) | (1 << 7);

/** What to ask for. */
export interface DiagRequest {
  readonly transport: "tcp" | "udp";
  readonly family: IpFamily;
  readonly states: "listening" | "all";
  /** Ports of which local or remote must be one; `undefined` for every port. */
  readonly ports: readonly PortStretch[] | undefined;
  /** Also what each TCP connection carried. */
  readonly traffic?: boolean;
}

/** Ports from first to last. */
export interface PortStretch {
  readonly first: number;
  readonly last: number;
}

/** Ports as few stretches as possible, ascending. */
export function gatherStretches(ports: Iterable<number>): PortStretch[] {
  const stretches: { first: number; last: number }[] = [];
  for (const port of [...new Set(ports)].sort((a, b) => a - b)) {
    const last = stretches.at(-1);
    if (last !== undefined && last.last + 1 === port) last.last = port;
    else stretches.push({ first: port, last: port });
  }
  return stretches;
}

/** True when the kernel is asked to filter that many stretches. */
export function isFilteredByKernel(stretches: readonly PortStretch[]): boolean {
  return stretches.length > 0 && stretches.length <= mostStretches;
}

/** The request as one netlink message. */
export function encodeRequest(request: DiagRequest, sequence: number): Buffer {
  const { transport, family, states, ports } = request;
  const bytecode = ports !== undefined && isFilteredByKernel(ports) ? encodePortFilter(ports) : undefined;
  const size = headerSize + requestSize + (bytecode === undefined ? 0 : 4 + bytecode.length);
  const message = Buffer.alloc(size);
  message.writeUInt32LE(size, 0);
  message.writeUInt16LE(requestType, 4);
  message.writeUInt16LE(dumpFlags, 6);
  message.writeUInt32LE(sequence, 8);
  message[16] = family === "ipv4" ? 2 : 10;
  message[17] = transport === "tcp" ? 6 : 17;
  if (request.traffic === true && transport === "tcp") message[18] = informationExtension;
  const listening = transport === "tcp" ? listenBit : udpUnconnectedBit;
  message.writeUInt32LE(states === "listening" ? listening : transport === "tcp" ? allTcpBits : allUdpBits, 20);
  if (bytecode !== undefined) {
    message.writeUInt16LE(4 + bytecode.length, headerSize + requestSize);
    message.writeUInt16LE(bytecodeAttribute, headerSize + requestSize + 2);
    bytecode.copy(message, headerSize + requestSize + 4);
  }
  return message;
}

/**
 * A program for the kernel that accepts a socket when its local or remote port is in one of the stretches.
 *
 * struct inet_diag_bc_op is code (u8), `yes` (u8), `no` (u16): how many bytes to go on when the condition holds and
 * when not. A port stands in the `no` of a second op. The end accepts, four bytes behind the end refuse
 * (net/ipv4/inet_diag.c, inet_diag_bc_run).
 */
export function encodePortFilter(stretches: readonly PortStretch[]): Buffer {
  const conditions = stretches.flatMap(({ first, last }) => [
    [sourceAtLeast, sourceAtMost, first, last] as const,
    [destinationAtLeast, destinationAtMost, first, last] as const,
  ]);
  // The last condition has no jump behind it: holding, it is at the end.
  const size = conditions.length * stretchSize - 4;
  const program = Buffer.alloc(size);
  conditions.forEach(([atLeast, atMost, first, last], position) => {
    const at = position * stretchSize;
    program[at] = atLeast;
    program[at + 1] = 8;
    program.writeUInt16LE(20, at + 2);
    program.writeUInt16LE(first, at + 6);
    program[at + 8] = atMost;
    program[at + 9] = 8;
    program.writeUInt16LE(12, at + 10);
    program.writeUInt16LE(last, at + 14);
    if (position === conditions.length - 1) return;
    program[at + 16] = jump;
    program[at + 17] = 4;
    program.writeUInt16LE(size - at - 16, at + 18);
  });
  return program;
}

/** What one datagram said besides its sockets. */
export interface DiagReply {
  /** The table has been told to its end. */
  readonly done: boolean;
  /** The table changed meanwhile: rows may be missing or double. */
  readonly interrupted: boolean;
  /** Error number of the kernel, 0 for none. */
  readonly errno: number;
}

const unsupported: Known<never> = unknown("unsupported");
const knownFalse: Known<boolean> = known(false);
const knownTrue: Known<boolean> = known(true);
const unbound: Known<null> = known(null);
const zero: Known<number> = known(0);

/** How rows are turned into sockets. */
export interface DiagContext {
  readonly transport: "tcp" | "udp";
  readonly family: IpFamily;
  readonly sequence: number;
  /** Ports to keep when the kernel did not filter. */
  readonly keep: ReadonlySet<number> | undefined;
  /** Name of an interface by index. */
  readonly interfaceName: (index: number) => Known<string | null>;
  /** Whether traffic was asked for. */
  readonly traffic?: boolean;
}

/**
 * Reads one datagram of answers.
 * @param length bytes of it in `bytes`
 * @throws HOST_READ_FAILED when it is not a sequence of netlink messages
 */
export function decodeReply(bytes: Buffer, length: number, context: DiagContext, into: Socket[]): DiagReply {
  const { transport, family, keep } = context;
  const wantsTraffic = context.traffic === true;
  const states = transport === "tcp" ? tcpStates : udpStates;
  const familyCode = family === "ipv4" ? 2 : 10;
  let interrupted = false;
  let at = 0;
  while (at + headerSize <= length) {
    const size = bytes.readUInt32LE(at);
    if (size < headerSize || at + size > length) throw malformed(`a message of ${size} bytes at ${at} of ${length}`);
    const type = bytes.readUInt16LE(at + 4);
    const end = at + size;
    const own = bytes.readUInt32LE(at + 8) === context.sequence;
    if (own && (bytes.readUInt16LE(at + 6) & interruptedFlag) !== 0) interrupted = true;
    if (own && type === doneType) {
      const result = size >= headerSize + 4 ? bytes.readInt32LE(at + headerSize) : 0;
      return { done: true, interrupted, errno: result < 0 ? -result : 0 };
    }
    if (own && type === errorType) {
      if (size < headerSize + 4) throw malformed("an error without a number");
      const result = bytes.readInt32LE(at + headerSize);
      if (result !== 0) return { done: true, interrupted, errno: Math.abs(result) };
    }
    if (own && type === requestType) {
      if (size < headerSize + messageSize) throw malformed(`a row of ${size} bytes`);
      const row = at + headerSize;
      const code = bytes[row + 1]!;
      // A closed TCP socket is told for one reason only: it is bound (inet_diag_dump_icsk, bound hash).
      const state = transport === "tcp" && (code === 7 || code === 13) ? "BOUND" : states[code];
      const localPort = (bytes[row + 4]! << 8) | bytes[row + 5]!;
      const remotePort = (bytes[row + 6]! << 8) | bytes[row + 7]!;
      const kept = keep === undefined || keep.has(localPort) || keep.has(remotePort);
      if (state !== undefined && kept && bytes[row] === familyCode) {
        const listens = state === "LISTEN";
        const alone = listens || state === "UNCONNECTED" || state === "BOUND";
        const deviceIndex = bytes.readUInt32LE(row + 40);
        const sendQueue = bytes.readUInt32LE(row + 60);
        const socket: Socket & { traffic?: Known<SocketTraffic> } = {
          transport,
          family,
          state,
          local: { address: canonicalAddressFromBytes(bytes, row + 8, family), port: localPort as Port },
          remote:
            alone && remotePort === 0
              ? null
              : { address: canonicalAddressFromBytes(bytes, row + 24, family), port: remotePort as Port },
          v6only: family === "ipv4" ? null : readV6only(bytes, row + messageSize, end),
          boundInterface: deviceIndex === 0 ? unbound : context.interfaceName(deviceIndex),
          inode: bytes.readUInt32LE(row + 68),
          uid: bytes.readUInt32LE(row + 64),
          receiveQueue: bytes.readUInt32LE(row + 56),
          sendQueue: sendQueue === 0 ? zero : known(sendQueue),
        };
        if (wantsTraffic) socket.traffic = readTraffic(bytes, row + messageSize, end, state);
        into.push(socket);
      }
    }
    // Messages start at multiples of four (NLMSG_ALIGN).
    at += (size + 3) & ~3;
  }
  return { done: false, interrupted, errno: 0 };
}

/** The kernel tells it of listening and closed sockets only (inet_diag_msg_attrs_fill). */
function readV6only(bytes: Buffer, from: number, end: number): Known<boolean> {
  let at = from;
  while (at + 4 <= end) {
    const size = bytes.readUInt16LE(at);
    if (size < 4 || at + size > end) break;
    if (bytes.readUInt16LE(at + 2) === v6onlyAttribute && size >= 5)
      return bytes[at + 4] === 0 ? knownFalse : knownTrue;
    at += (size + 3) & ~3;
  }
  return unsupported;
}

function malformed(what: string): PortolanError {
  return new PortolanError("HOST_READ_FAILED", `The kernel's answer about sockets is malformed: ${what}.`);
}
