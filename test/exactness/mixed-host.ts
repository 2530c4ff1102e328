/**
 * @module A device whose ports are open, closed, dropped and rejected, each known beforehand, and the network between it and the
 * scanner, which can lose packets. Both ends are network namespaces of their own.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { PortReason, PortState } from "../../src/scan/index.ts";
import { createNetworkNamespace, type NetworkNamespace } from "../support/netns.ts";

/** What a packet to a port meets. */
export type Fate =
  | "open"
  | "closed"
  | "dropped"
  | "reset"
  | "port-unreachable"
  | "host-unreachable"
  | "admin-prohibited";

interface Verdict {
  readonly state: PortState;
  readonly reason: PortReason;
}

/** What a scan has to say of each. */
export const verdicts: Readonly<Record<"tcp" | "udp", Readonly<Record<Fate, Verdict>>>> = {
  tcp: {
    open: { state: "open", reason: "syn-ack" },
    closed: { state: "closed", reason: "connection-refused" },
    dropped: { state: "filtered", reason: "no-answer" },
    reset: { state: "closed", reason: "connection-refused" },
    // A device that refuses TCP itself does so by a reset: ICMP comes from a filter.
    "port-unreachable": { state: "filtered", reason: "prohibited" },
    "host-unreachable": { state: "filtered", reason: "host-unreachable" },
    "admin-prohibited": { state: "filtered", reason: "prohibited" },
  },
  udp: {
    open: { state: "open", reason: "udp-answer" },
    closed: { state: "closed", reason: "port-unreachable" },
    dropped: { state: "open|filtered", reason: "no-answer" },
    reset: { state: "closed", reason: "port-unreachable" },
    "port-unreachable": { state: "closed", reason: "port-unreachable" },
    "host-unreachable": { state: "filtered", reason: "host-unreachable" },
    "admin-prohibited": { state: "filtered", reason: "prohibited" },
  },
};

/** What is left of a verdict where only connect(2)'s error number can be seen, not the ICMP message behind it. */
export const verdictsByErrorNumber: Partial<Record<Fate, Verdict>> = {
  "port-unreachable": { state: "closed", reason: "connection-refused" },
  "admin-prohibited": { state: "filtered", reason: "host-unreachable" },
};

/** What the firewall does; the other fates are the kernel's own. */
const rejections: Partial<Record<Fate, string>> = {
  dropped: "drop",
  reset: "meta l4proto tcp reject with tcp reset",
  "port-unreachable": "reject with icmpx type port-unreachable",
  "host-unreachable": "reject with icmpx type host-unreachable",
  "admin-prohibited": "reject with icmpx type admin-prohibited",
};

/** What the device looks like. */
export interface MixedHostOptions {
  /** Fate of port 1 to 65535 by its number; place 0 is not used. */
  readonly fates: readonly Fate[];
  /** Share of packets that are lost each way, percent. */
  readonly lossPercent: number;
}

/** The device and the namespace to scan it from. */
export interface MixedHost {
  readonly scanner: NetworkNamespace;
  readonly target: NetworkNamespace;
  readonly ipv4: string;
  readonly ipv6: string;
  destroy(): Promise<void>;
}

const addresses = { scanner: ["10.81.0.1/24", "fd00:81::1/64"], target: ["10.81.0.2/24", "fd00:81::2/64"] };

/** Builds it. Takes root, nftables and Python 3. */
export async function createMixedHost({ fates, lossPercent }: MixedHostOptions): Promise<MixedHost> {
  const target = await createNetworkNamespace();
  const ended: (() => Promise<void>)[] = [() => target.destroy()];
  const destroy = async (): Promise<void> => {
    for (const end of ended.splice(0).toReversed()) await end();
  };
  try {
    const scanner = await createNetworkNamespace({
      addresses: addresses.scanner,
      peer: target,
      peerAddresses: addresses.target,
    });
    ended.push(() => scanner.destroy());
    await freeIcmp(target);
    await loadRules(target, [...lossRules(lossPercent), ...fateRules(fates)], setsOfFates(fates));
    await loadRules(scanner, lossRules(lossPercent), []);
    const open = fates.flatMap((fate, port) => (fate === "open" ? [port] : []));
    const doors = open.flatMap((port) =>
      ["0.0.0.0", "::"].flatMap((address) => [["tcp", address, port] as const, ["udp", address, port] as const]),
    );
    const listeners = await startListeners(target, doors);
    ended.push(() => listeners.stop());
    return { scanner, target, ipv4: "10.81.0.2", ipv6: "fd00:81::2", destroy };
  } catch (error) {
    await destroy();
    throw error;
  }
}

