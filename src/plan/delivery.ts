/**
 * @module Which of several sockets on one port gets the traffic for an address: the kernel's lookup, as rules.
 *
 * Sources: Linux `inet_lookup_listener` and `compute_score` in net/ipv4/inet_hashtables.c, their twins in
 * net/ipv6/inet6_hashtables.c, `udp4_lib_lookup2` in net/ipv4/udp.c and `udp6_lib_lookup2` in net/ipv6/udp.c.
 */
import {
  ipv4OfMapped,
  isListening,
  knownOr,
  transports,
  type FamilyReach,
  type IpFamily,
  type Port,
  type Socket,
  type Transport,
} from "../core/index.ts";

/** A socket, with what its address and options mean for delivery. */
export interface Binding {
  readonly socket: Socket;
  /** The address in its own family: `127.0.0.1` for a socket bound to `::ffff:127.0.0.1`. */
  readonly address: string;
  /** Family of `address`. */
  readonly family: IpFamily;
  readonly wildcard: boolean;
  /** Whether traffic of the family can be delivered to it at all. */
  readonly takes: { readonly ipv4: FamilyReach; readonly ipv6: FamilyReach };
  /** Interface that it is bound to; `null` for none, and where the reader cannot tell. */
  readonly device: string | null;
}

/** Where traffic arrives. */
export interface Arrival {
  readonly address: string;
  readonly family: IpFamily;
  readonly interfaceName: string;
}

const remembered = new WeakMap<Socket, Binding>();

/** What a socket's address and options mean for delivery. */
export function bindingOf(socket: Socket): Binding {
  let binding = remembered.get(socket);
  if (binding === undefined) {
    binding = toBinding(socket);
    remembered.set(socket, binding);
  }
  return binding;
}

function toBinding(socket: Socket): Binding {
  const device = knownOr(socket.boundInterface, null);
  // An IPv6 socket bound to an IPv4-mapped address is an IPv4 socket in all but name (RFC 3493 §3.7).
  const mapped = socket.family === "ipv6" ? ipv4OfMapped(socket.local.address) : undefined;
  const address = mapped ?? socket.local.address;
  // Sockets carry canonical addresses, so two spellings are all; reading each of thousands would take its time.
  const wildcard = address === "0.0.0.0" || address === "::";
  if (socket.family === "ipv4" || mapped !== undefined) {
    return { socket, address, family: "ipv4", wildcard, takes: { ipv4: "yes", ipv6: "no" }, device };
  }
  return {
    socket,
    address,
    family: "ipv6",
    wildcard,
    takes: { ipv4: wildcard ? ipv4OfWildcard(socket) : "no", ipv6: "yes" },
    device,
  };
}

/** RFC 3493 §5.3: IPv4 traffic reaches a socket bound to `::` unless IPV6_V6ONLY is set on it. */
function ipv4OfWildcard(socket: Socket): FamilyReach {
  if (socket.v6only === null || !socket.v6only.known) return "depends";
  return socket.v6only.value ? "no" : "yes";
}

/** How one socket fares against another for the same traffic; `unclear` when options that no kernel shows decide. */
export type Duel = "wins" | "loses" | "shares" | "unclear";

/**
 * Which of two sockets gets traffic of a family, both being able to take it.
 *
 * The kernel looks for the exact address first, and for the wildcard only when nothing was found. Among equally exact
 * ones an IPv4 socket beats an IPv6 socket for IPv4 traffic: by score, or because `SO_REUSEPORT` puts IPv6 sockets
 * last. Being bound to the interface counts too, but not between `SO_REUSEPORT` sockets, where the first found is
 * taken whatever its score: so where it would turn the outcome, it is unclear. All else equal, they share.
 */
export function duel(left: Binding, right: Binding, family: IpFamily): Duel {
  if (left.wildcard !== right.wildcard) return left.wildcard ? "loses" : "wins";
  const byFamily =
    family === "ipv4" ? Number(left.socket.family === "ipv4") - Number(right.socket.family === "ipv4") : 0;
  const byDevice = Number(left.device !== null) - Number(right.device !== null);
  if (byDevice !== 0 && Math.sign(byFamily) !== byDevice) return "unclear";
  return byFamily > 0 ? "wins" : byFamily < 0 ? "loses" : "shares";
}

