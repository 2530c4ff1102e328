/**
 * @module IPv4 addresses of a saved machine. No file names them with their interface: /proc/net/fib_trie has the addresses,
 * /proc/net/route the networks of each interface, and an address belongs to the longest network that holds it.
 */
import type { InterfaceAddress } from "../host.ts";
import { readText, type FileTree } from "./file-tree.ts";

/** A network of one interface. */
interface Ipv4Network {
  readonly name: string;
  /** First address, an unsigned 32-bit number. */
  readonly first: number;
  readonly prefixLength: number;
}

/** Local IPv4 addresses with the interface that most likely has them; those that no network holds are left out. */
export function readSavedIpv4Addresses(
  tree: FileTree,
): { readonly name: string; readonly address: InterfaceAddress }[] {
  const networks: Ipv4Network[] = [{ name: "lo", first: 0x7f000000, prefixLength: 8 }];
  for (const line of (readText(tree, "/proc/net/route", 1 << 22) ?? "").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [name, destination, gateway, , , , , mask] = fields;
    if (name === undefined || gateway !== "00000000" || destination === undefined || mask === undefined) continue;
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || mask === "00000000") continue;
    const bits = swapped(mask).toString(2).padStart(32, "0");
    networks.push({ name, first: swapped(destination), prefixLength: bits.lastIndexOf("1") + 1 });
  }
  networks.sort((a, b) => b.prefixLength - a.prefixLength);
  const found: { name: string; address: InterfaceAddress }[] = [];
  const seen = new Set<string>();
  let candidate = "";
  for (const line of (readText(tree, "/proc/net/fib_trie", 1 << 22) ?? "").split("\n")) {
    const leaf = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line);
    if (leaf !== null) candidate = leaf[1]!;
    else if (/^\s*\/32 host LOCAL$/.test(line) && candidate !== "" && !seen.has(candidate)) {
      seen.add(candidate);
      const number = ipv4FromText(candidate);
      const network = networks.find(({ first, prefixLength }) => (number ^ first) >>> (32 - prefixLength) === 0);
      if (network === undefined) continue;
      const { name, prefixLength } = network;
      found.push({ name, address: { address: candidate, family: "ipv4", prefixLength } });
    }
  }
  return found;
}

/** The tables hold 32-bit words in the byte order of the saved machine, which is taken to be little-endian. */
function swapped(text: string): number {
  return Number.parseInt(text.replace(/^(..)(..)(..)(..)$/, "$4$3$2$1"), 16);
}

function ipv4FromText(text: string): number {
  return text.split(".").reduce((number, part) => ((number << 8) | (Number(part) & 255)) >>> 0, 0);
}
