/**
 * @module What a firewall would do with one packet: its chains walked in the kernel's order (nft(8), "chains"; iptables(8)), with an honest
 * "perhaps" where a condition is not read.
 */
import { networkOf, type IpFamily } from "../../core/index.ts";
import type { ConditionField, FirewallChain, FirewallCondition, FirewallHook, FirewallRule } from "../../host/index.ts";

/** The first packet of a connection, or a datagram. `null`: any. */
export interface Packet {
  readonly family: IpFamily;
  readonly protocol: "tcp" | "udp";
  readonly source: string | null;
  readonly destination: string;
  readonly port: number;
  readonly inInterface: string | null;
  readonly outInterface: string | null;
  /** The destination is one of this machine's addresses. */
  readonly toOwn: boolean;
}

/** The rule that refuses, or may. */
export interface Refusal {
  readonly certain: boolean;
  /** Without a word, or with an answer. */
  readonly does: "drop" | "reject";
  /** `inet filter input`. */
  readonly chain: string;
  /** The rule as its program prints it, or `policy drop`. */
  readonly rule: string;
}

type Truth = "yes" | "no" | "perhaps";
type Outcome = { readonly end: "accept" | "none" | "return" } | { readonly end: "refuse"; readonly refusal: Refusal };

/** Deepest jump that the kernel allows (NFT_JUMP_STACK_SIZE). */
const deepestJump = 16;

/** The refusal of a packet at these hooks, in their order; `null` when it passes them all. */
export function findRefusal(
  chains: readonly FirewallChain[],
  packet: Packet,
  hooks: readonly FirewallHook[],
): Refusal | null {
  let perhaps: Refusal | null = null;
  for (const hook of hooks) {
    const hung = chains
      .filter((chain) => chain.hook === hook && chain.families.includes(packet.family))
      .toSorted((one, other) => one.priority - other.priority);
    for (const chain of hung) {
      const walk = new Walk(chains, packet);
      const outcome = walk.chain(chain, 0);
      const refusal =
        outcome.end === "refuse"
          ? outcome.refusal
          : outcome.end === "accept" || chain.policy === "accept"
            ? null
            : walk.refuse(chain, "policy drop", "drop");
      if (refusal?.certain === true) return refusal;
      perhaps ??= refusal ?? walk.perhaps;
    }
  }
  return perhaps;
}

class Walk {
  /** The first rule that may have refused. */
  perhaps: Refusal | null = null;
  /** A rule before may have let it pass. */
  #mayHavePassed = false;
  readonly #chains: readonly FirewallChain[];
  readonly #packet: Packet;

  constructor(chains: readonly FirewallChain[], packet: Packet) {
    this.#chains = chains;
    this.#packet = packet;
  }

  chain(chain: FirewallChain, depth: number, certain = true): Outcome {
    for (const rule of chain.rules) {
      const fits = fitsRule(rule, this.#packet);
      if (fits === "no" || rule.verdict === null) continue;
      const sure = certain && fits === "yes";
      const { verdict } = rule;
      if (verdict.does === "drop" || verdict.does === "reject") {
        const refusal = this.refuse(chain, rule.text, verdict.does);
        if (sure) return { end: "refuse", refusal };
        this.perhaps ??= { ...refusal, certain: false };
      } else if (verdict.does === "accept" || verdict.does === "return") {
        if (sure) return { end: verdict.does };
        this.#mayHavePassed = true;
        if (fits === "yes") return { end: "none" };
      } else if ("chain" in verdict && depth < deepestJump) {
        const target = this.#chains.find(({ table, name }) => table === chain.table && name === verdict.chain);
        if (target === undefined) continue;
        const outcome = this.chain(target, depth + 1, sure);
        if (outcome.end === "accept" || outcome.end === "refuse") return outcome;
        if (verdict.does === "goto" && fits === "yes") return { end: "return" };
      }
    }
    return { end: "none" };
  }

  refuse({ table, name }: FirewallChain, rule: string, does: Refusal["does"]): Refusal {
    return { certain: !this.#mayHavePassed, does, chain: `${table} ${name}`, rule };
  }
}

function fitsRule({ conditions }: FirewallRule, packet: Packet): Truth {
  let truth: Truth = "yes";
  for (const condition of conditions) {
    const fits = fitsCondition(condition, packet);
    if (fits === "no") return "no";
    if (fits === "perhaps") truth = "perhaps";
  }
  return truth;
}

function fitsCondition({ field, negated, values }: FirewallCondition, packet: Packet): Truth {
  const actual = actualOf(field, packet);
  if (actual === undefined) return "perhaps";
  const fits = values.some((value) => fitsValue(field, value, actual, packet.family));
  return fits === negated ? "no" : "yes";
}

/** `undefined`: not known. */
function actualOf(field: ConditionField, packet: Packet): string | undefined {
  switch (field) {
    case "family":
      return packet.family;
    case "protocol":
      return packet.protocol;
    case "source":
      return packet.source ?? undefined;
    case "destination":
      return packet.destination;
    case "destination-port":
      return String(packet.port);
    case "in-interface":
      return packet.inInterface ?? undefined;
    case "out-interface":
      return packet.outInterface ?? undefined;
    case "state":
      return "new";
    case "destination-type":
      return packet.toOwn ? "local" : "unicast";
    case "source-port":
    case "other":
    default:
      return undefined;
  }
}

const protocolNumbers: Readonly<Record<string, string>> = { "6": "tcp", "17": "udp" };

function fitsValue(field: ConditionField, value: string, actual: string, family: IpFamily): boolean {
  if (field === "protocol") return value === "all" || (protocolNumbers[value] ?? value) === actual;
  if (field === "family") return value === actual || value === (actual === "ipv4" ? "2" : "10");
  if (field === "destination-port") {
    const [first = "", last = first] = value.split("-");
    return Number(first) <= Number(actual) && Number(actual) <= Number(last);
  }
  if (field === "source" || field === "destination") return isIn(actual, value, family);
  if (/[*+]$/.test(value)) return actual.startsWith(value.slice(0, -1));
  return value === actual;
}

function isIn(address: string, network: string, family: IpFamily): boolean {
  if (network.includes(":") !== (family === "ipv6")) return false;
  const [first = "", length] = network.split("/");
  if (first.includes("-")) return false;
  const bits = length === undefined ? (family === "ipv4" ? 32 : 128) : Number(length);
  try {
    return networkOf(address, bits) === networkOf(first, bits);
  } catch {
    return false;
  }
}
