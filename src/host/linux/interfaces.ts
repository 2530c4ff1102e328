/**
 * @module Network interfaces: addresses from the kernel (or the saved tables), properties from /sys/class/net, default routes.
 */
import { networkInterfaces } from "node:os";
import { known, tryParseIpAddress, unknown, type Known } from "../../core/index.ts";
import type { BlindSpot, InterfaceAddress, NetworkInterface } from "../host.ts";
import { networkFile, ownNetworkFolder, readNames, readText, type FileTree } from "./file-tree.ts";
import { leadsOutside } from "./outside-link.ts";
import { readFurtherIpv4Addresses, readSavedIpv4Addresses, type PlacedAddress } from "./saved-addresses.ts";

/** IFF_UP and IFF_LOOPBACK, include/uapi/linux/if.h. */
const upFlag = 0x1;
const loopbackFlag = 0x8;
/** RTF_UP and RTF_REJECT, include/uapi/linux/route.h. */
const routeUpFlag = 0x1;
const routeRejectFlag = 0x200;
/** IFA_F_OPTIMISTIC and IFA_F_TENTATIVE, include/uapi/linux/if_addr.h. */
const optimisticFlag = 0x04;
const tentativeFlag = 0x40;
const noHardwareAddress = "00:00:00:00:00:00";

/** What the tables of addresses say of one interface. */
interface Addressing {
  readonly addresses: InterfaceAddress[];
  /** Kernel's index, where an IPv6 address carries it. */
  index: number | undefined;
  hardwareAddress: string | undefined;
  /** The kernel has told that it is up and carries a signal. */
  readonly running: boolean;
}

/** Every interface of the reader's network namespace, by index, those without addresses and those that are down included. */
export function readNetworkInterfaces(tree: FileTree): {
  readonly interfaces: readonly NetworkInterface[];
  readonly blindSpots: readonly BlindSpot[];
} {
  const listed = namesOfDeviceTable(readText(tree, networkFile(tree, "dev")));
  const addressing = isHere(tree) ? readLiveAddresses(tree, listed ?? []) : readSavedAddresses(tree);
  // /sys shows the network namespace in which it was mounted, /proc/net the caller's: they differ after a bare setns(2).
  const inSys = new Set(tree.networkFolder === undefined ? readNames(tree, "/sys/class/net") : undefined);
  const names = new Set([...(listed ?? inSys), ...addressing.keys()]);
  const trusted = listed === undefined || listed.every((name) => inSys.has(name));
  const ipv4Routes = defaultRouteInterfaces(readText(tree, networkFile(tree, "route"), 1 << 22), isIpv4DefaultRoute);
  const ipv6Routes = defaultRouteInterfaces(
    readText(tree, networkFile(tree, "ipv6_route"), 1 << 22),
    isIpv6DefaultRoute,
  );
  const interfaces = [...names].map((name): NetworkInterface => {
    const found = addressing.get(name);
    const folder = trusted && inSys.has(name) ? `/sys/class/net/${name}` : undefined;
    const flags = readFlags(tree, folder);
    const index = found?.index ?? readNumber(tree, folder, "ifindex");
    const addresses = found?.addresses ?? [];
    const device: NetworkInterface = {
      name,
      index: index === undefined ? unknown("unsupported") : known(index),
      up: readUp(tree, folder, flags, found?.running === true),
      loopback: flags === undefined ? name === "lo" : (flags & loopbackFlag) !== 0,
      hardwareAddress: readHardwareAddress(tree, folder, found?.hardwareAddress),
      mtuBytes: fact(readNumber(tree, folder, "mtu")),
      addresses,
      defaultRoute: {
        ipv4: ipv4Routes === undefined ? unknown("unsupported") : known(ipv4Routes.has(name)),
        ipv6: ipv6Routes === undefined ? unknown("unsupported") : known(ipv6Routes.has(name)),
      },
    };
    if (device.loopback || folder === undefined) return device;
    return {
      ...device,
      // Read late, because it is asked of few. In a container the way out is a veth pair like any other, but the default route takes it.
      get leadsOutside() {
        const isWayOut = ipv4Routes?.has(name) === true || ipv6Routes?.has(name) === true;
        const outside = isWayOut || leadsOutside(tree, name);
        return outside === undefined ? unknown("unsupported") : known(outside);
      },
    };
  });
  interfaces.sort((a, b) => orderOf(a) - orderOf(b));
  return { interfaces, blindSpots: trusted ? [] : [foreignSys] };
}

