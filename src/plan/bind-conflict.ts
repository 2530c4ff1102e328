/**
 * @module Whether a socket is in the way of another on the same port: Linux's rules of bind(2) and listen(2), per transport.
 *
 * Sources: `inet_bind_conflict`, `inet_csk_bind_conflict`, `inet_rcv_saddr_equal` in net/ipv4/inet_connection_sock.c;
 * `udp_lib_get_port`, `udp_lib_lport_inuse` in net/ipv4/udp.c; `__inet6_bind` in net/ipv6/af_inet6.c (Linux 6.9 and later).
 * An option that is changed between bind and the conflict is remembered by the kernel's bucket of the port
 * (`fastreuse`): such sockets' options must be given as unknown.
 */
import { ipv4OfMapped, knownOr, type Socket } from "../core/index.ts";
import type { AddressMeeting, BindWorld, HiddenOption, Obstacle, SocketOptions } from "./bind-types.ts";
import { all, any, certaintyOf, not, type Certainty } from "./certainty.ts";

/** A wish with every default filled in. */
export interface FullWish {
  readonly transport: "tcp" | "udp";
  readonly family: "ipv4" | "ipv6";
  /** In its own family: `127.0.0.1` for `::ffff:127.0.0.1`. */
  readonly address: string;
  /** Family of `address`. */
  readonly addressFamily: "ipv4" | "ipv6";
  readonly port: number;
  readonly v6only: Certainty;
  readonly reuseAddress: Certainty;
  readonly reusePort: Certainty;
  readonly interfaceName: string | null;
  readonly uid: number | null;
}

/** What the sockets on the port say together. */
export interface ConflictVerdict {
  /** Whether the port can be had. */
  readonly free: Certainty;
  /** Sockets in the way, certain ones first. */
  readonly obstacles: readonly Obstacle[];
}

/** More UDP sockets than this in one slot of the kernel's table, and it looks into another table (`udp_lib_get_port`). */
const crowdedSlot = 10;
/** Smallest size of that table (UDP_HTABLE_SIZE_MIN); ports that agree modulo it may share a slot. */
const leastSlots = 256;
/** IPv4 address that the kernel notes for sockets bound to an IPv6 address (LOOPBACK4_IPV6, include/net/ipv6.h). */
const ipv6StandIn = "127.0.0.6";

/**
 * Whether the sockets of the world leave room for the wish.
 * @param self the wish's own socket, left out, when it is bound already and is about to listen
 */
export function findConflicts(wish: FullWish, world: BindWorld, self?: Socket): ConflictVerdict {
  const here = world.sockets.filter(
    (socket) => socket !== self && socket.transport === wish.transport && socket.local.port === wish.port,
  );
  return wish.transport === "tcp" ? findTcpConflicts(wish, here, world) : findUdpConflicts(wish, here, world);
}

function findTcpConflicts(wish: FullWish, sockets: readonly Socket[], world: BindWorld): ConflictVerdict {
  const obstacles: Obstacle[] = [];
  for (const socket of sockets) {
    // A half-open connection is no socket yet and holds no port: its listener does.
    if (socket.state === "SYN_RECEIVED" && socket.inode === 0) continue;
    const options = world.optionsOf?.(socket);
    const meeting = meet(wish, socket, options);
    if (meeting.meets === "no") continue;
    const waiting = isTimeWait(socket);
    const bothReuseAddress = all(wish.reuseAddress, optionOf(options?.reuseAddress));
    const sharesAddress = socket.state === "LISTEN" ? "no" : bothReuseAddress;
    const sameUser = waiting ? "yes" : sameUid(wish, socket);
    const bothReusePort = all(wish.reusePort, optionOf(options?.reusePort));
    const strict = all(meeting.meets, not(any(sharesAddress, all(bothReusePort, sameUser))));
    if (strict === "no") continue;
    const hidden = new Set(meeting.hidden);
    /*
     * The kernel remembers of a port that a socket with SO_REUSEPORT was the last to join it, and lets the next one of that user in
     * without looking at the others (`sk_reuseport_match`). Whoever joined beside them by SO_REUSEADDR, or at an address of the other
     * family, has opened the door, and may be gone by now: so a wish with SO_REUSEPORT is never surely refused.
     */
    const byHistory = wish.reusePort !== "no";
    const conflict = byHistory ? "depends" : strict;
    if (byHistory) hidden.add("history");
    if (conflict === "depends") {
      if (sharesAddress === "depends") hidden.add("SO_REUSEADDR");
      if (bothReusePort === "depends" && sameUser !== "no") hidden.add("SO_REUSEPORT");
      if (sameUser === "depends" && bothReusePort !== "no") hidden.add("uid");
    }
    const reason = explainTcp(wish, socket, { waiting, sameUser, bothReusePort, conflict });
    obstacles.push(describe(socket, meeting.kind, conflict, hidden, reason));
  }
  const free = not(any("no", ...obstacles.map(({ certain }) => certain)));
  return { free, obstacles: sortObstacles(obstacles) };
}

