/**
 * @module IPv4 addresses from the kernel's tables. No file names them with their interface: /proc/net/fib_trie has the addresses,
 * /proc/net/route the networks of each interface, and an address belongs to the longest network that holds it.
 */
import type { InterfaceAddress } from "../host.ts";
import { networkFile, readText, type FileTree } from "./file-tree.ts";

/** A network of one interface. */
interface Ipv4Network {
  readonly name: string;
  /** First address, an unsigned 32-bit number. */
  readonly first: number;
  readonly prefixLength: number;
}

/** An address and the interface that most likely has it. */
export interface PlacedAddress {
  readonly name: string;
  readonly address: InterfaceAddress;
}

/** IPv4 addresses of a saved machine; those that no network holds are left out. */
export function readSavedIpv4Addresses(tree: FileTree): PlacedAddress[] {
  const networks = readNetworks(tree);
  return readLocalAddresses(tree).flatMap((text) => placeAddress(text, networks) ?? []);
}

/**
 * IPv4 addresses that a live machine has beside those that are known already. They can be bound, so none is left out: an interface
 * that is switched off keeps its addresses and loses its networks (`fib_disable_ip` in net/ipv4/fib_frontend.c), and is then found by
 * elimination.
 * @param beside addresses that are known already
 * @param names interfaces that can have the others, at least one
 */
export function readFurtherIpv4Addresses(
  tree: FileTree,
  beside: ReadonlySet<string>,
  names: readonly string[],
): PlacedAddress[] {
  const further = readLocalAddresses(tree).filter((text) => !beside.has(text));
  if (further.length === 0) return [];
  const candidates = new Set(names);
  const networks = readNetworks(tree).filter(({ name }) => candidates.has(name));
  const withNetwork = new Set(networks.map(({ name }) => name));
  const name = names.find((each) => each !== "lo" && !withNetwork.has(each)) ?? names[0]!;
  return further.map(
    (text) => placeAddress(text, networks) ?? { name, address: { address: text, family: "ipv4", prefixLength: 32 } },
  );
}

/** Networks of interfaces, the longest prefix first. */
function readNetworks(tree: FileTree): Ipv4Network[] {
  const networks: Ipv4Network[] = [{ name: "lo", first: 0x7f000000, prefixLength: 8 }];
  for (const line of (readText(tree, networkFile(tree, "route"), 1 << 22) ?? "").split("\n").slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [name, destination, gateway, , , , , mask] = fields;
    if (name === undefined || gateway !== "00000000" || destination === undefined || mask === undefined) continue;
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || mask === "00000000") continue;
    const bits = swapped(mask).toString(2).padStart(32, "0");
    networks.push({ name, first: swapped(destination), prefixLength: bits.lastIndexOf("1") + 1 });
  }
  return networks.sort((a, b) => b.prefixLength - a.prefixLength);
}

/** Each address of the local table, once. */
function readLocalAddresses(tree: FileTree): string[] {
  return (readLocalPrefixes(tree) ?? []).flatMap(({ first, length }) => (length === 32 ? [first] : []));
}

/** IPv4 networks of the local table that are more than one address, `127.0.0.0/8`; `undefined` when there is no such table. */
export function readLocalNetworks(tree: FileTree): string[] | undefined {
  return readLocalPrefixes(tree)?.flatMap(({ first, length }) => (length === 32 ? [] : [`${first}/${length}`]));
}

/** What the kernel routes to itself, each once; `undefined` when there is no such table. */
function readLocalPrefixes(tree: FileTree): { readonly first: string; readonly length: number }[] | undefined {
  const text = readText(tree, networkFile(tree, "fib_trie"), 1 << 22);
  if (text === undefined) return undefined;
  const found = new Map<string, { first: string; length: number }>();
  let first = "";
  for (const line of text.split("\n")) {
    const leaf = /\|-- (\d+\.\d+\.\d+\.\d+)$/.exec(line);
    if (leaf !== null) first = leaf[1]!;
    const length = Number(/^\s*\/(\d{1,2}) host LOCAL$/.exec(line)?.[1]);
    if (!Number.isNaN(length) && first !== "") found.set(`${first}/${length}`, { first, length });
  }
  return [...found.values()];
}

function placeAddress(text: string, networks: readonly Ipv4Network[]): PlacedAddress | undefined {
  const number = ipv4FromText(text);
  const network = networks.find(({ first, prefixLength }) => (number ^ first) >>> (32 - prefixLength) === 0);
  if (network === undefined) return undefined;
  const { name, prefixLength } = network;
  return { name, address: { address: text, family: "ipv4", prefixLength } };
}

/** The tables hold 32-bit words in the byte order of the saved machine, which is taken to be little-endian. */
function swapped(text: string): number {
  return Number.parseInt(text.replace(/^(..)(..)(..)(..)$/, "$4$3$2$1"), 16);
}

function ipv4FromText(text: string): number {
  return text.split(".").reduce((number, part) => ((number << 8) | (Number(part) & 255)) >>> 0, 0);
}
