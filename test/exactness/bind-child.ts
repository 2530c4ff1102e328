/**
 * @module Runs sequences of moves on the kernel of its namespace and holds every bind and listen against the bind rules, with the
 * options known and from a snapshot alone. Bundled, run as root inside a namespace that has 10.77.9.2 and fd00:77:9::2.
 *
 * Usage: node bind-child.cjs '{"runs":500,"seed":1}' or '{"cases":[[…moves…]]}'. Prints one BindReport.
 */
import { asyncProperty, check } from "fast-check";
import { known, toPort, unknown, type Known, type Socket } from "../../src/core/index.ts";
import { createHost, type PortLimits, type Snapshot } from "../../src/host/index.ts";
import { planBind, planListen, type BindWish, type BindWorld, type Certainty } from "../../src/plan/index.ts";
import { sequences, slotCount, type Move } from "./bind-moves.ts";
import * as raw from "./raw-sockets.ts";

/** What to run. */
export interface BindRequest {
  readonly runs?: number;
  readonly seed?: number;
  /** Given sequences instead of generated ones. */
  readonly cases?: readonly (readonly Move[])[];
}

/** How often an answer was given. */
export type Tally = Record<Certainty, number>;

/** What came of it. */
export interface BindReport {
  readonly sequences: number;
  readonly seed: number;
  /** Answers with every option known. */
  readonly informed: { readonly bind: Tally; readonly listen: Tally };
  /** Answers from a snapshot alone. */
  readonly blind: { readonly bind: Tally; readonly listen: Tally };
  /** Answers of the kernel, by error. */
  readonly kernel: Record<string, number>;
  /** Binds and listens in the presence of a TIME_WAIT on the port. */
  readonly besideTimeWait: number;
  /** The first disagreement, shrunk. */
  readonly disagreement: { readonly moves: readonly Move[]; readonly message: string } | null;
}

/** What is known of a socket that no table tells. */
interface Record_ {
  reuseAddress: boolean;
  reusePort: boolean;
  v6only: boolean;
  /** An option was changed after the socket had its port: the kernel's bucket remembers what was before. */
  changed: boolean;
  order: number;
}

interface Slot {
  readonly descriptor: number;
  readonly transport: "tcp" | "udp";
  readonly family: "ipv4" | "ipv6";
  readonly uid: number;
  readonly record: Record_;
  device: string | null;
  bound: boolean;
  connected: boolean;
  listens: boolean;
}

const host = createHost({ reader: "netlink" });
const byInode = new Map<number, Record_>();
const byEnds = new Map<string, Record_>();
let order = 0;
let round = 0;

const tallies = { informed: { bind: tally(), listen: tally() }, blind: { bind: tally(), listen: tally() } };
const kernel: Record<string, number> = {};
let besideTimeWait = 0;

function tally(): Tally {
  return { yes: 0, no: 0, depends: 0 };
}

function plain(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}

function endsOf({ transport, local, remote }: Pick<Socket, "transport" | "local" | "remote">): string {
  return `${transport} ${plain(local.address)} ${local.port} ${plain(remote?.address ?? "")} ${remote?.port ?? 0}`;
}

function optionsOf(socket: Socket): ReturnType<NonNullable<BindWorld["optionsOf"]>> {
  const record = byInode.get(socket.inode) ?? byEnds.get(endsOf(socket));
  if (record === undefined) return undefined;
  const fact = (value: boolean): Known<boolean> => (record.changed ? unknown("unsupported") : known(value));
  return {
    reuseAddress: fact(record.reuseAddress),
    reusePort: fact(record.reusePort),
    v6only: known(record.v6only),
    order: record.order,
  };
}

class Disagreement extends Error {}

async function look(): Promise<Snapshot> {
  return host.snapshot({ states: "all", holders: "none" });
}

function limitsOf(snapshot: Snapshot, uid: number): PortLimits {
  return { ...snapshot.limits, mayBindPrivileged: known(uid === 0) };
}

function compare(what: "bind" | "listen", told: Certainty, error: string | null, got: raw.Outcome, how: string): void {
  if (told === "depends") return;
  const expected = told === "yes" ? "success" : (error ?? "EADDRINUSE");
  const actual = got.ok ? "success" : got.error;
  if (expected !== actual) {
    throw new Disagreement(`${how}: ${what} was foretold to give ${expected} and gave ${actual}`);
  }
}

