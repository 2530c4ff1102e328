/**
 * @module Listening sockets grouped into services as a person thinks of them: one row for one server on one port.
 */
import { isListening, known, transports } from "../core/index.ts";
import type { Known, Port, Socket, Transport, UnknownReason } from "../core/index.ts";
import type { Process, Snapshot, SocketHolder } from "../host/index.ts";
import { parentChain } from "./parents.ts";

/** One process of a service. */
export interface ServiceHolder {
  readonly pid: number;
  /**
   * `leader`: no other holder of the service started it. `worker`: a descendant of a leader, or a service manager that
   * only keeps the socket open for the leader (systemd's socket activation).
   */
  readonly role: "leader" | "worker";
  /** Descriptors by which it holds the service's sockets, ascending, each once. */
  readonly fileDescriptors: readonly number[];
}

/** One server on one port of one transport, on one or several addresses. */
export interface Service {
  readonly transport: Transport;
  readonly port: Port;
  /** IPv4 first, then by address and inode. Never empty. */
  readonly sockets: readonly Socket[];
  /** Leaders first, then by pid. Unknown or empty exactly when that holds of each of its sockets. */
  readonly holders: Known<readonly ServiceHolder[]>;
}

/** Programs that hold a socket on behalf of the service they start. */
const activatorNames: ReadonlySet<string> = new Set(["systemd", "init", "launchd", "inetd", "xinetd"]);

/** Programs of which the parent starts one per address, so that siblings on different addresses are one service. */
const perAddressNames: ReadonlySet<string> = new Set(["docker-proxy", "rootlessport"]);

/** A socket with its holders. */
interface HeldSocket {
  readonly socket: Socket;
  readonly holders: readonly SocketHolder[];
}

/** The sockets of one transport and port. */
interface Door {
  readonly held: HeldSocket[];
  /** Sockets without a holder to name, by `why uid`; most doors have none. */
  orphans: Map<string, Orphans> | undefined;
}

/** Sockets without a holder to name, of one user. */
interface Orphans {
  readonly holders: Known<readonly ServiceHolder[]>;
  readonly sockets: Socket[];
}

/**
 * Groups the listening sockets of a snapshot into services.
 *
 * One service is one transport and port held by one family of processes. A family is: processes that hold the same
 * socket (inherited by fork or passed over a Unix socket); and processes of one executable of which one is an ancestor
 * of the other, or which have the same parent and listen on the same address (SO_REUSEPORT).
 * Sockets with unknown holders are grouped by user id; so are sockets that no process holds.
 *
 * The answer is sorted by port, then transport, then first address, and does not depend on the order of the sockets.
 */
export function groupServices(snapshot: Pick<Snapshot, "sockets" | "holdersOf" | "processOf">): Service[] {
  const doors = new Map<number, Door>();
  for (const socket of snapshot.sockets) {
    if (!isListening(socket)) continue;
    // Port first, so that numeric order of the keys is the order of the answer.
    const key = socket.local.port * 4 + transports.indexOf(socket.transport);
    let door = doors.get(key);
    if (door === undefined) {
      door = { held: [], orphans: undefined };
      doors.set(key, door);
    }
    const holders = snapshot.holdersOf(socket);
    if (holders.known && holders.value.length > 0) {
      door.held.push({ socket, holders: holders.value });
      continue;
    }
    const why: UnknownReason | "nobody" = holders.known ? "nobody" : holders.why;
    const orphanKey = `${why} ${socket.uid}`;
    door.orphans ??= new Map();
    const orphan = door.orphans.get(orphanKey);
    if (orphan === undefined) {
      door.orphans.set(orphanKey, { holders: holders.known ? known([]) : holders, sockets: [socket] });
    } else orphan.sockets.push(socket);
  }

  const kinship = new Kinship(snapshot);
  const services: Service[] = [];
  for (const key of [...doors.keys()].sort((left, right) => left - right)) {
    const door = doors.get(key)!;
    const here: Service[] = [];
    // Nearly every door: one socket, held by one process.
    const [only, second] = door.held;
    if (only !== undefined && second === undefined && only.holders.length === 1) here.push(toSoleService(only));
    else for (const family of groupFamilies(door.held, kinship)) here.push(toService(family, kinship));
    for (const orphan of door.orphans?.values() ?? []) {
      const sockets = orphan.sockets.sort(compareSockets);
      const first = sockets[0]!;
      here.push({ transport: first.transport, port: first.local.port, sockets, holders: orphan.holders });
    }
    if (here.length > 1) here.sort((left, right) => compareSockets(left.sockets[0]!, right.sockets[0]!));
    for (const service of here) services.push(service);
  }
  return services;
}

