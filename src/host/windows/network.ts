/**
 * @module Interfaces and limits of Windows, from Get-NetIPAddress, Get-NetIPInterface, Get-NetAdapter, Get-NetRoute and netsh.
 */
import { isLoopbackAddress, known, tryParseIpAddress, unknown } from "../../core/index.ts";
import type { InterfaceAddress, NetworkInterface, PortLimits } from "../host.ts";
import { memberOf, numberOf, recordsOf, textOf, type JsonRecord } from "./json-reading.ts";

/** Members of MSFT_NetIPAddress.AddressState; the first three cannot be used. */
const addressStates: readonly (readonly [number, string, boolean])[] = [
  [0, "invalid", false],
  [1, "tentative", false],
  [2, "duplicate", false],
  [3, "deprecated", true],
  [4, "preferred", true],
];
const usableByNumber = new Map(addressStates.map(([number, , usable]) => [number, usable]));
const usableByName = new Map(addressStates.map(([, name, usable]) => [name, usable]));

/** Members of MSFT_NetIPInterface.ConnectionState. */
const connectedByNumber = new Map([
  [0, false],
  [1, true],
]);
const connectedByName = new Map([
  ["disconnected", false],
  ["connected", true],
]);

/** Largest MTU that is believed: the loopback interface says 2^32 - 1 for "none". */
const largestMtu = 0xffff_fffe;

/** Interfaces by index. */
export function listInterfaces(answer: JsonRecord): NetworkInterface[] {
  const adapters = new Map(
    recordsOf(answer["adapters"]).map((record) => [numberOf(record["InterfaceIndex"]), textOf(record["MacAddress"])]),
  );
  const routes = recordsOf(answer["routes"]).map((record) => ({
    index: numberOf(record["InterfaceIndex"]),
    prefix: textOf(record["DestinationPrefix"]),
  }));
  const names = new Map<number, string>();
  const details = new Map<number, JsonRecord[]>();
  const addresses = new Map<number, InterfaceAddress[]>();
  for (const record of [...recordsOf(answer["interfaces"]), ...recordsOf(answer["addresses"])]) {
    const index = numberOf(record["InterfaceIndex"], 0xffff_ffff);
    const name = textOf(record["InterfaceAlias"]);
    if (index === undefined || index === 0 || name === undefined) continue;
    if (!names.has(index)) names.set(index, name);
    if (record["IPAddress"] === undefined) {
      details.set(index, [...(details.get(index) ?? []), record]);
      continue;
    }
    const address = readAddress(record);
    if (address !== undefined) addresses.set(index, [...(addresses.get(index) ?? []), address]);
  }
  const hasRoute = (index: number, prefix: string): boolean =>
    routes.some((route) => route.index === index && route.prefix === prefix);
  return [...names]
    .toSorted(([a], [b]) => a - b)
    .map(([index, name]) => {
      const own = addresses.get(index) ?? [];
      const mtu = details
        .get(index)
        ?.map((record) => numberOf(record["NlMtu"], largestMtu))
        .find((value) => value !== undefined);
      const states = details
        .get(index)
        ?.map((record) => memberOf(record["ConnectionState"], connectedByNumber, connectedByName))
        .filter((state) => state !== undefined);
      return {
        name,
        index: known(index),
        up: states === undefined || states.length === 0 ? unknown("unsupported") : known(states.includes(true)),
        loopback: own.some(({ address }) => isLoopbackAddress(address)),
        hardwareAddress: known(hardwareAddressOf(adapters.get(index))),
        mtuBytes: mtu === undefined ? unknown("unsupported") : known(mtu),
        addresses: own,
        defaultRoute: { ipv4: known(hasRoute(index, "0.0.0.0/0")), ipv6: known(hasRoute(index, "::/0")) },
      };
    });
}

function readAddress(record: JsonRecord): InterfaceAddress | undefined {
  const parsed = tryParseIpAddress(textOf(record["IPAddress"]) ?? "");
  if (parsed === undefined) return undefined;
  const prefixLength = numberOf(record["PrefixLength"], parsed.family === "ipv4" ? 32 : 128);
  const usable = memberOf(record["AddressState"], usableByNumber, usableByName);
  if (prefixLength === undefined || usable === false) return undefined;
  return { address: parsed.address, family: parsed.family, prefixLength };
}

/** `00-15-5D-01-02-03`. */
function hardwareAddressOf(text: string | undefined): string | null {
  return text !== undefined && /^[0-9a-f]{2}(?:-[0-9a-f]{2}){5,7}$/i.test(text)
    ? text.toLowerCase().replaceAll("-", ":")
    : null;
}

/**
 * Limits. Windows has no privileged ports: any user may bind any that is not excluded. Automatic assignment takes the dynamic range
 * (49152 and 16,384 numbers from there unless it was set), less the excluded ranges (netsh int ipv4 show excludedportrange). A new IPv6
 * socket is IPv6-only until it is told otherwise (learn.microsoft.com, "IPPROTO_IPV6 socket options").
 */
export function limitsOf(answer: JsonRecord): PortLimits {
  const excluded = textOf(answer["excludedPorts"]);
  const range = dynamicRange(answer);
  return {
    unprivilegedPortStart: known(0),
    ephemeralRange: range === undefined ? unknown("unsupported") : known(range),
    reservedPorts: excluded === undefined ? unknown("unsupported") : known(excludedRanges(excluded)),
    mayBindPrivileged: known(true),
    v6onlyDefault: known(true),
    localNetworks: known(["127.0.0.0/8"]),
    nonlocalBind: { ipv4: known(false), ipv6: known(false) },
  };
}

function dynamicRange(answer: JsonRecord): { first: number; last: number } | undefined {
  for (const record of recordsOf(answer["portRanges"])) {
    const first = numberOf(record["DynamicPortRangeStartPort"], 65_535);
    const count = numberOf(record["DynamicPortRangeNumberOfPorts"], 65_535);
    // The settings `Automatic` and those that were never set have zeros here.
    if (first !== undefined && count !== undefined && first > 0 && count > 0) return rangeFrom(first, count);
  }
  // netsh speaks the user's language; the two numbers stand in the same order in all of them.
  const [first, count] = [...(textOf(answer["dynamicPorts"]) ?? "").matchAll(/: *(\d{1,5})\s*$/gm)].map((match) =>
    Number(match[1]),
  );
  return first === undefined || count === undefined || count === 0 ? undefined : rangeFrom(first, count);
}

function rangeFrom(first: number, count: number): { first: number; last: number } {
  return { first, last: Math.min(65_535, first + count - 1) };
}

/** Lines of two numbers, a start and an end; a `*` behind them marks those that an administrator set. */
function excludedRanges(text: string): string {
  const ranges: string[] = [];
  for (const match of text.matchAll(/^\s*(\d{1,5})\s+(\d{1,5})\s*\*?\s*$/gm)) {
    const [first, last] = [Number(match[1]), Number(match[2])];
    if (first <= last && last <= 65_535) ranges.push(first === last ? String(first) : `${first}-${last}`);
  }
  return ranges.join(",");
}
