/**
 * @module Whether an interface leads out of this machine: by what /sys/class/net says it is made of.
 */
import { existsSync } from "node:fs";
import { readNames, readText, type FileTree } from "./file-tree.ts";

/** ARPHRD_ETHER, include/uapi/linux/if_arp.h. Tunnels (WireGuard, tun, sit) have types of their own. */
const ethernetType = "1";
/** How deep interfaces are built on each other: a bridge on a VLAN on a bond on a device. */
const deepest = 8;

/**
 * False for a bridge, veth pair or dummy with nothing but others of this machine behind it; true for a device, for what is built on one
 * (`lower_…` links: VLAN, bond, bridge, macvlan) and for tunnels. `undefined` when /sys does not show the interface.
 */
export function leadsOutside(tree: FileTree, name: string, depth = 0): boolean | undefined {
  const folder = `/sys/class/net/${name}`;
  const names = readNames(tree, folder);
  if (names === undefined) return undefined;
  if (names.includes("device") || depth === deepest) return true;
  if (readText(tree, `${folder}/type`, 64)?.trim() !== ethernetType) return true;
  // A tap's other end is a program: a virtual machine, or a tunnel to anywhere.
  if (existsSync(`${tree.root}${folder}/tun_flags`) && !names.includes("master")) return true;
  return names.some((entry) => {
    const lower = /^lower_(.+)$/.exec(entry)?.[1];
    return lower !== undefined && leadsOutside(tree, lower, depth + 1) !== false;
  });
}
