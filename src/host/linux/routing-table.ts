/**
 * @module The kernel's main routing tables: /proc/net/route (fib_route_seq_show in net/ipv4/fib_trie.c) and /proc/net/ipv6_route
 * (rt6_info_route in net/ipv6/route.c). Rules that choose other tables (ip-rule(8)) are not seen.
 */
import { canonicalAddressFromBytes, unknown, known, type IpFamily, type Known } from "../../core/index.ts";
import { networkFile, readText, type FileTree } from "./file-tree.ts";

/** One route. */
export interface NetworkRoute {
  readonly family: IpFamily;
  /** `10.77.0.0/24`; `0.0.0.0/0` and `::/0` are the default routes. */
  readonly network: string;
  readonly interfaceName: string;
  /** Next hop; `null` where the other end is on the wire itself. */
  readonly gateway: string | null;
  /** True for one that refuses (unreachable, prohibit). */
  readonly rejects: boolean;
}

const upFlag = 0x1;
const rejectFlag = 0x200;
/** Routes to the machine's own addresses (RTF_LOCAL, include/uapi/linux/ipv6_route.h). */
const localFlag = 0x80000000;

/** Routes to other machines, in the kernel's order. */
export function readRoutingTable(tree: FileTree = { root: "" }): Known<readonly NetworkRoute[]> {
  const ipv4 = readText(tree, networkFile(tree, "route"));
  if (ipv4 === undefined) return unknown("unsupported");
  const ipv6 = readText(tree, networkFile(tree, "ipv6_route")) ?? "";
  return known([...ipv4.split("\n").slice(1).flatMap(readIpv4Route), ...ipv6.split("\n").flatMap(readIpv6Route)]);
}

/** Columns: interface, destination, gateway, flags, references, use, metric, mask; addresses in the machine's byte order. */
export function readIpv4Route(line: string): NetworkRoute[] {
  const [interfaceName = "", destination = "", gateway = "", flagText = "", , , , mask = ""] = line.trim().split(/\s+/);
  const flags = Number.parseInt(flagText, 16);
  if (!/^[0-9A-F]{8}$/i.test(destination) || !/^[0-9A-F]{8}$/i.test(mask) || (flags & upFlag) === 0) return [];
  const prefixLength = (Number.parseInt(mask, 16).toString(2).match(/1/g) ?? []).length;
  return [
    {
      family: "ipv4",
      network: `${dotted(destination)}/${prefixLength}`,
      interfaceName,
      gateway: /^0+$/.test(gateway) ? null : dotted(gateway),
      rejects: (flags & rejectFlag) !== 0,
    },
  ];
}

function dotted(hexadecimal: string): string {
  const bytes = hexadecimal.match(/../g)!.map((pair) => Number.parseInt(pair, 16));
  return bytes.toReversed().join(".");
}

/** Columns: destination, prefix length, source, its prefix length, next hop, metric, references, use, flags, interface. */
export function readIpv6Route(line: string): NetworkRoute[] {
  const [destination = "", prefix = "", , , gateway = "", , , , flagText = "", interfaceName = ""] = line
    .trim()
    .split(/\s+/);
  const flags = Number.parseInt(flagText, 16);
  if (!/^[0-9a-f]{32}$/.test(destination) || Math.floor(flags / localFlag) % 2 === 1) return [];
  const rejects = (flags & rejectFlag) !== 0;
  // Beside `unreachable` routes of an administrator's, `lo` has the one that ends every table.
  if (rejects && interfaceName === "lo" && prefix === "00") return [];
  if (!rejects && ((flags & upFlag) === 0 || interfaceName === "lo")) return [];
  return [
    {
      family: "ipv6",
      network: `${colons(destination)}/${Number.parseInt(prefix, 16)}`,
      interfaceName,
      gateway: /^0+$/.test(gateway) ? null : colons(gateway),
      rejects,
    },
  ];
}

function colons(hexadecimal: string): string {
  return canonicalAddressFromBytes(Buffer.from(hexadecimal, "hex"), 0, "ipv6");
}

/** The entry is complete: the device answered (ATF_COM, include/uapi/linux/if_arp.h). */
const completeFlag = 0x2;

/** IPv4 addresses on the wire that have answered to ARP (/proc/net/arp, arp_format_neigh_entry in net/ipv4/arp.c). */
export function readNeighbours(tree: FileTree = { root: "" }): Known<readonly string[]> {
  const table = readText(tree, networkFile(tree, "arp"));
  if (table === undefined) return unknown("unsupported");
  return known(
    table.split("\n").flatMap((line) => {
      const [address = "", , flags = ""] = line.trim().split(/\s+/);
      return (Number(flags) & completeFlag) === 0 ? [] : [address];
    }),
  );
}
