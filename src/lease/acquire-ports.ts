/**
 * @module Takes free ports so that no other caller on this machine gets them: each port's lock first, then whether it was promised to
 * somebody, then whether it can be bound. Only one caller at a time tries a port.
 */
import { PortSet, PortolanError, isPortolanError, portCount, unknown, type Port, type Socket } from "../core/index.ts";
import type { Host, PortLimits } from "../host/index.ts";
import { prepareLocks, tryLock, type KernelLock } from "../store/index.ts";
import { readLeaseRecords, removeLeaseRecords } from "./lease-records.ts";
import { blockedPorts, poolsOf } from "./port-pool.ts";
import { createPortProbe, type PortProbe, type ProbedSockets } from "./port-probe.ts";

/** What ports are wanted. */
export interface PortWish extends ProbedSockets {
  /** How many, at least 1. */
  readonly count: number;
  /** Neighbours, ascending. */
  readonly contiguous: boolean;
  /** Tried first, in this order. Not with `contiguous`. */
  readonly prefer: Iterable<number>;
  /** Taken from these, lowest first; `null` for the ports that are safe to hand out, at random. */
  readonly within: PortSet | null;
  /** Never these. */
  readonly except: PortSet;
  /** Never these, because they are reserved to somebody by name. */
  readonly reserved: PortSet;
  /** Where among the safe ports to begin, from 0 to 1, so that the same project comes to the same port; `null` for anywhere. */
  readonly start: number | null;
}

/** What the search needs of its surroundings. */
export interface Surroundings {
  readonly host: Pick<Host, "readLimits" | "snapshot">;
  readonly signal: AbortSignal;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** A port that is ours as long as its lock is. */
export interface AcquiredPort {
  readonly port: Port;
  readonly lock: KernelLock;
}

/** Why ports of the wish were not to be had. */
export interface Refusals {
  /** Somebody has a socket on it. */
  taken: number;
  /** Promised to another caller. */
  leased: number;
  /** Reserved by name. */
  reserved: number;
  /** Browsers do not open it. */
  blocked: number;
  /** The kernel does not let this user bind it. */
  forbidden: number;
}

/** From so many ports on it is worth making room for them first. */
const manyPorts = 32;

/** How often one draws for a port before all are listed: two in five of all ports are safe to hand out. */
const drawsEach = 8;

/** How many are locked before they are looked up together. */
const batchSize = 256;

/**
 * Takes ports. All or none.
 * @throws PORTS_EXHAUSTED; LEASE_STORE_FAILED; ABORTED; ARGUMENT_INVALID when an address is not this machine's
 */
export async function acquirePorts(wish: PortWish, surroundings: Surroundings): Promise<AcquiredPort[]> {
  if (wish.count >= manyPorts) prepareLocks(wish.count);
  const search = new PortSearch(wish, surroundings);
  try {
    return wish.contiguous && wish.count > 1 ? await search.findRun() : await search.findEach();
  } catch (error) {
    search.releaseAll();
    throw error;
  }
}

class PortSearch {
  readonly #wish: PortWish;
  readonly #surroundings: Surroundings;
  readonly #probe: PortProbe;
  readonly #held = new Map<Port, KernelLock>();
  readonly #tried = new Set<number>();
  readonly #preferred = new Set<number>();
  readonly #refusals: Refusals = { taken: 0, leased: 0, reserved: 0, blocked: 0, forbidden: 0 };

  #readLimits: PortLimits | undefined;

  constructor(wish: PortWish, surroundings: Surroundings) {
    this.#wish = wish;
    this.#surroundings = surroundings;
    this.#probe = createPortProbe(wish);
  }

  async findEach(): Promise<AcquiredPort[]> {
    const { count } = this.#wish;
    const found: Port[] = [];
    const candidates = this.#candidates();
    for (;;) {
      this.#checkAbort();
      const wanted = Math.min(count - found.length, batchSize);
      const locked: Port[] = [];
      let ended = false;
      while (locked.length < wanted && !ended) {
        const next = candidates.next();
        ended = next.done === true;
        if (next.done === true) break;
        const got = this.#lock(next.value);
        // Where the locks are the kernel's own nothing is waited for: a promise a port would cost as much as the lock.
        if (typeof got === "boolean" ? got : await got) locked.push(next.value as Port);
      }
      for (const port of this.#dropPromised(locked)) {
        const free = this.#isFree(port);
        if (typeof free === "boolean" ? free : await free) found.push(port);
      }
      if (found.length === count) return this.#take(found);
      if (ended) throw this.#exhausted(found.length);
    }
  }

