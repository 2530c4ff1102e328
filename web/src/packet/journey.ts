/**
 * @module The journey of one connection's packets, told with its own numbers: from the client's port to the process, and back.
 */
import type { ListedConnection } from "../../../src/operations/connections.ts";
import type { InterfacesResult } from "../../../src/operations/interfaces.ts";
import { formatBytes } from "../text/figures.ts";
import { safeText } from "../text/outside-text.ts";
import { rangeOf } from "../building/geometry.ts";

/** One stop. */
export interface Stop {
  readonly title: string;
  /** Short, for the picture. */
  readonly sign: string;
  readonly text: string;
  /** Ports of this machine that the building shows at this stop. */
  readonly ports: readonly number[];
}

/** One end of a connection. */
interface End {
  readonly address: string;
  readonly port: number;
}

/** The called end is this machine's; the caller can be this machine's, too. */
export interface Trip {
  readonly caller: End;
  readonly called: End;
  readonly connection: ListedConnection;
}

/** Who called whom. */
export function tripOf(connection: ListedConnection, port: number): Trip {
  const { local, remote } = connection;
  const callerIsLocal = remote.port === port && local.port !== port;
  return callerIsLocal ? { caller: local, called: remote, connection } : { caller: remote, called: local, connection };
}

const rangeTexts = {
  "well-known": "a well-known number, which no client is usually given",
  registered: "a registered number, chosen by the client's system or by the program",
  dynamic: "from the dynamic range, where systems take a number for a while",
} as const;

/** The stops in order. */
export function journeyOf(
  { caller, called, connection }: Trip,
  interfaces: InterfacesResult["interfaces"],
): readonly Stop[] {
  const inside = connection.direction === "local";
  const street = interfaces.find(({ addresses }) => addresses.some(({ address }) => address === called.address));
  const servingEnd = inside && connection.peer !== null ? connection.peer : connection;
  const holders = servingEnd.holders.known ? servingEnd.holders.value : null;
  const reader = holders?.[0];
  const readerName =
    reader === undefined
      ? "a process that may not be seen"
      : `${reader.name.known ? safeText(reader.name.value, 40) : "process"}, pid ${reader.pid}`;
  const toServer = inside ? connection.sent : connection.received;
  const toClient = inside ? connection.received : connection.sent;
  return [
    {
      title: "The sender's address and port",
      sign: `${caller.address}:${caller.port}`,
      text:
        `${inside ? "A program on this very machine" : "Another device"} wrote the packet. Its address ${caller.address} says where answers go, ` +
        `its port ${caller.port} which program there gets them: ${rangeTexts[rangeOf(caller.port)]}. It is an ephemeral port: it belongs to this one connection and ends with it.`,
      ports: inside ? [caller.port] : [],
    },
    {
      title: "The street: a network interface",
      sign: street === undefined ? called.address : safeText(street.name, 16),
      text:
        street === undefined
          ? `The packet is addressed to ${called.address}.`
          : street.loopback
            ? `The packet never leaves the house: ${called.address} is the address of ${safeText(street.name, 16)}, the loopback, which leads back to this machine. No cable and no other device sees it.`
            : `It comes in by ${safeText(street.name, 16)}, because that interface has the address ${called.address}. Every device on that network can send here.`,
      ports: [],
    },
    {
      title: "The house and the door: address and port",
      sign: `${called.address}:${called.port}`,
      text: `The address ${called.address} found the house; the port ${called.port} is the apartment number: floor ${called.port >> 8}, apartment ${called.port & 255}. Without it the kernel would not know which of its programs is meant.`,
      ports: [called.port],
    },
    {
      title: "Four numbers find the socket",
      sign: "4 numbers → socket",
      text:
        `Many connections share door ${called.port}. The kernel looks all four numbers up together: ${caller.address}, ${caller.port}, ${called.address}, ${called.port}. ` +
        "No other connection has these four, so exactly one socket is found; only a first packet, for which there is none yet, goes to the socket that listens.",
      ports: [called.port],
    },
    {
      title: "The socket",
      sign: `inode ${servingEnd.inode}`,
      text:
        `It is socket ${servingEnd.inode} in state ${servingEnd.state}. ${servingEnd.receiveQueue} bytes wait in its receive queue. ` +
        `So far ${formatBytes(toServer)} came from the client and ${formatBytes(toClient)} went back` +
        `${connection.roundTripMicroseconds === null ? "" : `; there and back takes about ${(connection.roundTripMicroseconds / 1000).toPrecision(2)} ms`}.`,
      ports: [called.port],
    },
    {
      title: "The process reads",
      sign: reader === undefined ? "process" : `pid ${reader.pid}`,
      text: `The socket belongs to ${readerName}. It reads the bytes from a file descriptor, as if from a file, and never sees the packets they came in.`,
      ports: [called.port],
    },
    {
      title: "The way back",
      sign: `${called.port} → ${caller.port}`,
      text: `The answer swaps the two ends: from ${called.address}:${called.port} to ${caller.address}:${caller.port}. That is why the client needed a port of its own.`,
      ports: inside ? [called.port, caller.port] : [called.port],
    },
  ];
}
