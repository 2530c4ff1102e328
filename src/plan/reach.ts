/**
 * @module From where a listener can be reached: at which addresses, by which URLs, and where another socket answers.
 */
import {
  audienceOf,
  formatSocketAddress,
  isLinkLocalAddress,
  isMulticastAddress,
  networkOf,
  type FamilyReach,
  type IpFamily,
  type Port,
  type Reach,
  type ReachScope,
  type ReachableAddress,
  type Socket,
  type TakenAddress,
} from "../core/index.ts";
import type { NetworkInterface, PortLimits } from "../host/host.ts";
import { bindingOf, doorOf, fateOf, type Binding, type Door } from "./delivery.ts";
import { isDown, loopbackPlaceOf, placesOf, type Place } from "./places.ts";
import { explainReach } from "./reach-reason.ts";

/** What the reach of a listener depends on. The lists are remembered by identity: pass the same ones, unchanged, for one snapshot. */
export interface ReachWorld {
  /** Interfaces of the listener's network namespace; empty when they could not be read. */
  readonly interfaces: readonly NetworkInterface[];
  readonly limits: PortLimits;
  /** All listening sockets of that namespace. */
  readonly listeners: readonly Socket[];
}

/** How to tell a reach. */
export interface ReachOptions {
  /** What the service speaks, for URLs; `null` (default) when it is not claimed to speak HTTP. */
  readonly scheme?: "http" | "https" | null;
}

/**
 * From where a service can be reached.
 * @param listener the sockets of one service: same transport and port, at least one
 */
export function reachOf(listener: readonly Socket[], world: ReachWorld, options: ReachOptions = {}): Reach {
  const first = listener[0];
  if (first === undefined) {
    return {
      scope: "nowhere",
      ipv4: "no",
      ipv6: "no",
      addresses: [],
      taken: [],
      reason: "It has no listening socket.",
    };
  }
  const { transport } = first;
  const { port } = first.local;
  const own = listener.map(bindingOf);
  const door = doorOf(world.listeners, transport, port);
  const alone = door.members.size === listener.length && listener.every((socket) => door.members.has(socket));
  const solution = alone ? recallSolution(own, transport, door, world) : solve(listener, own, door, world);
  const scheme = transport === "tcp" ? (options.scheme ?? null) : null;
  const { scope, ipv4, ipv6, taken, reason } = solution;
  const addresses = solution.answers.map(({ place, certain }) => toReachable(place, port, scheme, certain));
  if (transport === "udp") addresses.push(...listBroadcasts(own, world.interfaces, port));
  return { scope, ipv4, ipv6, addresses, taken, reason };
}

/** A reach but for its port and scheme. */
interface Solution extends Pick<Reach, "scope" | "ipv4" | "ipv6" | "taken" | "reason"> {
  readonly answers: readonly { readonly place: Place; readonly certain: boolean }[];
}

const solutions = new WeakMap<readonly NetworkInterface[], Map<string, Solution>>();

/** Where nobody else is on the port, services that are bound alike are reached alike: worked out once. */
function recallSolution(own: readonly Binding[], transport: string, door: Door, world: ReachWorld): Solution {
  let known = solutions.get(world.interfaces);
  if (known === undefined) solutions.set(world.interfaces, (known = new Map<string, Solution>()));
  let key = transport;
  for (const { socket, address, takes, device } of own) {
    key += `;${socket.family} ${address} ${takes.ipv4} ${takes.ipv6} ${device ?? ""}`;
  }
  let solution = known.get(key);
  if (solution === undefined) {
    solution = solve(
      own.map(({ socket }) => socket),
      own,
      door,
      world,
    );
    known.set(key, solution);
  }
  return solution;
}

