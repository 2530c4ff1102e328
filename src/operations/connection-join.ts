/**
 * @module Sockets joined into connections: the two ends that are both here become one, and who called whom.
 *
 * Made for 100,000 sockets: addresses become numbers once, and ends are matched in one table of integers.
 */
import { ipv4OfMapped, isListening, isLoopbackAddress, isWildcardAddress } from "../core/index.ts";
import type { Socket, SocketAddress, SocketState } from "../core/index.ts";

/**
 * Who called whom.
 * - `in`: somebody elsewhere called a listener of this machine.
 * - `out`: this machine called.
 * - `local`: both ends are on this machine.
 * - `unknown`: nobody listens on the local port any more, and it is none that callers are given.
 */
export const directions = ["in", "out", "local", "unknown"] as const;
export type Direction = (typeof directions)[number];

/** A connection as it was put together. */
export interface JoinedConnection {
  /** The end that the row is about: the caller's when both ends are here and it is known who called. */
  readonly near: Socket;
  /** The socket at the other end, when it is here. */
  readonly far: Socket | null;
  readonly direction: Direction;
  /** The port that was called, `null` when that cannot be told. */
  readonly servicePort: number | null;
  /** Which of several looks the ends are in; the reader's own network namespace is 0. */
  readonly nearLook: number;
  readonly farLook: number;
}

/** What decides directions beside the sockets. */
export interface JoinSurroundings {
  /** Listening sockets; others are passed over. */
  readonly listeners: readonly Socket[];
  /** The machine's own addresses beside loopback, canonical. */
  readonly ownAddresses: Iterable<string>;
  /** Ports that callers are given, when known. */
  readonly ephemeralRange: { readonly first: number; readonly last: number } | undefined;
  /** Number of the look that they all are in. Default 0. */
  readonly look?: number;
}

/** Sockets with a peer, in the order in which they came; of two that are one connection the first gives the place. */
export function joinConnections(sockets: readonly Socket[], surroundings: JoinSurroundings): JoinedConnection[] {
  const addresses = numberAddresses();
  for (const address of surroundings.ownAddresses) addresses.markOwn(address);
  const listens = indexListeners(surroundings.listeners, addresses);
  const connected: Socket[] = [];
  for (const socket of sockets) {
    if (socket.remote !== null && socket.remote.port !== 0 && !isListening(socket)) connected.push(socket);
  }
  const pairs = pairUp(connected, addresses);
  const range = surroundings.ephemeralRange;
  const mayBeCallers = (port: number): boolean => range === undefined || (port >= range.first && port <= range.last);
  const look = surroundings.look ?? 0;
  const joined: JoinedConnection[] = [];

  for (let index = 0; index < connected.length; index++) {
    const partner = pairs.partners[index]!;
    if (partner >= 0 && partner < index) continue; // told with its other end
    const socket = connected[index]!;
    const serves = listens(socket.transport, pairs.near[index]!, socket.local.port);
    if (partner < 0) {
      const farAddress = pairs.far[index]!;
      joined.push(
        addresses.isOwn(farAddress)
          ? tellAlone(socket, serves, listens(socket.transport, farAddress, socket.remote!.port))
          : tellSingle(socket, serves),
      );
      continue;
    }
    const other = connected[partner]!;
    const otherServes = listens(other.transport, pairs.near[partner]!, other.local.port);
    const called = whoWasCalled(socket, serves, other, otherServes);
    joined.push(
      called === socket
        ? makeConnection(other, socket, "local", socket.local.port)
        : makeConnection(socket, other, "local", called === undefined ? null : other.local.port),
    );
  }
  return joined;

  /** One end, of a connection with another machine. */
  function tellSingle(socket: Socket, serves: boolean): JoinedConnection {
    const { local, remote, state } = socket;
    const called = serves || state === "SYN_RECEIVED";
    const calling = !called && (state === "SYN_SENT" || mayBeCallers(local.port));
    return makeConnection(
      socket,
      null,
      called ? "in" : calling ? "out" : "unknown",
      called ? local.port : calling ? (remote?.port ?? null) : null,
    );
  }

  function makeConnection(
    near: Socket,
    far: Socket | null,
    direction: Direction,
    servicePort: number | null,
  ): JoinedConnection {
    return { near, far, direction, servicePort, nearLook: look, farLook: look };
  }

  /** The end that is left of a connection within this machine, as TIME_WAIT is. */
  function tellAlone(socket: Socket, serves: boolean, otherServes: boolean): JoinedConnection {
    const far = { local: socket.remote!, state: undefined };
    const called = whoWasCalled<Called>(socket, serves, far, otherServes);
    return makeConnection(socket, null, "local", called?.local.port ?? null);
  }

  /** Of two ends here; `undefined` when nothing tells them apart. */
  function whoWasCalled<End extends Called>(
    one: End,
    oneServes: boolean,
    two: End,
    twoServes: boolean,
  ): End | undefined {
    if (oneServes !== twoServes) return oneServes ? one : two;
    if (one.state === "SYN_SENT" || two.state === "SYN_RECEIVED") return two;
    if (two.state === "SYN_SENT" || one.state === "SYN_RECEIVED") return one;
    const oneMayCall = mayBeCallers(one.local.port);
    return oneMayCall === mayBeCallers(two.local.port) ? undefined : oneMayCall ? two : one;
  }
}