/**
 * UDP's kernel walks the sockets of a port, in most cases from the latest to the first: it passes over those that share by SO_REUSEADDR, and the
 * first of the others decides alone: free when both have SO_REUSEPORT and one user, taken otherwise.
 */
function findUdpConflicts(wish: FullWish, sockets: readonly Socket[], world: BindWorld): ConflictVerdict {
  const judged: JudgedSocket[] = [];
  const crowded = isCrowded(wish, world);
  for (const socket of sockets) {
    const options = world.optionsOf?.(socket);
    const meeting = meet(wish, socket, options);
    if (meeting.meets === "no") continue;
    const overlooked = crowded && !isFoundByAddress(wish, socket) ? "depends" : "no";
    const passed = all(wish.reuseAddress, optionOf(options?.reuseAddress));
    const sameUser = sameUid(wish, socket);
    const bothReusePort = all(wish.reusePort, optionOf(options?.reusePort));
    const looked = all(meeting.meets, not(overlooked), not(passed));
    const accept = all(looked, bothReusePort, sameUser);
    const conflict = all(looked, not(all(bothReusePort, sameUser)));
    if (conflict === "no" && accept === "no") continue;
    const hidden = new Set(meeting.hidden);
    if (passed === "depends") hidden.add("SO_REUSEADDR");
    if (bothReusePort === "depends" && sameUser !== "no") hidden.add("SO_REUSEPORT");
    if (sameUser === "depends" && bothReusePort !== "no") hidden.add("uid");
    if (overlooked === "depends") hidden.add("order");
    const reason = explainUdp(wish, { sameUser, bothReusePort, overlooked: overlooked === "depends" });
    judged.push({
      obstacle: describe(socket, meeting.kind, conflict === "no" ? "depends" : conflict, hidden, reason),
      looked,
      conflict,
      accept,
      turn: turnOf(socket, options),
    });
  }
  const free = judgeUdp(judged);
  const obstacles = judged.filter(({ conflict }) => conflict !== "no").map(({ obstacle }) => obstacle);
  if (free === "yes") return { free, obstacles: [] };
  if (free === "no") return { free, obstacles: sortObstacles(obstacles) };
  const open = obstacles.map((obstacle): Obstacle => {
    return { ...obstacle, certain: "depends", hidden: obstacle.hidden.length > 0 ? obstacle.hidden : ["order"] };
  });
  return { free, obstacles: sortObstacles(open) };
}

interface JudgedSocket {
  readonly obstacle: Obstacle;
  /** Whether the kernel stops at it. */
  readonly looked: Certainty;
  /** Whether it stops there and refuses. */
  readonly conflict: Certainty;
  /** Whether it stops there and allows. */
  readonly accept: Certainty;
  /** When the kernel comes to it, the least first; `undefined` when that cannot be told. */
  readonly turn: number | undefined;
}

/** The latest socket comes first, but IPv6 sockets with SO_REUSEPORT come last in order of binding (`sk_add_node_rcu`). */
function turnOf(socket: Socket, options: SocketOptions | undefined): number | undefined {
  if (options?.order === undefined) return undefined;
  if (socket.family === "ipv4") return -options.order;
  if (!options.reusePort.known) return undefined;
  return options.reusePort.value ? options.order : -options.order;
}

