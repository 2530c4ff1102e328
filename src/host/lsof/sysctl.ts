/**
 * @module What macOS and the BSDs decide about ports, from `sysctl` (sysctl(8)), which prints `name: value` or `name=value`.
 */
import { known, unknown, type Known } from "../../core/index.ts";
import type { PortLimits } from "../host.ts";

/** The values to ask for. Those that a system lacks are left out of its answer. */
export const sysctlNames = [
  "net.inet.ip.portrange.first",
  "net.inet.ip.portrange.last",
  "net.inet.ip.portrange.hifirst",
  "net.inet.ip.portrange.hilast",
  "net.inet.ip.portrange.reservedhigh",
  "net.inet.ip.porthifirst",
  "net.inet.ip.porthilast",
  "net.inet6.ip6.v6only",
] as const;

/** What is known of the caller and the system beside sysctl. */
export interface LimitsContext {
  /** As in process.platform. */
  readonly platform: string;
  /** Darwin's release (`uname -r`), 18 for macOS 10.14. */
  readonly release: string;
  readonly asRoot: boolean;
}

/** Values by name. */
export function parseSysctl(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^([a-z][a-z0-9_.]{1,100})(?:: |=)\s*(\S{1,100})\s*$/.exec(line);
    if (match !== null) values.set(match[1]!, match[2]!);
  }
  return values;
}

/**
 * The limits.
 *
 * Automatic ports: `portrange.first` to `.last` (macOS 49152–65535, FreeBSD 10000–65535; ip(4)); OpenBSD takes `porthifirst` to
 * `porthilast`. Privileged ports: up to `portrange.reservedhigh` where there is such a value (FreeBSD, ip(4)), else below 1024. Since
 * macOS 10.14 (Darwin 18) any user may bind them on the wildcard address, and on no other: in_pcbbind of xnu's bsd/netinet/in_pcb.c
 * asks for the privilege only when the address is not INADDR_ANY. Because a particular address still needs it, the limit stays.
 */
export function limitsOfSysctl(values: ReadonlyMap<string, string>, context: LimitsContext): PortLimits {
  const first = portOf(values.get("net.inet.ip.portrange.first") ?? values.get("net.inet.ip.porthifirst"));
  const last = portOf(values.get("net.inet.ip.portrange.last") ?? values.get("net.inet.ip.porthilast"));
  const reservedHigh = portOf(values.get("net.inet.ip.portrange.reservedhigh"));
  const v6only = values.get("net.inet6.ip6.v6only");
  return {
    unprivilegedPortStart: known(reservedHigh === undefined ? 1024 : reservedHigh + 1),
    ...(isWildcardFree(context) ? { unprivilegedOnWildcard: true } : {}),
    // The kernel also takes them the wrong way round.
    ephemeralRange:
      first === undefined || last === undefined
        ? unknown("unsupported")
        : known({ first: Math.min(first, last), last: Math.max(first, last) }),
    reservedPorts: unknown("unsupported"),
    mayBindPrivileged: known(context.asRoot),
    v6onlyDefault: flagOf(v6only),
    localNetworks: unknown("unsupported"),
    nonlocalBind: { ipv4: unknown("unsupported"), ipv6: unknown("unsupported") },
  };
}

function isWildcardFree({ platform, release }: LimitsContext): boolean {
  return platform === "darwin" && Number.parseInt(release, 10) >= 18;
}

function portOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

function flagOf(text: string | undefined): Known<boolean> {
  return text === "0" || text === "1" ? known(text === "1") : unknown("unsupported");
}
