/**
 * @module What the kernel would say to bind(2) and listen(2): yes, no with the socket or limit in the way, or what it depends on.
 *
 * Not covered: security modules and BPF programs that refuse a bind, which no file shows; an IPv6 address during the second or two in
 * which the network is searched for a twin (RFC 4862 §5.4).
 */
import {
  ipv4OfMapped,
  isLinkLocalAddress,
  isLoopbackAddress,
  isMulticastAddress,
  knownOr,
  networkOf,
  type Port,
  type Socket,
} from "../core/index.ts";
import type { BindVerdict, BindWish, BindWorld, Obstacle } from "./bind-types.ts";
import { findConflicts, type FullWish } from "./bind-conflict.ts";
import { warnOfBind } from "./bind-warnings.ts";
import { all, certaintyOf, type Certainty } from "./certainty.ts";
import { loopbackPlaceOf, placesOf } from "./places.ts";
import { mayBind } from "./port-limits.ts";

/** Whether a new socket could be bound as wished, and whether listen(2) would then succeed, in this world, now. */
export function planBind(wish: BindWish, world: BindWorld): BindVerdict {
  const full = fillIn(wish, world);
  const wrong = refuseArguments(full, world);
  if (wrong !== undefined) return wrong;
  const listens = wish.transport === "tcp";
  const privilege = wish.port === 0 ? "yes" : mayBindCertainty(wish.port, world);
  const address = hasAddress(full, world);
  // The kernel asks for the address first where the socket is IPv4, and for the privilege first where it is IPv6.
  const denied = denyPort(privilege, world);
  const unavailable = refuseAddress(full, address, world);
  const refusal = full.family === "ipv4" ? (unavailable ?? denied) : (denied ?? unavailable);
  if (refusal !== undefined) return { ...refusal, listen: listens ? "no" : null };
  const { free, obstacles } = wish.port === 0 ? { free: "yes" as const, obstacles: [] } : findConflicts(full, world);
  const bind = all(privilege, address, free);
  const error =
    bind === "yes"
      ? null
      : free === "no"
        ? "EADDRINUSE"
        : address === "depends"
          ? "EADDRNOTAVAIL"
          : privilege === "depends"
            ? "EACCES"
            : "EADDRINUSE";
  return {
    bind,
    // In an unchanged world listen(2) asks the same of the same sockets: who let it bind lets it listen.
    listen: listens ? bind : null,
    error,
    reason: explain(full, { privilege, address, free }, obstacles),
    obstacles,
    availableAddresses: [],
    warnings: bind === "no" ? [] : warnOfBind(full, world),
  };
}

/**
 * Whether listen(2) would succeed on a TCP socket that is bound already.
 * @param socket one of `world.sockets`, left out of what is in its way
 * @param wish its own options; address and port are the socket's
 */
export function planListen(
  socket: Socket,
  wish: Omit<BindWish, "transport" | "address" | "port">,
  world: BindWorld,
): { readonly listen: Certainty; readonly obstacles: readonly Obstacle[] } {
  const { address, port } = socket.local;
  const full = fillIn({ ...wish, transport: "tcp", address, port }, world);
  const { free, obstacles } = findConflicts({ ...full, family: socket.family }, world, socket);
  return { listen: free, obstacles };
}

function fillIn(wish: BindWish, { limits }: BindWorld): FullWish {
  const { transport, port, uid } = wish;
  const family = wish.address.includes(":") ? "ipv6" : "ipv4";
  const address = (family === "ipv6" ? ipv4OfMapped(wish.address) : undefined) ?? wish.address;
  return {
    transport,
    family,
    address,
    addressFamily: address.includes(":") ? "ipv6" : "ipv4",
    port,
    v6only: certaintyOf(wish.v6only ?? knownOr(limits.v6onlyDefault, false)),
    reuseAddress: certaintyOf(wish.reuseAddress ?? transport === "tcp"),
    reusePort: certaintyOf(wish.reusePort ?? false),
    interfaceName: wish.interfaceName ?? null,
    uid,
  };
}

/** What is wrong with the call itself (`__inet6_bind`). */
function refuseArguments(wish: FullWish, world: BindWorld): BindVerdict | undefined {
  const { family, addressFamily, address, transport } = wish;
  if (family !== "ipv6") return undefined;
  if (addressFamily === "ipv6" && transport === "tcp" && isMulticastAddress(address)) {
    return invalid(wish, `${address} is a multicast address, and TCP has no multicast.`);
  }
  // The privilege is asked for before the rest.
  if (wish.port !== 0 && mayBindCertainty(wish.port as Port, world) === "no") return undefined;
  if (addressFamily === "ipv4" && wish.v6only === "yes") {
    return invalid(wish, `::ffff:${address} is an IPv4 address, and the socket is to be IPv6-only.`);
  }
  if (addressFamily === "ipv6" && isOfOneLink(address) && wish.interfaceName === null) {
    return invalid(wish, `${address} means something else on each interface and needs one: ${address}%eth0.`);
  }
  return undefined;
}