function judgeUdp(judged: readonly JudgedSocket[]): Certainty {
  if (judged.every(({ turn }) => turn !== undefined)) {
    const outcomes = new Set<"yes" | "no">();
    for (const { looked, conflict, accept } of judged.toSorted((left, right) => left.turn! - right.turn!)) {
      if (accept !== "no") outcomes.add("yes");
      if (conflict !== "no") outcomes.add("no");
      if (looked === "yes") return settle(outcomes);
    }
    return settle(outcomes.add("yes"));
  }
  if (judged.every(({ conflict }) => conflict === "no")) return "yes";
  const mayAccept = judged.some(({ accept }) => accept !== "no");
  return !mayAccept && judged.some(({ conflict }) => conflict === "yes") ? "no" : "depends";
}

function settle(outcomes: ReadonlySet<"yes" | "no">): Certainty {
  if (outcomes.size === 2) return "depends";
  return outcomes.has("yes") ? "yes" : "no";
}

function isCrowded(wish: FullWish, world: BindWorld): boolean {
  let count = 0;
  for (const { transport, local } of world.sockets) {
    if (transport === "udp" && local.port % leastSlots === wish.port % leastSlots) count += 1;
  }
  return count > crowdedSlot;
}

/** Whether the table by address leads to the socket: the same address, or the wildcard of the wish's own family. */
function isFoundByAddress(wish: FullWish, socket: Socket): boolean {
  if (wish.family !== socket.family) return false;
  const address = ipv4OfMapped(socket.local.address) ?? socket.local.address;
  return address === wish.address || address === "0.0.0.0" || address === "::";
}

interface Meeting {
  readonly meets: Certainty;
  readonly kind: AddressMeeting;
  readonly hidden: readonly HiddenOption[];
}

const apart: Meeting = { meets: "no", kind: "same-address", hidden: [] };

/** Whether addresses and interfaces overlap (`inet_rcv_saddr_equal` with wildcards, and the check of bound interfaces before it). */
function meet(wish: FullWish, socket: Socket, options: SocketOptions | undefined): Meeting {
  const device = meetDevices(wish, socket);
  if (device === "no") return apart;
  const found = meetAddresses(wish, socket, options);
  if (found.meets === "no" || device === "yes") return found;
  return { ...found, meets: "depends", hidden: [...found.hidden, "SO_BINDTODEVICE"] };
}

function meetDevices(wish: FullWish, socket: Socket): Certainty {
  if (wish.interfaceName === null) return "yes";
  if (!socket.boundInterface.known) return "depends";
  return certaintyOf(socket.boundInterface.value === null || socket.boundInterface.value === wish.interfaceName);
}

function meetAddresses(wish: FullWish, socket: Socket, options: SocketOptions | undefined): Meeting {
  const mapped = socket.family === "ipv6" ? ipv4OfMapped(socket.local.address) : undefined;
  const theirs = mapped ?? socket.local.address;
  const theirFamily = socket.family === "ipv4" || mapped !== undefined ? "ipv4" : "ipv6";
  const mineAll = isAll(wish.address);
  const theirsAll = isAll(theirs);
  if (wish.addressFamily === theirFamily) {
    if (wish.address === theirs) return { meets: "yes", kind: "same-address", hidden: [] };
    if (theirsAll) return { meets: "yes", kind: "it-has-all", hidden: [] };
    return mineAll ? { meets: "yes", kind: "you-want-all", hidden: [] } : apart;
  }
  if (wish.addressFamily === "ipv6") {
    // Theirs is IPv4: an IPv6 wildcard that takes IPv4 too is the only one that meets it.
    return mineAll ? meetByV6only(wish.v6only) : apart;
  }
  const theirV6only = v6onlyOf(socket, options);
  if (theirsAll) return meetByV6only(theirV6only);
  /*
   * A socket that was bound to an IPv6 address is IPv6-only from then on. One that came to its address by connecting or by being
   * accepted is not, and counts as bound to IPv4 127.0.0.6: it is in the way of IPv4 sockets at the wildcard, and of
   * those at that address for UDP.
   */
  const standIn = mineAll || (wish.transport === "udp" && wish.address === ipv6StandIn);
  return standIn && wish.family === "ipv4" && socket.remote !== null ? meetByV6only(theirV6only) : apart;
}