/** True when this thread is in the namespace that is read: the C library then knows its addresses. */
function isHere(tree: FileTree): boolean {
  return tree.root === "" && (tree.networkFolder === undefined || tree.networkFolder === ownNetworkFolder);
}

const foreignSys: BlindSpot = {
  what: "interfaces",
  why: "unsupported",
  count: null,
  message: "/sys belongs to another network namespace, so interfaces are told without state, MTU and hardware address.",
};

function orderOf(device: NetworkInterface): number {
  return device.index.known ? device.index.value : Number.MAX_SAFE_INTEGER;
}

function fact<T>(value: T | undefined): Known<T> {
  return value === undefined ? unknown("unsupported") : known(value);
}

/** Names of /proc/net/dev: two lines of heading, then `  name: counters`. */
function namesOfDeviceTable(text: string | undefined): string[] | undefined {
  return text
    ?.split("\n")
    .slice(2)
    .flatMap((line) => /^\s*(\S+?):\s*\d/.exec(line)?.[1] ?? []);
}

/**
 * getifaddrs(3) through Node, which leaves out interfaces that are switched off or carry no signal, though this machine still has their
 * addresses and they can be bound: those are filled in from the kernel's tables.
 */
function readLiveAddresses(tree: FileTree, listed: readonly string[]): Map<string, Addressing> {
  const found = readRunningAddresses();
  const absent = listed.filter((name) => !found.has(name));
  if (absent.length === 0) return found;
  const present = new Set([...found.values()].flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  const further = arrangeAddresses(readFurtherIpv4Addresses(tree, present, absent), readIpv6Table(tree));
  for (const name of absent) {
    const addressing = further.get(name);
    if (addressing !== undefined) found.set(name, addressing);
  }
  return found;
}

function readRunningAddresses(): Map<string, Addressing> {
  const found = new Map<string, Addressing>();
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    const addressing: Addressing = { addresses: [], index: undefined, hardwareAddress: undefined, running: true };
    for (const entry of entries ?? []) {
      addressing.addresses.push({
        // inet_ntop(3) agrees with RFC 5952 but for addresses with a dotted end.
        address: entry.address.includes(".") ? canonicalText(entry.address) : entry.address,
        family: entry.family === "IPv4" ? "ipv4" : "ipv6",
        prefixLength: Number(entry.cidr?.split("/")[1] ?? (entry.family === "IPv4" ? 32 : 128)),
      });
      if (entry.family === "IPv6" && entry.scopeid > 0) addressing.index = entry.scopeid;
      if (entry.mac !== noHardwareAddress) addressing.hardwareAddress = entry.mac;
    }
    found.set(name, addressing);
  }
  return found;
}

function canonicalText(address: string): string {
  return address.includes(":") ? (tryParseIpAddress(address)?.address ?? address) : address;
}

/** One line of /proc/net/if_inet6. */
interface Ipv6Row extends PlacedAddress {
  readonly index: number;
}

/** IPv6 addresses that can be used: columns address, index, prefix length, scope, flags, name; numbers in hexadecimal. */
function readIpv6Table(tree: FileTree): Ipv6Row[] {
  const rows: Ipv6Row[] = [];
  for (const line of (readText(tree, networkFile(tree, "if_inet6"), 1 << 20) ?? "").split("\n")) {
    const match = /^([0-9a-f]{32}) ([0-9a-f]+) ([0-9a-f]{2}) [0-9a-f]+ ([0-9a-f]+) +(\S+)$/.exec(line);
    if (match === null) continue;
    const flags = Number.parseInt(match[4]!, 16);
    // An address that may still turn out to be somebody else's cannot be used yet (`ipv6_chk_addr_and_flags`).
    if ((flags & tentativeFlag) !== 0 && (flags & optimisticFlag) === 0) continue;
    const parsed = tryParseIpAddress(match[1]!.replace(/....(?=.)/g, "$&:"));
    if (parsed === undefined) continue;
    const prefixLength = Number.parseInt(match[3]!, 16);
    rows.push({
      name: match[5]!,
      index: Number.parseInt(match[2]!, 16),
      address: { address: parsed.address, family: "ipv6", prefixLength },
    });
  }
  return rows;
}