function solve(listener: readonly Socket[], own: readonly Binding[], door: Door, world: ReachWorld): Solution {
  const mine = new Set(listener);
  const inodes = new Set(listener.flatMap((socket) => (socket.inode === 0 ? [] : [socket.inode])));
  const isRival = ({ socket }: Binding): boolean => !mine.has(socket) && !inodes.has(socket.inode);
  const wildcardRivals = door.wildcards.filter(isRival);

  const answers: { place: Place; certain: boolean }[] = [];
  const taken: TakenAddress[] = [];
  const lost = { ipv4: false, ipv6: false };
  let contested = false;
  for (const place of listCandidates(own, door, world.interfaces)) {
    const exactRivals = door.exact.get(place.address)?.filter(isRival) ?? [];
    const fate = fateOf(own, exactRivals.length === 0 ? wildcardRivals : [...exactRivals, ...wildcardRivals], place);
    if (fate.kind === "answers") {
      answers.push({ place, certain: fate.certain });
      contested ||= fate.contested;
    } else if (fate.kind === "taken") {
      lost[place.family] = true;
      // Where it is not even certain that this service would have answered, nothing is taken from it.
      if (!fate.certain) continue;
      const { inode } = fate.by;
      if (taken.some((entry) => entry.address === place.address && entry.inode === inode)) continue;
      taken.push({ address: place.address, family: place.family, inode });
    }
  }
  // Port and scheme play no part in what follows.
  const addresses = [
    ...answers.map(({ place, certain }) => toReachable(place, 0 as Port, null, certain)),
    ...(listener[0]?.transport === "udp" ? listBroadcasts(own, world.interfaces, 0 as Port) : []),
  ];
  const ipv4 = familyReach("ipv4", own, addresses, lost.ipv4, world.interfaces);
  const ipv6 = familyReach("ipv6", own, addresses, lost.ipv6, world.interfaces);
  const scope = scopeOf({ ipv4, ipv6 }, own, addresses);
  const reason = explainReach({ own, addresses, taken, contested, ipv4, ipv6, scope }, world);
  return { scope, ipv4, ipv6, taken, reason, answers };
}

/** Addresses where the service may answer: all for a wildcard, with the loopback addresses that a socket names; else its own. */
function listCandidates(
  own: readonly Binding[],
  door: Door,
  interfaces: readonly NetworkInterface[],
): readonly Place[] {
  const places = placesOf(interfaces);
  const bound = own.flatMap(({ address, wildcard }) => (wildcard ? [] : [address]));
  if (bound.length === own.length) {
    return [...new Set(bound)].flatMap((address) => places.at.get(address) ?? placeUnlisted(address, own, interfaces));
  }
  const unlisted = new Set([...bound, ...door.exact.keys()].filter((address) => !places.at.has(address)));
  if (unlisted.size === 0) return places.all;
  return [...places.all, ...[...unlisted].flatMap((address) => placeUnlisted(address, own, interfaces))];
}

/** The place of an address that no interface lists, if it is one of this machine's all the same. */
function placeUnlisted(address: string, own: readonly Binding[], interfaces: readonly NetworkInterface[]): Place[] {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const loopback = loopbackPlaceOf(address, family, interfaces);
  if (loopback !== undefined) return [loopback];
  // Where the interfaces could not be read, an address to which a socket is bound is taken at its word.
  if (interfaces.length > 0 || isMulticastAddress(address)) return [];
  const device = own.find((binding) => binding.address === address)?.device ?? "";
  return [
    {
      address,
      family,
      interfaceName: device,
      network: null,
      audience: audienceOf(address),
      needsZone: family === "ipv6" && isLinkLocalAddress(address),
    },
  ];
}

function toReachable(place: Place, port: Port, scheme: "http" | "https" | null, certain: boolean): ReachableAddress {
  const { address, family, interfaceName, network, audience, needsZone } = place;
  return {
    address,
    family,
    interfaceName,
    network,
    audience,
    endpoint: formatSocketAddress(address, port, needsZone && interfaceName !== "" ? interfaceName : null),
    // A URL has no zone that browsers accept (WHATWG URL Standard, host parsing).
    url: scheme === null || needsZone ? null : urlOf(scheme, address, port),
    certain,
  };
}