async function tryBind(slot: Slot, address: string, port: number): Promise<void> {
  const snapshot = await look();
  const wish: BindWish = {
    transport: slot.transport,
    address,
    port: toPort(port),
    v6only: slot.record.v6only,
    reuseAddress: slot.record.reuseAddress,
    reusePort: slot.record.reusePort,
    interfaceName: slot.device,
    uid: slot.uid,
  };
  const world: BindWorld = {
    sockets: snapshot.sockets,
    interfaces: snapshot.interfaces,
    limits: limitsOf(snapshot, slot.uid),
  };
  const informed = planBind(wish, { ...world, optionsOf });
  const blind = planBind(wish, world);
  const got = raw.asUser(slot.uid, () => raw.bind(slot.descriptor, address, port, slot.family));
  const answer = got.ok ? "success" : got.error;
  kernel[answer] = (kernel[answer] ?? 0) + 1;
  tallies.informed.bind[informed.bind] += 1;
  tallies.blind.bind[blind.bind] += 1;
  noteTimeWait(snapshot, port);
  const told = `${JSON.stringify(wish)} beside ${tell(snapshot, port)}`;
  compare("bind", informed.bind, informed.error, got, `with options known, ${told}`);
  compare("bind", blind.bind, blind.error, got, `from a snapshot alone, ${told}`);
  if (!got.ok) return;
  slot.bound = true;
  order += 1;
  slot.record.order = order;
  // A socket that is bound to an IPv6 address takes no IPv4 from then on.
  if (slot.family === "ipv6" && address !== "::" && !address.startsWith("::ffff:")) slot.record.v6only = true;
}

async function tryListen(slot: Slot): Promise<void> {
  if (slot.transport !== "tcp" || slot.listens || slot.connected || !slot.bound) return;
  const snapshot = await look();
  const inode = raw.inodeOf(slot.descriptor);
  const own = snapshot.sockets.find((socket) => socket.inode === inode);
  if (own === undefined) return;
  const world: BindWorld = {
    sockets: snapshot.sockets,
    interfaces: snapshot.interfaces,
    limits: limitsOf(snapshot, slot.uid),
  };
  const { reuseAddress, reusePort, v6only, changed } = slot.record;
  const wish = { reuseAddress, reusePort, v6only, interfaceName: slot.device, uid: slot.uid };
  const informed = planListen(own, wish, { ...world, optionsOf });
  const blind = planListen(own, wish, world);
  const got = raw.asUser(slot.uid, () => raw.listen(slot.descriptor));
  const answer = got.ok ? "success" : got.error;
  kernel[answer] = (kernel[answer] ?? 0) + 1;
  if (got.ok) slot.listens = true;
  if (changed) return;
  tallies.informed.listen[informed.listen] += 1;
  tallies.blind.listen[blind.listen] += 1;
  noteTimeWait(snapshot, own.local.port);
  const told = `listen of ${JSON.stringify(wish)} beside ${tell(snapshot, own.local.port)}`;
  compare("listen", informed.listen, "EADDRINUSE", got, `with options known, ${told}`);
  compare("listen", blind.listen, "EADDRINUSE", got, `from a snapshot alone, ${told}`);
}

function noteTimeWait(snapshot: Snapshot, port: number): void {
  if (snapshot.sockets.some(({ state, local }) => state === "TIME_WAIT" && local.port === port)) besideTimeWait += 1;
}

function tell(snapshot: Snapshot, port: number): string {
  const rows = snapshot.sockets.filter(({ local }) => local.port === port);
  return JSON.stringify(
    rows.map((row) => [
      row.transport,
      row.family,
      row.state,
      row.local,
      row.remote,
      row.inode,
      row.uid,
      byInode.get(row.inode),
    ]),
  );
}

async function tryConnect(
  slot: Slot,
  slots: readonly (Slot | undefined)[],
  address: string,
  port: number,
): Promise<void> {
  if (slot.connected || slot.listens) return;
  const listeners = slots.filter((one) => one !== undefined && one.listens && raw.portOf(one.descriptor) === port);
  const wasBound = slot.bound;
  const got = raw.asUser(slot.uid, () => raw.connect(slot.descriptor, address, port, slot.family));
  slot.bound ||= raw.portOf(slot.descriptor) !== 0;
  if (!wasBound && slot.bound) {
    order += 1;
    slot.record.order = order;
  }
  if (!got.ok && got.error !== "EINPROGRESS") return;
  slot.connected = true;
  const inode = raw.inodeOf(slot.descriptor);
  const snapshot = await look();
  const own = snapshot.sockets.find((socket) => socket.inode === inode);
  if (own === undefined || own.remote === null) return;
  byEnds.set(endsOf(own), slot.record);
  if (slot.transport !== "tcp") return;
  // The other end has what its listener had; which of several listeners got it is told by none of the tables.
  const [listener, ...others] = listeners;
  const child = listener === undefined ? undefined : { ...listener.record };
  if (child !== undefined && others.length > 0) child.changed = true;
  const far = endsOf({ transport: "tcp", local: own.remote, remote: own.local });
  if (child === undefined) byEnds.delete(far);
  else if (far !== endsOf(own)) byEnds.set(far, child);
}