/** What the grouping has to know about processes, each read once per call. */
class Kinship {
  readonly #snapshot: Pick<Snapshot, "processOf">;
  readonly #ancestors = new Map<number, readonly number[]>();
  readonly #activators = new Map<number, boolean>();

  constructor(snapshot: Pick<Snapshot, "processOf">) {
    this.#snapshot = snapshot;
  }

  /** Pids of the parents, nearest first. */
  ancestorsOf(pid: number): readonly number[] {
    let ancestors = this.#ancestors.get(pid);
    if (ancestors === undefined) {
      ancestors = parentChain(this.#snapshot, pid).map((parent) => parent.pid);
      this.#ancestors.set(pid, ancestors);
    }
    return ancestors;
  }

  /** The executable, or the short name where the executable is out of sight; `undefined` when both are. */
  programOf(pid: number): string | undefined {
    const process = this.#snapshot.processOf(pid);
    if (process.executable.known) return process.executable.value;
    return process.name.known ? `name ${process.name.value}` : undefined;
  }

  /** True for a service manager that keeps sockets open for others. In a container, pid 1 is an ordinary program. */
  isActivator(pid: number): boolean {
    let activator = this.#activators.get(pid);
    if (activator === undefined) {
      activator = activatorNames.has(baseNameOf(this.#snapshot.processOf(pid)));
      this.#activators.set(pid, activator);
    }
    return activator;
  }

  /** True when siblings of this program on different addresses belong together. */
  isPerAddress(pid: number): boolean {
    return perAddressNames.has(baseNameOf(this.#snapshot.processOf(pid)));
  }
}

function baseNameOf(process: Process): string {
  if (process.executable.known) return process.executable.value.slice(process.executable.value.lastIndexOf("/") + 1);
  return process.name.known ? process.name.value : "";
}

/** Splits the sockets of one door by family of holders. Linear in sockets, holders and depth of the process tree. */
function groupFamilies(held: readonly HeldSocket[], kinship: Kinship): (readonly HeldSocket[])[] {
  if (held.length === 0) return [];
  // Nearly every door: one process holds all of its sockets.
  const pid = held[0]!.holders[0]!.pid;
  if (held.every(({ holders }) => holders.length === 1 && holders[0]!.pid === pid)) return [held];
  const families = new UnionFind();
  /** Pids that decide the family of a socket: service managers only when nobody else holds it. */
  const members = held.map(({ holders }) => {
    if (holders.length === 1) return [holders[0]!.pid];
    const servants = holders.filter((holder) => !kinship.isActivator(holder.pid));
    return (servants.length > 0 ? servants : holders).map((holder) => holder.pid);
  });
  for (const pids of members) for (const pid of pids) families.join(pids[0]!, pid);

  const pids = families.members();
  if (pids.length > 1) {
    const present = new Set(pids);
    for (const pid of pids) {
      const program = kinship.programOf(pid);
      if (program === undefined) continue;
      for (const ancestor of kinship.ancestorsOf(pid)) {
        if (present.has(ancestor) && kinship.programOf(ancestor) === program) families.join(pid, ancestor);
      }
    }
    const siblings = new Map<string, number>();
    for (const [index, { socket }] of held.entries()) {
      for (const pid of members[index]!) {
        const program = kinship.programOf(pid);
        const parent = kinship.ancestorsOf(pid)[0];
        if (program === undefined || parent === undefined) continue;
        const address = kinship.isPerAddress(pid) ? "" : `${socket.family} ${socket.local.address}`;
        const key = `${parent} ${address} ${program}`;
        const sibling = siblings.get(key);
        if (sibling === undefined) siblings.set(key, pid);
        else families.join(sibling, pid);
      }
    }
  }

  const groups = new Map<number, HeldSocket[]>();
  for (const [index, heldSocket] of held.entries()) {
    const representative = families.find(members[index]![0]!);
    const group = groups.get(representative);
    if (group === undefined) groups.set(representative, [heldSocket]);
    else group.push(heldSocket);
  }
  return [...groups.values()];
}

function toSoleService({ socket, holders }: HeldSocket): Service {
  const { pid, fileDescriptors } = holders[0]!;
  const leader: ServiceHolder = { pid, role: "leader", fileDescriptors: sortUnique(fileDescriptors) };
  return { transport: socket.transport, port: socket.local.port, sockets: [socket], holders: known([leader]) };
}

function toService(family: readonly HeldSocket[], kinship: Kinship): Service {
  const only = family[0]!.holders[0]!.pid;
  if (family.every(({ holders }) => holders.length === 1 && holders[0]!.pid === only)) {
    const fileDescriptors: number[] = [];
    for (const { holders } of family) {
      for (const descriptor of holders[0]!.fileDescriptors) fileDescriptors.push(descriptor);
    }
    return makeService(family, [{ pid: only, role: "leader", fileDescriptors: sortUnique(fileDescriptors) }]);
  }
  const descriptors = new Map<number, number[]>();
  for (const { holders } of family) {
    for (const holder of holders) {
      const collected = descriptors.get(holder.pid);
      if (collected === undefined) descriptors.set(holder.pid, [...holder.fileDescriptors]);
      else for (const descriptor of holder.fileDescriptors) collected.push(descriptor);
    }
  }
  const pids = [...descriptors.keys()];
  const leaders = findLeaders(pids, descriptors, kinship);
  const holders = pids
    .map((pid): ServiceHolder => ({
      pid,
      role: leaders.has(pid) ? "leader" : "worker",
      fileDescriptors: sortUnique(descriptors.get(pid)!),
    }))
    .sort((left, right) => Number(right.role === "leader") - Number(left.role === "leader") || left.pid - right.pid);
  return makeService(family, holders);
}

function makeService(family: readonly HeldSocket[], holders: readonly ServiceHolder[]): Service {
  const sockets: Socket[] = [];
  let sorted = true;
  for (const { socket } of family) {
    const last = sockets.at(-1);
    if (last !== undefined && compareSockets(last, socket) > 0) sorted = false;
    sockets.push(socket);
  }
  if (!sorted) sockets.sort(compareSockets);
  const first = sockets[0]!;
  return { transport: first.transport, port: first.local.port, sockets, holders: known(holders) };
}

/** Holders that no other holder started; a service manager leads only when it is alone. */
function findLeaders(pids: readonly number[], present: ReadonlyMap<number, unknown>, kinship: Kinship): Set<number> {
  if (pids.length === 1) return new Set(pids);
  const servants = pids.filter((pid) => !kinship.isActivator(pid));
  const candidates = servants.length > 0 ? servants : pids;
  const leaders = new Set<number>();
  for (const pid of candidates) {
    const started = kinship
      .ancestorsOf(pid)
      .some((ancestor) => present.has(ancestor) && (servants.length === 0 || !kinship.isActivator(ancestor)));
    if (!started) leaders.add(pid);
  }
  // Pids reused while the table was read can make two holders each other's ancestor.
  if (leaders.size === 0) leaders.add(Math.min(...candidates.slice(0, 1024)));
  return leaders;
}

function sortUnique(numbers: readonly number[]): readonly number[] {
  // In order already, which is what readers give: nothing to do.
  if (numbers.every((number, index) => index === 0 || numbers[index - 1]! < number)) return numbers;
  return [...new Set(numbers)].sort((left, right) => left - right);
}

function compareSockets(left: Socket, right: Socket): number {
  if (left.family !== right.family) return left.family === "ipv4" ? -1 : 1;
  if (left.local.address !== right.local.address) return left.local.address < right.local.address ? -1 : 1;
  return left.inode - right.inode;
}

/** Disjoint sets of pids with path halving; the lowest pid stands for its set. */
class UnionFind {
  readonly #parents = new Map<number, number>();

  find(pid: number): number {
    let current = pid;
    for (;;) {
      const parent = this.#parents.get(current);
      if (parent === undefined) {
        this.#parents.set(current, current);
        return current;
      }
      if (parent === current) return current;
      const grandparent = this.#parents.get(parent) ?? parent;
      this.#parents.set(current, grandparent);
      current = grandparent;
    }
  }

  join(left: number, right: number): void {
    const leftRoot = this.find(left);
    const rightRoot = this.find(right);
    if (leftRoot === rightRoot) return;
    this.#parents.set(Math.max(leftRoot, rightRoot), Math.min(leftRoot, rightRoot));
  }

  members(): readonly number[] {
    return [...this.#parents.keys()];
  }
}