function readSavedAddresses(tree: FileTree): Map<string, Addressing> {
  return arrangeAddresses(readSavedIpv4Addresses(tree), readIpv6Table(tree));
}

function arrangeAddresses(ipv4: readonly PlacedAddress[], ipv6: readonly Ipv6Row[]): Map<string, Addressing> {
  const found = new Map<string, Addressing>();
  function addressingOf(name: string): Addressing {
    let addressing = found.get(name);
    if (addressing === undefined) {
      addressing = { addresses: [], index: undefined, hardwareAddress: undefined, running: false };
      found.set(name, addressing);
    }
    return addressing;
  }
  for (const { name, address } of ipv4) addressingOf(name).addresses.push(address);
  for (const { name, address, index } of ipv6) {
    const addressing = addressingOf(name);
    addressing.index = index;
    addressing.addresses.push(address);
  }
  return found;
}

function readNumber(tree: FileTree, folder: string | undefined, file: string): number | undefined {
  const text = folder === undefined ? undefined : readText(tree, `${folder}/${file}`, 64)?.trim();
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function readFlags(tree: FileTree, folder: string | undefined): number | undefined {
  const text = folder === undefined ? undefined : readText(tree, `${folder}/flags`, 64)?.trim();
  return text !== undefined && /^0x[0-9a-f]{1,8}$/.test(text) ? Number(text) : undefined;
}

/** Up means: switched on, and not known to lack a signal (operstate, Documentation/networking/operstates.rst). */
function readUp(
  tree: FileTree,
  folder: string | undefined,
  flags: number | undefined,
  running: boolean,
): Known<boolean> {
  if (flags === undefined) return running ? known(true) : unknown("unsupported");
  if ((flags & upFlag) === 0) return known(false);
  const state = readText(tree, `${folder}/operstate`, 64)?.trim();
  return known(state !== "down" && state !== "lowerlayerdown" && state !== "notpresent");
}

function readHardwareAddress(
  tree: FileTree,
  folder: string | undefined,
  fallback: string | undefined,
): Known<string | null> {
  const text = folder === undefined ? undefined : readText(tree, `${folder}/address`, 256)?.trim().toLowerCase();
  if (text === undefined) return fallback === undefined ? unknown("unsupported") : known(fallback);
  return known(text === "" || /^[0:]*$/.test(text) ? null : text);
}

function defaultRouteInterfaces(
  table: string | undefined,
  select: (fields: readonly string[]) => string | undefined,
): ReadonlySet<string> | undefined {
  if (table === undefined) return undefined;
  return new Set(table.split("\n").flatMap((line) => select(line.trim().split(/\s+/)) ?? []));
}

/** Columns of /proc/net/route: interface, destination, gateway, flags, references, use, metric, mask … */
function isIpv4DefaultRoute(fields: readonly string[]): string | undefined {
  const [name, destination, , flags, , , , mask] = fields;
  return destination === "00000000" && mask === "00000000" && isUsable(flags) ? name : undefined;
}

/** Columns of /proc/net/ipv6_route: destination, prefix, source, prefix, next hop, metric, references, use, flags, interface. */
function isIpv6DefaultRoute(fields: readonly string[]): string | undefined {
  const [destination, prefix, , , , , , , flags, name] = fields;
  return destination === "0".repeat(32) && prefix === "00" && isUsable(flags) ? name : undefined;
}

function isUsable(flags: string | undefined): boolean {
  const value = Number.parseInt(flags ?? "", 16);
  return (value & routeUpFlag) !== 0 && (value & routeRejectFlag) === 0;
}