/** What is looked at of an end to tell whether it was called. */
interface Called {
  readonly local: SocketAddress;
  readonly state: SocketState | undefined;
}

/** Numbers for addresses; an IPv4-mapped address has the number of the IPv4 address in it. */
interface AddressNumbers {
  numberOf(address: string): number;
  markOwn(address: string): void;
  isOwn(number: number): boolean;
}

function numberAddresses(): AddressNumbers {
  const numbers = new Map<string, number>();
  const own: boolean[] = [];
  function numberOf(address: string): number {
    let number = numbers.get(address);
    if (number === undefined) {
      const inner = ipv4OfMapped(address);
      if (inner === undefined) {
        number = own.length;
        own.push(isLoopbackAddress(address));
      } else number = numberOf(inner);
      numbers.set(address, number);
    }
    return number;
  }
  return {
    numberOf,
    markOwn(address) {
      own[numberOf(address)] = true;
    },
    isOwn: (number) => own[number] === true,
  };
}

/** Answers whether a listener takes calls to a port at an address. */
function indexListeners(
  listeners: readonly Socket[],
  addresses: AddressNumbers,
): (transport: string, address: number, port: number) => boolean {
  /** Addresses by transport and port. */
  const byPort: Record<string, Map<number, number[]>> = { tcp: new Map(), udp: new Map() };
  for (const listener of listeners) {
    const ports = byPort[listener.transport];
    if (ports === undefined || !isListening(listener)) continue;
    const { address, port } = listener.local;
    const places = ports.get(port) ?? [];
    if (places.length === 0) ports.set(port, places);
    places.push(isWildcardAddress(address) ? everyAddress : addresses.numberOf(address));
  }
  return (transport, address, port) => {
    const places = byPort[transport]?.get(port);
    // An IPv6-only wildcard takes no calls to IPv4 addresses, but no caller was given the port of one either.
    return places !== undefined && places.some((place) => place === everyAddress || place === address);
  };
}

const everyAddress = -1;

interface Pairs {
  /** Position of each socket's other end, -1 for none. */
  readonly partners: Int32Array;
  /** Number of the local and of the remote address. */
  readonly near: Int32Array;
  readonly far: Int32Array;
}

/** Finds for each socket the one with the same addresses the other way round. */
function pairUp(sockets: readonly Socket[], addresses: AddressNumbers): Pairs {
  const count = sockets.length;
  const near = new Int32Array(count);
  const far = new Int32Array(count);
  const ports = new Uint32Array(count);
  const partners = new Int32Array(count).fill(-1);
  let size = 64;
  while (size < count * 2) size *= 2;
  const mask = size - 1;
  /** Positions plus one; 0 is an empty place. */
  const table = new Int32Array(size);
  for (let index = 0; index < count; index++) {
    const { local, remote, transport } = sockets[index]!;
    const nearAddress = addresses.numberOf(local.address);
    const farAddress = addresses.numberOf(remote!.address);
    near[index] = nearAddress;
    far[index] = farAddress;
    ports[index] = ((local.port << 16) | remote!.port) >>> 0;
    // Its other end may stand there already, as which it is looked for the other way round.
    const turned = ((remote!.port << 16) | local.port) >>> 0;
    let place = placeOf(farAddress, nearAddress, turned);
    for (; table[place] !== 0; place = (place + 1) & mask) {
      const other = table[place]! - 1;
      if (
        ports[other] === turned &&
        near[other] === farAddress &&
        far[other] === nearAddress &&
        partners[other] === -1 &&
        sockets[other]!.transport === transport
      ) {
        partners[other] = index;
        partners[index] = other;
        break;
      }
    }
    if (partners[index] !== -1) continue; // Nobody will look for it any more.
    place = placeOf(nearAddress, farAddress, ports[index]!);
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = index + 1;
  }
  return { partners, near, far };

  function placeOf(one: number, two: number, both: number): number {
    let hash = Math.imul(both, 0x9e3779b1) ^ Math.imul(one, 0x85ebca6b) ^ Math.imul(two, 0xc2b2ae35);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    return (hash ^ (hash >>> 13)) & mask;
  }
}