  /** A run of neighbours. The socket table says where there is room, so that a crowded machine is not searched port by port. */
  async findRun(): Promise<AcquiredPort[]> {
    const { count, within } = this.#wish;
    const pools = poolsOf(this.#limits);
    const used = PortSet.from(new Set(await listUsedPorts(this.#surroundings.host)));
    let longest = 0;
    for (const set of within === null ? [pools.preferred, pools.all] : [within]) {
      const room = this.#allowed(set);
      const free = room.difference(used);
      this.#refusals.taken = Math.max(this.#refusals.taken, room.size - free.size);
      for (const [first, last] of this.#inOrder([...free.ranges()])) {
        longest = Math.max(longest, last - first + 1);
        for (let start: number = first; start + count - 1 <= last;) {
          this.#checkAbort();
          const obstacle = await this.#tryRun(start, count);
          if (obstacle === null) return this.#take(Array.from({ length: count }, (_, step) => (start + step) as Port));
          this.releaseAll();
          start = obstacle + 1;
        }
      }
    }
    throw this.#exhausted(0, `The longest run of free ports has ${longest}.`);
  }

  /** The highest port of the run that is not to be had, or `null` when all are held. */
  async #tryRun(start: number, count: number): Promise<number | null> {
    // From the end: an obstacle there spares all the ports before it.
    const run = Array.from({ length: count }, (_, step) => start + count - 1 - step);
    for (const port of run) {
      this.#tried.delete(port);
      if (!(await this.#lock(port))) return port;
    }
    const kept = new Set<number>(this.#dropPromised(run as Port[]));
    for (const port of run) if (!kept.has(port) || !(await this.#isFree(port as Port))) return port;
    return null;
  }

  releaseAll(): void {
    for (const lock of this.#held.values()) lock.release();
    this.#held.clear();
  }

  get #limits(): PortLimits {
    return (this.#readLimits ??= readLimits(this.#surroundings.host));
  }

  /** Explicit sets from the lowest on; the safe ports at random or from the wished start. */
  *#candidates(): Generator<number, void> {
    const { prefer, within, start } = this.#wish;
    for (const port of prefer) {
      if (!this.#mayTry(port)) continue;
      this.#preferred.add(port);
      yield port;
    }
    if (within !== null) {
      for (const port of this.#allowed(within)) if (this.#mayTry(port)) yield port;
      return;
    }
    const pools = poolsOf(this.#limits);
    if (start === null) yield* this.#draw(pools.preferred);
    for (const pool of [pools.preferred, pools.all]) {
      const ports = listPorts(this.#allowed(pool));
      const order = start === null ? shuffled(ports, this.#surroundings.random) : rotated(ports, start);
      for (const port of order) if (this.#mayTry(port)) yield port;
    }
  }

  /** Ports at random, as long as most are free: then no list of all of them is needed. */
  *#draw(pool: PortSet): Generator<number, void> {
    const { count } = this.#wish;
    for (let left = drawsEach * count; left > 0; left--) {
      const port = Math.floor(this.#surroundings.random() * portCount);
      if (pool.has(port) && this.#mayTry(port)) yield port;
    }
  }

  #inOrder(ranges: [Port, Port][]): [Port, Port][] {
    if (this.#wish.within !== null || ranges.length === 0) return ranges;
    const { start } = this.#wish;
    const at = Math.floor((start ?? this.#surroundings.random()) * ranges.length);
    return [...ranges.slice(at), ...ranges.slice(0, at)];
  }

  #allowed(set: PortSet): PortSet {
    const { except, reserved } = this.#wish;
    const unblocked = set.difference(blockedPorts);
    const unreserved = unblocked.difference(reserved);
    this.#refusals.blocked = Math.max(this.#refusals.blocked, set.size - unblocked.size);
    this.#refusals.reserved = Math.max(this.#refusals.reserved, unblocked.size - unreserved.size);
    return unreserved.difference(except);
  }

  /** Each port once; preferred ones must pass the same rules. */
  #mayTry(port: number): boolean {
    if (this.#tried.has(port) || port === 0) return false;
    this.#tried.add(port);
    const { except, reserved } = this.#wish;
    if (except.has(port)) return false;
    if (blockedPorts.has(port)) this.#refusals.blocked += 1;
    else if (reserved.has(port)) this.#refusals.reserved += 1;
    else return true;
    return false;
  }

  #lock(port: number): boolean | Promise<boolean> {
    const lock = lockPort(port);
    return lock instanceof Promise ? lock.then((got) => this.#keep(port, got)) : this.#keep(port, lock);
  }

  #keep(port: number, lock: KernelLock | null): boolean {
    if (lock === null) this.#refusals.leased += 1;
    else this.#held.set(port as Port, lock);
    return lock !== null;
  }

  /** Looks the locked ports up in the records, which change only under the ports' locks, and lets go of those that are promised. */
  #dropPromised(locked: readonly Port[]): Port[] {
    if (locked.length === 0) return [];
    const promised = new Map(readLeaseRecords().map((record) => [record.port, record]));
    return locked.filter((port) => {
      const record = promised.get(port);
      if (record === undefined) return true;
      // Who has bound the port has got what was promised: the promise is over.
      if (record.endMs !== null && this.#probe(port) === "EADDRINUSE") {
        removeLeaseRecords(port);
        this.#refusals.taken += 1;
      } else this.#refusals[record.endMs === null ? "reserved" : "leased"] += 1;
      this.#letGo(port);
      return false;
    });
  }

  #isFree(port: Port): boolean | Promise<boolean> {
    // What is left of ended connections is worth a second look only where this very port was asked for.
    const error = this.#isAskedFor(port)
      ? probePort(this.#probe, port, this.#wish, this.#surroundings)
      : this.#probe(port);
    return error instanceof Promise ? error.then((told) => this.#judge(port, told)) : this.#judge(port, error);
  }

  #judge(port: Port, error: string | null): boolean {
    if (error === null) return true;
    this.#letGo(port);
    if (error === "EADDRINUSE") this.#refusals.taken += 1;
    else if (error === "EACCES" || error === "EPERM") this.#refusals.forbidden += 1;
    else throw refusalOf(port, this.#wish, error);
    return false;
  }

  #isAskedFor(port: Port): boolean {
    return this.#wish.within !== null || this.#preferred.has(port);
  }

  #letGo(port: Port): void {
    this.#held.get(port)?.release();
    this.#held.delete(port);
  }

  #take(ports: readonly Port[]): AcquiredPort[] {
    return ports.map((port) => ({ port, lock: this.#held.get(port)! }));
  }

  #checkAbort(): void {
    if (this.#surroundings.signal.aborted)
      throw new PortolanError("ABORTED", "The search for free ports was interrupted.");
  }

  #exhausted(found: number, more = ""): PortolanError {
    const { count, contiguous, within } = this.#wish;
    const { taken, leased, reserved, blocked, forbidden } = this.#refusals;
    const why = [
      [taken, "in use"],
      [leased, "promised to others"],
      [reserved, "reserved by name"],
      [blocked, "refused by browsers"],
      [forbidden, "not allowed to this user"],
    ].flatMap(([number, words]) => (number === 0 ? [] : [`${number} ${words}`]));
    const wanted = count === 1 ? "a free port" : `${count} free ports${contiguous ? " in a row" : ""}`;
    const where = within === null ? "among those that are safe to hand out" : `in ${clipSet(within)}`;
    const reasons = why.length === 0 ? "" : `: ${why.join(", ")}`;
    const partly = found > 0 ? `, only ${found}` : "";
    return new PortolanError(
      "PORTS_EXHAUSTED",
      `There is no room for ${wanted} ${where}${partly}${reasons}.${more === "" ? "" : ` ${more}`}`,
      {
        details: { wanted: count, found, taken, leased, reserved, blocked, forbidden },
      },
    );
  }
}

function clipSet(set: PortSet): string {
  const text = set.toString();
  return text.length <= 40 ? text || "an empty set" : `${text.slice(0, 37)}...`;
}

/** The error for a port that cannot be tried, or not by this user. */
export function refusalOf(port: number, wish: ProbedSockets, error: string): PortolanError {
  if (error === "EADDRNOTAVAIL" || error === "EAFNOSUPPORT" || error === "EINVAL") {
    const addresses = wish.addresses?.join(" and ") ?? "every address";
    return new PortolanError("ARGUMENT_INVALID", `This machine cannot bind ${addresses} (${error}).`, {
      details: { argument: "host", error, hint: "portolan interfaces lists the addresses that it has." },
    });
  }
  if (error === "EACCES" || error === "EPERM") {
    return new PortolanError("PORTS_EXHAUSTED", `Port ${port} may not be bound by this user (${error}).`, {
      details: { port, error, hint: `portolan can-bind ${port} says what would allow it.` },
    });
  }
  return new PortolanError("LEASE_STORE_FAILED", `Port ${port} could not be tried (${error}).`, {
    details: { port, error },
  });
}

/**
 * The lock of a port, one for all transports; `null` when another caller has it. A promise where the system needs time for it.
 * @throws LEASE_STORE_FAILED
 */
export function lockPort(port: number): KernelLock | null | Promise<KernelLock | null> {
  try {
    const lock = tryLock(`lease/${port}`, { waitable: false });
    return lock instanceof Promise ? lock.catch((error: unknown) => refuseLock(port, error)) : lock;
  } catch (error) {
    return refuseLock(port, error);
  }
}

function refuseLock(port: number, cause: unknown): never {
  throw new PortolanError("LEASE_STORE_FAILED", `Port ${port} could not be locked.`, { cause });
}

/**
 * Tries to bind a port, strictly: without SO_REUSEADDR any socket on it is in the way. What is left of ended connections passes where
 * a program with SO_REUSEADDR, which is nearly every server, could bind it.
 */
export async function probePort(
  probe: PortProbe,
  port: number,
  { transports }: ProbedSockets,
  { host }: Pick<Surroundings, "host">,
): Promise<string | null> {
  const error = await probe(port);
  if (error !== "EADDRINUSE" || !transports.includes("tcp")) return error;
  const sockets = await readSockets(host, [port]);
  const here = sockets.filter(({ transport, local }) => transports.includes(transport as "tcp") && local.port === port);
  // A socket that no process holds any more has ended, and waits.
  if (
    here.length === 0 ||
    here.some(({ transport, state, inode }) => transport === "udp" || inode !== 0 || state === "LISTEN")
  )
    return error;
  return probe(port, { reuseAddress: true });
}

/** On a system that Portolan cannot read yet, trying is all there is. */
async function readSockets(host: Pick<Host, "snapshot">, ports?: readonly number[]): Promise<readonly Socket[]> {
  try {
    const request = { states: "all", holders: "none" } as const;
    return (await host.snapshot(ports === undefined ? request : { ...request, ports })).sockets;
  } catch (error) {
    if (isPortolanError(error, "HOST_UNSUPPORTED")) return [];
    throw error;
  }
}

async function listUsedPorts(host: Pick<Host, "snapshot">): Promise<number[]> {
  return (await readSockets(host)).map(({ local }) => local.port);
}

function readLimits(host: Pick<Host, "readLimits">): PortLimits {
  try {
    return host.readLimits();
  } catch (error) {
    if (!isPortolanError(error, "HOST_UNSUPPORTED")) throw error;
    const out = unknown("unsupported");
    return {
      unprivilegedPortStart: out,
      ephemeralRange: out,
      reservedPorts: out,
      mayBindPrivileged: out,
      v6onlyDefault: out,
    };
  }
}

function listPorts(set: PortSet): Uint16Array {
  const ports = new Uint16Array(set.size);
  let at = 0;
  for (const [first, last] of set.ranges()) for (let port: number = first; port <= last; port++) ports[at++] = port;
  return ports;
}

/** Fisher and Yates's shuffle, as far as it is read. */
function* shuffled(ports: Uint16Array, random: () => number): Generator<number, void> {
  for (let left = ports.length; left > 0; left--) {
    const at = Math.floor(random() * left);
    const port = ports[at]!;
    ports[at] = ports[left - 1]!;
    yield port;
  }
}

function* rotated(ports: Uint16Array, start: number): Generator<number, void> {
  const first = Math.floor(start * ports.length);
  for (let step = 0; step < ports.length; step++) yield ports[(first + step) % ports.length]!;
}
