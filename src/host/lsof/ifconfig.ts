/**
 * @module What `ifconfig -a` of macOS and the BSDs prints (ifconfig(8)), and the default routes of `netstat -rn` (netstat(1)).
 */
import { known, tryParseIpAddress, unknown, type Known } from "../../core/index.ts";
import type { InterfaceAddress, NetworkInterface } from "../host.ts";

/** IFF_UP and IFF_LOOPBACK, net/if.h; the number after `flags=` is hexadecimal. */
const upFlag = 0x1;
const loopbackFlag = 0x8;
/** Most interfaces that are kept of one text. */
const mostInterfaces = 10_000;

/** Names of the interfaces of default routes; `undefined` where they could not be read. */
export interface DefaultRoutes {
  readonly ipv4: ReadonlySet<string> | undefined;
  readonly ipv6: ReadonlySet<string> | undefined;
}

/**
 * The interfaces in the order in which they are printed. Each begins at the margin with `NAME: flags=HEX<…> mtu N`; its lines are
 * indented by a tab: `ether MAC` (`lladdr MAC` on OpenBSD, `address: MAC` on NetBSD), `inet ADDRESS netmask 0xffffff00`,
 * `inet6 ADDRESS%ZONE prefixlen 64 scopeid 0x4`, `status: active`.
 */
export function parseIfconfig(text: string, routes: DefaultRoutes): NetworkInterface[] {
  const blocks: { heading: string; lines: string[] }[] = [];
  for (const line of text.split("\n")) {
    if (/^\S/.test(line)) {
      if (blocks.length === mostInterfaces) break;
      blocks.push({ heading: line, lines: [] });
    } else {
      blocks.at(-1)?.lines.push(line.trim());
    }
  }
  return blocks.flatMap(({ heading, lines }) => describeInterface(heading, lines, routes) ?? []);
}

function describeInterface(
  heading: string,
  lines: readonly string[],
  routes: DefaultRoutes,
): NetworkInterface | undefined {
  const match = /^([^\s:]{1,64}): flags=(?:0x)?([0-9a-f]{1,16})(?:<[^>]*>)?(.*)$/.exec(heading);
  if (match === null) return undefined;
  const name = match[1]!;
  // BigInt operators would serve no more: both flags are in the lowest byte.
  const flags = Number.parseInt(match[2]!.slice(-4), 16);
  const mtu = /\bmtu (\d{1,9})\b/.exec(match[3]!)?.[1];
  let index = /\bindex (\d{1,9})\b/.exec([match[3]!, ...lines].join("\n"))?.[1];
  let hardwareAddress: string | null = null;
  let active: boolean | undefined;
  const addresses: InterfaceAddress[] = [];
  for (const line of lines) {
    const hardware = /^(?:ether|lladdr|address:) ([0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5,7})\b/i.exec(line);
    if (hardware !== null) hardwareAddress = hardware[1]!.toLowerCase();
    const status = /^status: (.+)$/.exec(line);
    if (status !== null) active = /^(active|associated|running)\b/.test(status[1]!);
    const address = parseAddressLine(line);
    if (address !== undefined) addresses.push(address);
    const scope = /^inet6 .*\bscopeid 0x([0-9a-f]{1,8})\b/.exec(line)?.[1];
    if (scope !== undefined && index === undefined) index = String(Number.parseInt(scope, 16));
  }
  const isUp = (flags & upFlag) !== 0;
  return {
    name,
    index: index === undefined ? unknown("unsupported") : known(Number(index)),
    up: known(isUp && active !== false),
    loopback: (flags & loopbackFlag) !== 0,
    hardwareAddress: known(hardwareAddress),
    mtuBytes: mtu === undefined ? unknown("unsupported") : known(Number(mtu)),
    addresses,
    defaultRoute: { ipv4: holds(routes.ipv4, name), ipv6: holds(routes.ipv6, name) },
  };
}

function holds(names: ReadonlySet<string> | undefined, name: string): Known<boolean> {
  return names === undefined ? unknown("unsupported") : known(names.has(name));
}

function parseAddressLine(line: string): InterfaceAddress | undefined {
  const [word, text = "", ...rest] = line.split(/\s+/);
  if (word !== "inet" && word !== "inet6") return undefined;
  const [addressText = "", slashed] = text.split("/");
  const parsed = tryParseIpAddress(addressText);
  if (parsed === undefined || (parsed.family === "ipv4") !== (word === "inet")) return undefined;
  // An address that turned out to be another machine's, or may yet, cannot be used (ifconfig(8): duplicated, tentative).
  if (rest.includes("tentative") || rest.includes("duplicated")) return undefined;
  const netmask = rest[rest.indexOf("netmask") + 1];
  const prefix = rest[rest.indexOf("prefixlen") + 1];
  const longest = parsed.family === "ipv4" ? 32 : 128;
  const prefixLength =
    slashed !== undefined && /^\d{1,3}$/.test(slashed)
      ? Number(slashed)
      : parsed.family === "ipv4"
        ? prefixOfNetmask(rest.includes("netmask") ? netmask : undefined)
        : rest.includes("prefixlen") && /^\d{1,3}$/.test(prefix ?? "")
          ? Number(prefix)
          : undefined;
  if (prefixLength === undefined || prefixLength > longest) return undefined;
  return { address: parsed.address, family: parsed.family, prefixLength };
}

/** `0xffffff00`, or `255.255.255.0` where ifconfig was told to. */
function prefixOfNetmask(text: string | undefined): number | undefined {
  if (text === undefined) return 32;
  let bits: number;
  if (/^0x[0-9a-f]{8}$/i.test(text)) {
    bits = Number(text);
  } else {
    const parsed = tryParseIpAddress(text);
    if (parsed?.family !== "ipv4") return undefined;
    bits = parsed.address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
  }
  const prefixLength = Math.clz32(~bits);
  // Ones that are not all in front make no prefix.
  return bits === (prefixLength === 0 ? 0 : (2 ** 32 - 2 ** (32 - prefixLength)) >>> 0) ? prefixLength : undefined;
}

/**
 * Interfaces of the default routes in `netstat -rn -f inet` or `-f inet6`: lines whose destination is `default`. The column of the
 * interface is the one named `Netif` (macOS, FreeBSD) or `Iface`/`Interface` (OpenBSD, NetBSD) in the heading. A route with the flag
 * `R` or `B` (reject, blackhole) leads nowhere; macOS lists one through each tunnel, with a link-local gateway of that interface,
 * marked `I` (scoped to it), which takes only traffic that was bound to the interface.
 */
export function parseDefaultRoutes(text: string): ReadonlySet<string> {
  const names = new Set<string>();
  let flagsColumn = 2;
  let interfaceColumn = 3;
  for (const line of text.split("\n")) {
    const fields = line.trim().split(/\s+/);
    if (fields[0] === "Destination") {
      const flags = fields.indexOf("Flags");
      const device = fields.findIndex((field) => /^(Netif|Iface|Interface)$/.test(field));
      if (flags >= 0) flagsColumn = flags;
      if (device >= 0) interfaceColumn = device;
      continue;
    }
    if (fields[0] !== "default") continue;
    const flags = fields[flagsColumn] ?? "";
    const name = fields[interfaceColumn];
    if (name === undefined || !flags.includes("U") || /[RBI]/.test(flags)) continue;
    names.add(name);
  }
  return names;
}