async function tryAccept(slots: (Slot | undefined)[], server: Slot, into: number): Promise<void> {
  if (!server.listens) return;
  const got = raw.accept(server.descriptor);
  if (!got.ok) return;
  const inode = raw.inodeOf(got.value);
  const own = (await look()).sockets.find((socket) => socket.inode === inode);
  const record = (own === undefined ? undefined : byEnds.get(endsOf(own))) ?? { ...server.record, changed: true };
  byInode.set(inode, record);
  const old = slots[into];
  if (old !== undefined && old !== server) raw.close(old.descriptor);
  slots[into] = { ...server, descriptor: got.value, record, connected: true, listens: false };
}

async function play(moves: readonly Move[]): Promise<void> {
  round += 1;
  const base = 1100 + (round % 7000) * 3;
  const ports = [base, base + 1, base + 2, 600 + (round % 400)];
  const slots: (Slot | undefined)[] = Array.from({ length: slotCount });
  const portAt = (choice: number): number => {
    if (choice < ports.length) return ports[choice]!;
    for (const slot of slots) {
      const port = slot === undefined ? 0 : raw.portOf(slot.descriptor);
      if (port !== 0) return port;
    }
    return ports[0]!;
  };
  try {
    for (const move of moves) await make(move, slots, portAt);
  } finally {
    for (const slot of slots) if (slot !== undefined) raw.close(slot.descriptor);
    byInode.clear();
  }
}

async function make(move: Move, slots: (Slot | undefined)[], portAt: (choice: number) => number): Promise<void> {
  const slot = slots[move.slot];
  if (move.do === "open") {
    if (slot !== undefined) raw.close(slot.descriptor);
    const uid = move.otherUser ? raw.otherUid : 0;
    const descriptor = raw.asUser(uid, () => raw.openSocket(move.transport, move.family));
    const record = { reuseAddress: false, reusePort: false, v6only: false, changed: false, order: 0 };
    byInode.set(raw.inodeOf(descriptor), record);
    const { transport, family } = move;
    slots[move.slot] = {
      descriptor,
      transport,
      family,
      uid,
      record,
      device: null,
      bound: false,
      connected: false,
      listens: false,
    };
    return;
  }
  if (move.do === "accept") {
    const server = slot?.listens === true ? slot : slots.find((one) => one?.listens === true);
    if (server !== undefined) await tryAccept(slots, server, move.into);
    return;
  }
  if (slot === undefined) return;
  if (move.do === "set") set(slot, move);
  else if (move.do === "bind") {
    const fits = move.address.includes(":") === (slot.family === "ipv6");
    if (fits && !slot.bound && !slot.connected) await tryBind(slot, move.address, portAt(move.port));
  } else if (move.do === "listen") await tryListen(slot);
  else if (move.do === "connect") {
    const fits = move.address.includes(":") === (slot.family === "ipv6");
    if (fits) await tryConnect(slot, slots, move.address, portAt(move.port));
  } else {
    raw.close(slot.descriptor);
    slots[move.slot] = undefined;
  }
}

function set(slot: Slot, { option, on }: Extract<Move, { do: "set" }>): void {
  if (option === "IPV6_V6ONLY" && slot.family === "ipv4") return;
  if (option === "SO_BINDTODEVICE" && slot.bound) return;
  const got = raw.setOption(slot.descriptor, option, on);
  if (!got.ok) return;
  if (option === "SO_BINDTODEVICE") slot.device = on ? "lo" : null;
  else if (option === "IPV6_V6ONLY") slot.record.v6only = on;
  else {
    const key = option === "SO_REUSEADDR" ? "reuseAddress" : "reusePort";
    if (slot.bound && slot.record[key] !== on) slot.record.changed = true;
    slot.record[key] = on;
  }
}

async function main(): Promise<void> {
  const request = JSON.parse(process.argv[2] ?? "{}") as BindRequest;
  let disagreement: BindReport["disagreement"] = null;
  let seed = request.seed ?? 0;
  if (request.cases !== undefined) {
    for (const moves of request.cases) {
      try {
        await play(moves);
      } catch (error) {
        if (!(error instanceof Disagreement)) throw error;
        disagreement ??= { moves, message: error.message };
      }
    }
  } else {
    const outcome = await check(asyncProperty(sequences, play), {
      numRuns: request.runs ?? 300,
      ...(request.seed === undefined ? {} : { seed: request.seed }),
      endOnFailure: false,
    });
    seed = outcome.seed;
    if (outcome.failed) {
      const error = outcome.errorInstance;
      const message =
        error instanceof Error ? (error instanceof Disagreement ? error.message : String(error.stack)) : String(error);
      disagreement = { moves: outcome.counterexample?.[0] ?? [], message };
    }
  }
  const report: BindReport = { sequences: round, seed, ...tallies, kernel, besideTimeWait, disagreement };
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

void main();