function meetByV6only(v6only: Certainty): Meeting {
  return { meets: not(v6only), kind: "dual-stack", hidden: v6only === "depends" ? ["IPV6_V6ONLY"] : [] };
}

function v6onlyOf(socket: Socket, options: SocketOptions | undefined): Certainty {
  if (socket.v6only?.known === true) return certaintyOf(socket.v6only.value);
  return options?.v6only === undefined ? "depends" : optionOf(options.v6only);
}

function isAll(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function optionOf(option: SocketOptions["reuseAddress"] | undefined): Certainty {
  return certaintyOf(option === undefined ? undefined : knownOr(option, undefined));
}

function sameUid(wish: FullWish, socket: Socket): Certainty {
  // A socket that its process has let go of is told as root's, whoever made it.
  if (socket.inode === 0) return "depends";
  return wish.uid === null ? "depends" : certaintyOf(wish.uid === socket.uid);
}

/** TIME_WAIT, and FIN_WAIT_2 once its process has let go: the kernel keeps both as one kind, which belongs to no user. */
export function isTimeWait(socket: Socket): boolean {
  return socket.state === "TIME_WAIT" || (socket.state === "FIN_WAIT_2" && socket.inode === 0);
}

function describe(
  socket: Socket,
  meeting: AddressMeeting,
  certain: "yes" | "depends",
  hidden: ReadonlySet<HiddenOption>,
  reason: string,
): Obstacle {
  return { socket, meeting, certain, hidden: certain === "yes" ? [] : [...hidden], reason };
}

function sortObstacles(obstacles: readonly Obstacle[]): Obstacle[] {
  const rank = ({ certain, socket }: Obstacle): number =>
    (certain === "yes" ? 0 : 2) + (socket.state === "LISTEN" || socket.state === "UNCONNECTED" ? 0 : 1);
  return obstacles.toSorted((left, right) => rank(left) - rank(right));
}

function explainTcp(
  wish: FullWish,
  socket: Socket,
  judged: { waiting: boolean; sameUser: Certainty; bothReusePort: Certainty; conflict: Certainty },
): string {
  if (wish.reusePort === "yes" && judged.sameUser === "no") {
    return "SO_REUSEPORT shares a port only among sockets of one user, and this one is another user's; one of yours that was here before can have opened it.";
  }
  if (wish.reusePort === "yes" && judged.bothReusePort === "no") {
    return "SO_REUSEPORT shares a port only when every socket on it has set it, and this one has not; one of yours that was here before can have opened it.";
  }
  if (socket.state === "LISTEN") {
    return judged.conflict === "depends"
      ? "It listens; the port is shared only if it has set SO_REUSEPORT too."
      : "It listens, and a listening socket shares its port by SO_REUSEPORT alone.";
  }
  if (wish.reuseAddress === "no") {
    return judged.waiting
      ? "The connection has ended and the kernel keeps its port for a minute; SO_REUSEADDR would pass over it."
      : "Without SO_REUSEADDR any socket on the port is in the way, listening or not.";
  }
  if (judged.conflict === "yes") return "It has not set SO_REUSEADDR, and both must have it to share the port.";
  return judged.waiting
    ? "The connection has ended and the kernel keeps its port for a minute; it is in the way unless its socket had set SO_REUSEADDR."
    : "It is in the way unless it has set SO_REUSEADDR.";
}

function explainUdp(
  wish: FullWish,
  judged: { sameUser: Certainty; bothReusePort: Certainty; overlooked: boolean },
): string {
  if (judged.overlooked) {
    return "More than ten UDP sockets may share the kernel's slot for this port, and then it does not look for this one.";
  }
  if (wish.reusePort === "yes" && judged.sameUser === "no") {
    return "SO_REUSEPORT shares a port only among sockets of one user, and this one is another user's.";
  }
  if (wish.reuseAddress === "no" && wish.reusePort === "no") {
    return "Neither SO_REUSEADDR nor SO_REUSEPORT is asked for, so the port is not shared.";
  }
  return "It is in the way unless it has set the same option.";
}