/** Link-local, or multicast of a link or interface (`__ipv6_addr_needs_scope_id`; scopes 1 and 2 of RFC 4291 §2.7). */
function isOfOneLink(address: string): boolean {
  return isLinkLocalAddress(address) || /^ff[0-9a-f][12]:/.test(address);
}

function invalid({ transport }: FullWish, reason: string): BindVerdict {
  return { ...nothing, bind: "no", listen: transport === "tcp" ? "no" : null, error: "EINVAL", reason };
}

const nothing = { obstacles: [], availableAddresses: [], warnings: [] } as const;

function mayBindCertainty(port: Port, { limits }: BindWorld): Certainty {
  const may = mayBind(port, limits);
  return certaintyOf(knownOr(may, undefined));
}

function denyPort(privilege: Certainty, { limits }: BindWorld): BindVerdict | undefined {
  if (privilege !== "no") return undefined;
  const start = knownOr(limits.unprivilegedPortStart, 1024);
  const reason = `Ports below ${start} (net.ipv4.ip_unprivileged_port_start) need a privilege that you do not have.`;
  return { ...nothing, bind: "no", listen: null, error: "EACCES", reason };
}

/** Whether this machine has the address (`inet_addr_valid_or_nonlocal`, `ipv6_chk_addr`). */
function hasAddress({ address, addressFamily, interfaceName }: FullWish, world: BindWorld): Certainty {
  if (address === "0.0.0.0" || address === "::" || isMulticastAddress(address)) return "yes";
  const nonlocal = world.limits.nonlocalBind?.[addressFamily];
  if (nonlocal !== undefined && knownOr(nonlocal, false)) return "yes";
  if (world.interfaces.length === 0) return "depends";
  const places = placesOf(world.interfaces).at.get(address) ?? [];
  // An address of a link or of the host belongs to one interface; any other is the whole machine's (`ipv6_chk_addr`).
  const ofOneInterface = addressFamily === "ipv6" && (isLinkLocalAddress(address) || isLoopbackAddress(address));
  const fits = (name: string): boolean => !ofOneInterface || interfaceName === null || name === interfaceName;
  if (places.some((place) => fits(place.interfaceName))) return "yes";
  const loopback = loopbackPlaceOf(address, addressFamily, world.interfaces);
  if (loopback !== undefined && fits(loopback.interfaceName)) return "yes";
  if (addressFamily === "ipv6") return "no";
  return isBroadcast(address, world) || isInLocalNetwork(address, world) ? "yes" : "no";
}

/** Networks that a route of type local gives to the machine (`ip route add local 10.5.0.0/24 dev lo`). */
function isInLocalNetwork(address: string, { limits }: BindWorld): boolean {
  const networks = limits.localNetworks === undefined ? [] : knownOr(limits.localNetworks, []);
  return networks.some((network) => networkOf(address, Number(network.split("/")[1])) === network);
}

/** Broadcast addresses can be bound, by TCP as well. */
function isBroadcast(address: string, { interfaces }: BindWorld): boolean {
  if (address === "255.255.255.255") return true;
  if (address.includes(":")) return false;
  const bits = bitsOf(address);
  return interfaces.some((one) =>
    one.addresses.some(({ address: own, family, prefixLength }) => {
      if (family !== "ipv4" || prefixLength > 30) return false;
      const mask = prefixLength === 0 ? 0 : (-1 << (32 - prefixLength)) >>> 0;
      const network = (bitsOf(own) & mask) >>> 0;
      return bits === (network | ~mask) >>> 0;
    }),
  );
}

function bitsOf(address: string): number {
  return address.split(".").reduce((bits, part) => ((bits << 8) | Number(part)) >>> 0, 0);
}

function refuseAddress(wish: FullWish, address: Certainty, world: BindWorld): BindVerdict | undefined {
  if (address !== "no") return undefined;
  const availableAddresses = placesOf(world.interfaces)
    .all.filter(({ family }) => family === wish.addressFamily)
    .map((place) => (place.needsZone ? `${place.address}%${place.interfaceName}` : place.address));
  const where = wish.interfaceName === null ? "" : ` on ${wish.interfaceName}`;
  const there = availableAddresses.length === 0 ? "none of that family" : availableAddresses.join(", ");
  const reason = `This machine has no address ${wish.address}${where}; it has ${there}.`;
  return { ...nothing, bind: "no", listen: null, error: "EADDRNOTAVAIL", reason, availableAddresses };
}

function explain(
  wish: FullWish,
  answers: { privilege: Certainty; address: Certainty; free: Certainty },
  obstacles: readonly Obstacle[],
): string {
  const first = obstacles[0];
  if (answers.free === "no" && first !== undefined) return first.reason;
  if (answers.address === "depends") {
    return `Whether this machine has ${wish.address} could not be read.`;
  }
  if (answers.privilege === "depends") return "Whether you may bind ports this low could not be read.";
  if (answers.free === "depends" && first !== undefined) return first.reason;
  return "Nothing is in the way.";
}
