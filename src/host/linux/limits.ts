/**
 * @module What this kernel decides about ports: the sysctls of ip(7) and the caller's capabilities.
 */
import { known, unknown, type Known } from "../../core/index.ts";
import type { PortLimits } from "../host.ts";
import { capabilities, readCapabilities } from "./capabilities.ts";
import { readText, type FileTree } from "./file-tree.ts";
import { readLocalNetworks } from "./saved-addresses.ts";

/** Limits of the reader's network namespace. */
export function readPortLimits(tree: FileTree): PortLimits {
  return {
    unprivilegedPortStart: readNumber(tree, "/proc/sys/net/ipv4/ip_unprivileged_port_start"),
    ephemeralRange: readRange(tree),
    reservedPorts: readReservedPorts(tree),
    mayBindPrivileged: tree.root === "" ? readBindCapability(tree) : unknown("unsupported"),
    v6onlyDefault: readFlag(tree, "/proc/sys/net/ipv6/bindv6only"),
    // A long table on some machines, and read for one question alone.
    get localNetworks() {
      const networks = readLocalNetworks(tree);
      return networks === undefined ? unknown("unsupported") : known(networks);
    },
    nonlocalBind: {
      ipv4: readFlag(tree, "/proc/sys/net/ipv4/ip_nonlocal_bind"),
      ipv6: readFlag(tree, "/proc/sys/net/ipv6/ip_nonlocal_bind"),
    },
  };
}

function readNumber(tree: FileTree, path: string): Known<number> {
  const text = readText(tree, path, 64)?.trim();
  return text !== undefined && /^\d{1,5}$/.test(text) ? known(Number(text)) : unknown("unsupported");
}

function readFlag(tree: FileTree, path: string): Known<boolean> {
  const number = readNumber(tree, path);
  return number.known ? known(number.value !== 0) : number;
}

function readRange(tree: FileTree): PortLimits["ephemeralRange"] {
  const match = /^(\d{1,5})\s+(\d{1,5})\s*$/.exec(readText(tree, "/proc/sys/net/ipv4/ip_local_port_range", 64) ?? "");
  return match === null ? unknown("unsupported") : known({ first: Number(match[1]), last: Number(match[2]) });
}

/** The kernel prints it in PortSet's grammar already: `8080,9000-9100`. */
function readReservedPorts(tree: FileTree): Known<string> {
  const text = readText(tree, "/proc/sys/net/ipv4/ip_local_reserved_ports")?.trim();
  return text !== undefined && /^[\d,-]*$/.test(text) ? known(text) : unknown("unsupported");
}

/** The kernel asks for the capability alone: root without it may not, anybody with it may. */
function readBindCapability(tree: FileTree): Known<boolean> {
  const able = readCapabilities(tree);
  return able === undefined ? unknown("unsupported") : known((able & capabilities.bindPrivileged) !== 0n);
}
