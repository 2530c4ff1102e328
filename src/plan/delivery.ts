/**
 * @module Which of several sockets on one port gets the traffic for an address: the kernel's lookup, as rules.
 *
 * Sources: Linux `inet_lookup_listener` and `compute_score` in net/ipv4/inet_hashtables.c, their twins in
 * net/ipv6/inet6_hashtables.c, `udp4_lib_lookup2` in net/ipv4/udp.c and `udp6_lib_lookup2` in net/ipv6/udp.c.
 */
import {
  ipv4OfMapped,
  isListening,
  isWildcardAddress,
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

/** What a socket's address and options mean for delivery. */
export function bindingOf(socket: Socket): Binding {
  const device = knownOr(socket.boundInterface, null);
  const { address } = socket.local;
  if (socket.family === "ipv4") {
    return { socket, address, family: "ipv4", wildcard: isWildcardAddress(address), takes: { ipv4: "yes", ipv6: "no" }, device };
  }
  // An IPv6 socket bound to an IPv4-mapped address is an IPv4 socket in all but name (RFC 3493 §3.7).
  const mapped = ipv4OfMapped(address);
  if (mapped !== undefined) {
    return { socket, address: mapped, family: "ipv4", wildcard: isWildcardAddress(mapped), takes: { ipv4: "yes", ipv6: "no" }, device };
  }
  const wildcard = isWildcardAddress(address);
  return { socket, address, family: "ipv6", wildcard, takes: { ipv4: wildcard ? ipv4OfWildcard(socket) : "no", ipv6: "yes" }, device };
}

/** RFC 3493 §5.3: IPv4 traffic reaches a socket bound to `::` unless IPV6_V6ONLY is set on it. */
function ipv4OfWildcard(socket: Socket): FamilyReach {
  if (socket.v6only === null || !socket.v6only.known) return "depends";
  return socket.v6only.value ? "no" : "yes";
}

/**
 * How well a socket fits an arrival, 0 for not at all; the highest gets the traffic, equals share it (SO_REUSEPORT) or
 * are in an order that no kernel interface shows.
 *
 * The kernel looks for the exact address first and for the wildcard only when nothing was found, whatever the rest.
 * Within one lookup TCP gives one point for being bound to the interface and one for being an IPv4 socket (so
 * 0.0.0.0 beats a dual-stack [::]); UDP gives the interface four.
 */
export function scoreOf(binding: Binding, arrival: Arrival): number {
  if (binding.takes[arrival.family] === "no") return 0;
  if (!binding.wildcard && (binding.family !== arrival.family || binding.address !== arrival.address)) return 0;
  if (binding.device !== null && binding.device !== arrival.interfaceName) return 0;
  const exact = binding.wildcard ? 0 : 100;
  const device = binding.device === null ? 0 : binding.socket.transport === "udp" ? 4 : 1;
  const family = arrival.family === "ipv4" && binding.socket.family === "ipv4" ? 1 : 0;
  return 1 + exact + device + family;
}

/** The best of several sockets for an arrival. */
export interface Winner {
  readonly binding: Binding;
  readonly score: number;
  /** False when an unread option decides whether it gets the traffic at all. */
  readonly certain: boolean;
}

/** The socket that gets an arrival, `undefined` when none does. Among equals a certain one stands for all. */
export function winnerOf(bindings: readonly Binding[], arrival: Arrival): Winner | undefined {
  let winner: Winner | undefined;
  for (const binding of bindings) {
    const score = scoreOf(binding, arrival);
    if (score === 0) continue;
    const certain = binding.takes[arrival.family] === "yes";
    if (winner === undefined || score > winner.score || (score === winner.score && certain && !winner.certain)) {
      winner = { binding, score, certain };
    }
  }
  return winner;
}

/** Bindings of one list of listeners by transport and port, so that 2,000 services do not read it 2,000 times. */
const indexes = new WeakMap<readonly Socket[], ReadonlyMap<number, readonly Binding[]>>();

/** The listening sockets of a list on one transport and port. The list must not change afterwards. */
export function bindingsAt(listeners: readonly Socket[], transport: Transport, port: Port): readonly Binding[] {
  let index = indexes.get(listeners);
  if (index === undefined) {
    index = indexBindings(listeners);
    indexes.set(listeners, index);
  }
  return index.get(keyOf(transport, port)) ?? [];
}

function indexBindings(listeners: readonly Socket[]): ReadonlyMap<number, readonly Binding[]> {
  const index = new Map<number, Binding[]>();
  for (const socket of listeners) {
    if (!isListening(socket)) continue;
    const key = keyOf(socket.transport, socket.local.port);
    const there = index.get(key);
    if (there === undefined) index.set(key, [bindingOf(socket)]);
    else there.push(bindingOf(socket));
  }
  return index;
}

function keyOf(transport: Transport, port: Port): number {
  return port * transports.length + transports.indexOf(transport);
}