/** What becomes of traffic for an address, seen from one service. */
export type Fate =
  /** The service is not bound there. */
  | { readonly kind: "elsewhere" }
  /** The service gets it; not certain when an option that could not be read decides. */
  | { readonly kind: "answers"; readonly certain: boolean; readonly contested: boolean }
  /** Another socket gets it; not certain when the service might not have got it anyhow. */
  | { readonly kind: "taken"; readonly by: Socket; readonly certain: boolean };

/** What becomes of an arrival between the sockets of a service and all others on the same port. */
export function fateOf(own: readonly Binding[], rivals: readonly Binding[], arrival: Arrival): Fate {
  const { family } = arrival;
  const mine = own.filter((binding) => canTake(binding, arrival));
  if (mine.length === 0) return { kind: "elsewhere" };
  const others = rivals.filter((binding) => canTake(binding, arrival));
  if (others.length === 0) {
    return { kind: "answers", certain: mine.some((binding) => binding.takes[family] === "yes"), contested: false };
  }
  let victor: Binding | undefined;
  let standing = false;
  let contested = false;
  for (const binding of mine) {
    const outcomes = others.map((other) => duel(binding, other, family));
    const beater = others.find((other, index) => outcomes[index] === "loses" && other.takes[family] === "yes");
    if (beater !== undefined) {
      victor ??= beater;
      continue;
    }
    standing = true;
    const open = outcomes.some((outcome) => outcome === "unclear" || outcome === "loses");
    if (open) contested = true;
    else if (binding.takes[family] === "yes") return { kind: "answers", certain: true, contested: false };
  }
  if (standing || victor === undefined) return { kind: "answers", certain: false, contested };
  return { kind: "taken", by: victor.socket, certain: mine.some((binding) => binding.takes[family] === "yes") };
}

function canTake(binding: Binding, { address, family, interfaceName }: Arrival): boolean {
  if (binding.takes[family] === "no") return false;
  if (!binding.wildcard && (binding.family !== family || binding.address !== address)) return false;
  // Traffic of this machine to its own address counts as arriving through the interface that has it (`inet_iif`
  // in include/net/inet_sock.h, `ipv6_rcv` in net/ipv6/ip6_input.c), so there is one rule for near and far.
  return binding.device === null || binding.device === interfaceName;
}

/** The listening sockets on one port of one transport. */
export interface Door {
  readonly exact: ReadonlyMap<string, readonly Binding[]>;
  readonly wildcards: readonly Binding[];
  readonly members: ReadonlySet<Socket>;
}

const nobody: Door = { exact: new Map(), wildcards: [], members: new Set() };

/** Doors of one list of listeners, so that 2,000 services do not read it 2,000 times. */
const indexes = new WeakMap<readonly Socket[], ReadonlyMap<number, Door>>();

/** The listening sockets of a list on one transport and port. The list must not change afterwards. */
export function doorOf(listeners: readonly Socket[], transport: Transport, port: Port): Door {
  let index = indexes.get(listeners);
  if (index === undefined) {
    index = indexDoors(listeners);
    indexes.set(listeners, index);
  }
  return index.get(keyOf(transport, port)) ?? nobody;
}

function indexDoors(listeners: readonly Socket[]): ReadonlyMap<number, Door> {
  const index = new Map<number, { exact: Map<string, Binding[]>; wildcards: Binding[]; members: Set<Socket> }>();
  for (const socket of listeners) {
    if (!isListening(socket)) continue;
    const key = keyOf(socket.transport, socket.local.port);
    let door = index.get(key);
    if (door === undefined) {
      door = { exact: new Map(), wildcards: [], members: new Set() };
      index.set(key, door);
    }
    door.members.add(socket);
    const binding = bindingOf(socket);
    if (binding.wildcard) door.wildcards.push(binding);
    else {
      const there = door.exact.get(binding.address);
      if (there === undefined) door.exact.set(binding.address, [binding]);
      else there.push(binding);
    }
  }
  return index;
}

function keyOf(transport: Transport, port: Port): number {
  return port * transports.length + transports.indexOf(transport);
}