const defaultPorts = { http: 80, https: 443 } as const;

/** `http://192.168.1.8:5173/`, the scheme's own port left out. */
export function urlOf(scheme: "http" | "https", host: string, port: number): string {
  const bracketed = host.includes(":") ? `[${host}]` : host;
  return `${scheme}://${bracketed}${port === defaultPorts[scheme] ? "" : `:${port}`}/`;
}

/** UDP sockets bound to a broadcast address receive what is sent to it on the networks that have it (ip(7)). */
function listBroadcasts(
  own: readonly Binding[],
  interfaces: readonly NetworkInterface[],
  port: Port,
): ReachableAddress[] {
  const found: ReachableAddress[] = [];
  for (const { address, family, wildcard, device } of own) {
    if (wildcard || family !== "ipv4") continue;
    for (const networkInterface of interfaces) {
      if (
        networkInterface.loopback ||
        isDown(networkInterface) ||
        (device !== null && device !== networkInterface.name)
      )
        continue;
      const home = networkInterface.addresses.find(
        (one) =>
          one.family === "ipv4" &&
          (address === "255.255.255.255" || broadcastOf(one.address, one.prefixLength) === address),
      );
      if (home === undefined) continue;
      found.push({
        address,
        family,
        interfaceName: networkInterface.name,
        network: networkOf(home.address, home.prefixLength),
        audience: "link",
        endpoint: formatSocketAddress(address, port),
        url: null,
        certain: true,
      });
    }
  }
  return found;
}

/** Last address of an IPv4 network; `undefined` for networks too small to have a broadcast address (RFC 3021). */
function broadcastOf(address: string, prefixLength: number): string | undefined {
  if (prefixLength > 30) return undefined;
  const bytes = networkOf(address, prefixLength).split("/")[0]!.split(".").map(Number);
  return bytes.map((byte, index) => byte | (255 >>> Math.min(8, Math.max(0, prefixLength - index * 8)))).join(".");
}

function familyReach(
  family: IpFamily,
  own: readonly Binding[],
  addresses: readonly ReachableAddress[],
  lost: boolean,
  interfaces: readonly NetworkInterface[],
): FamilyReach {
  const here = addresses.filter((address) => address.family === family);
  if (here.some((address) => address.certain)) return "yes";
  if (here.length > 0) return "depends";
  // A wildcard also takes addresses that the machine will get later, unless what it has shows that a rival gets them.
  let reach: FamilyReach = "no";
  for (const binding of own) {
    const open = binding.wildcard ? !lost && deviceExists(binding, interfaces) : isMulticastAddress(binding.address);
    if (!open || binding.takes[family] === "no" || (!binding.wildcard && binding.family !== family)) continue;
    if (binding.takes[family] === "yes") return "yes";
    reach = "depends";
  }
  return reach;
}

function deviceExists({ device }: Binding, interfaces: readonly NetworkInterface[]): boolean {
  if (device === null || interfaces.length === 0) return true;
  const found = interfaces.find(({ name }) => name === device);
  return found !== undefined;
}

function scopeOf(
  reach: Readonly<Record<IpFamily, FamilyReach>>,
  own: readonly Binding[],
  addresses: readonly ReachableAddress[],
): ReachScope {
  if (reach.ipv4 === "no" && reach.ipv6 === "no") return "nowhere";
  const families = ["ipv4", "ipv6"] as const;
  const everywhere = own.some(
    ({ wildcard, device, takes }) =>
      wildcard && device === null && families.some((family) => takes[family] !== "no" && reach[family] !== "no"),
  );
  if (everywhere) return "everywhere";
  return addresses.length > 0 && addresses.every(({ audience }) => audience === "this-machine")
    ? "machine"
    : "networks";
}