/** Linux sends few ICMP messages a second unless it is told otherwise (Documentation/networking/ip-sysctl.rst). */
export async function freeIcmp(namespace: NetworkNamespace): Promise<void> {
  await namespace.execIn("sysctl", [
    "-q",
    "-w",
    "net.ipv4.icmp_ratelimit=0",
    "net.ipv6.icmp.ratelimit=0",
    "net.ipv4.icmp_msgs_per_sec=1000000000",
    "net.ipv4.icmp_msgs_burst=1000000000",
  ]);
}

/** Loss happens on the way in: what the own firewall drops on the way out, the sender is told of. */
function lossRules(percent: number): string[] {
  if (percent === 0) return [];
  return [
    // Who has which hardware address is asked without loss, as ARP is, which these rules do not see.
    "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
    `numgen random mod 10000 < ${Math.round(percent * 100)} drop`,
  ];
}

function fateRules(fates: readonly Fate[]): string[] {
  const present = new Set(fates.slice(1));
  return Object.entries(rejections).flatMap(([fate, rule]) =>
    present.has(fate as Fate) ? [`meta l4proto { tcp, udp } th dport @${setName(fate)} ${rule}`] : [],
  );
}

function setsOfFates(fates: readonly Fate[]): string[] {
  return Object.keys(rejections).flatMap((fate) => {
    const ports = fates.flatMap((one, port) => (one === fate && port > 0 ? [port] : []));
    if (ports.length === 0) return [];
    return [`set ${setName(fate)} { type inet_service; elements = { ${ports.join(", ")} }; }`];
  });
}

function setName(fate: string): string {
  // With a prefix, because `reset` is a word of nft's language.
  return `ports_${fate.replace("-", "_")}`;
}

/** Gives a namespace's input chain these rules, in nft(8)'s language. */
export async function loadRules(
  namespace: NetworkNamespace,
  rules: readonly string[],
  sets: readonly string[],
): Promise<void> {
  if (rules.length === 0) return;
  const chain = `chain input { type filter hook input priority 0; policy accept;\n${rules.join("\n")}\n}`;
  const child = namespace.spawnIn("nft", ["-f", "-"], { stdio: ["pipe", "inherit", "inherit"] });
  child.stdin!.end(`table inet portolan_test {\n${[...sets, chain].join("\n")}\n}\n`);
  const [status] = (await once(child, "exit")) as [number | null];
  if (status !== 0) throw new Error(`nft ended with ${status}`);
}

/** Listeners that run until they are stopped. */
export interface Listeners {
  stop(): Promise<void>;
}

/** Opens doors, each a transport, an address and a port; in the namespace, or where this program is for `null`. */
export async function startListeners(
  namespace: NetworkNamespace | null,
  doors: readonly (readonly ["tcp" | "udp", string, number])[],
  programPath = fileURLToPath(new URL("mixed-host.py", import.meta.url)),
): Promise<Listeners> {
  const words = [programPath];
  const options = { stdio: ["pipe", "pipe", "inherit"] as ["pipe", "pipe", "inherit"] };
  const child: ChildProcess =
    namespace === null ? spawn("python3", words, options) : namespace.spawnIn("python3", words, options);
  const exited = once(child, "exit");
  const ready = once(child.stdout!, "data");
  child.stdin!.write(`${JSON.stringify(doors)}\n`);
  const first = await Promise.race([ready.then(() => "ready"), exited.then(() => "exit")]);
  if (first === "exit") throw new Error("The listeners did not start.");
  return {
    async stop() {
      child.stdin!.end();
      await exited;
    },
  };
}
