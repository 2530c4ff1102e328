/**
 * @module Wishes that are in each other's way: the same port, at addresses that overlap by the kernel's rules, at the same time.
 */
import { known, unknown, type Port, type Socket } from "../core/index.ts";
import { planBind, type BindWish, type BindWorld } from "../plan/index.ts";
import type { PortWish } from "./port-wish.ts";
import { runTogether, type TogetherOptions } from "./run-together.ts";

/** One wish and those before it that it meets. */
export interface Meeting {
  /** Index of the wish. */
  readonly wish: number;
  /** Indexes of earlier wishes, at least one. */
  readonly others: readonly number[];
  readonly port: number;
  /** `conflict`: one of them does not start. `warning`: it takes another port by itself, or they may never run together. */
  readonly severity: "conflict" | "warning";
}

/** Ports of all wishes together that are compared. */
const mostPorts = 2_000_000;
/** Earlier wishes on one port that each is compared with. */
const mostCompared = 500;
/** Others that are told of one wish. */
const mostOthers = 10;

/** What was found. */
export interface Meetings {
  readonly meetings: readonly Meeting[];
  /** False when there are more ports than are compared. */
  readonly complete: boolean;
}

const transports = ["tcp", "udp", "sctp"] as const;

/** Finds them. A wish that meets others is told once, with the lowest port. */
export function findMeetings(wishes: readonly PortWish[], options: TogetherOptions): Meetings {
  const onPort = new Map<number, number[]>();
  const meetings: Meeting[] = [];
  let ports = 0;
  for (const [index, wish] of wishes.entries()) {
    if (wish.role !== "listens" || wish.inactive !== null) continue;
    let found: Meeting | undefined;
    for (let port = wish.port; port < wish.port + wish.count; port += 1) {
      ports += 1;
      if (ports > mostPorts) return { meetings, complete: false };
      const key = transports.indexOf(wish.transport) * 65_536 + port;
      const earlier = onPort.get(key);
      if (earlier === undefined) onPort.set(key, [index]);
      else {
        found ??= meet(index, earlier, port, wishes, options);
        earlier.push(index);
      }
    }
    if (found !== undefined) meetings.push(found);
  }
  return { meetings, complete: true };
}

function meet(
  index: number,
  earlier: readonly number[],
  port: number,
  wishes: readonly PortWish[],
  options: TogetherOptions,
): Meeting | undefined {
  const wish = wishes[index]!;
  const others: number[] = [];
  let severity: Meeting["severity"] = "warning";
  for (const candidate of earlier.slice(0, mostCompared)) {
    if (candidate === index) continue;
    const other = wishes[candidate]!;
    const together = runTogether(wish, other, options);
    if (together === "no" || !overlap(wish, other)) continue;
    const bothMove = wish.ifTaken === "moves" && other.ifTaken === "moves";
    const onlyInspector = wish.program === "node-inspector" || other.program === "node-inspector";
    if (together === "yes" && !bothMove && !onlyInspector) severity = "conflict";
    if (others.length < mostOthers) others.push(candidate);
  }
  return others.length === 0 ? undefined : { wish: index, others, port, severity };
}

/** Whether two wishes for one port meet by the rules of bind(2). */
export function overlap(left: PortWish, right: PortWish): boolean {
  if (left.address === right.address) return true;
  const world: BindWorld = { ...emptyWorld, sockets: bindsOf(left, left.port).map(socketOf) };
  return bindsOf(right, left.port).some((bind) => planBind(bind, world).obstacles.length > 0);
}

const notKnown = unknown("unsupported");
const emptyWorld: BindWorld = {
  sockets: [],
  interfaces: [],
  limits: {
    unprivilegedPortStart: known(0),
    ephemeralRange: notKnown,
    reservedPorts: notKnown,
    mayBindPrivileged: notKnown,
    v6onlyDefault: notKnown,
  },
};

/** The sockets that a wish comes to. @param port one of its own */
export function bindsOf(wish: PortWish, port: number): BindWish[] {
  const transport = wish.transport === "udp" ? "udp" : "tcp";
  const at = (address: string, v6only = false): BindWish => ({
    transport,
    address,
    port: port as Port,
    v6only,
    uid: null,
  });
  if (wish.address === "localhost") return [at("127.0.0.1"), at("::1")];
  // A container engine binds each family for itself.
  if (wish.address !== null) return [at(wish.address, wish.binder !== "user")];
  return wish.binder === "user" ? [at("::")] : [at("0.0.0.0"), at("::", true)];
}

function socketOf({ transport, address, port, v6only }: BindWish): Socket {
  const isIpv6 = address.includes(":");
  return {
    transport,
    family: isIpv6 ? "ipv6" : "ipv4",
    state: transport === "tcp" ? "LISTEN" : "UNCONNECTED",
    local: { address, port },
    remote: null,
    v6only: isIpv6 ? known(v6only === true) : null,
    boundInterface: known(null),
    inode: 1,
    uid: 0,
    receiveQueue: 0,
    sendQueue: known(0),
  };
}
