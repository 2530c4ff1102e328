/**
 * @module What a machine's firewall is told to do, whichever program told it: chains of rules with their conditions, in the kernel's order.
 */
import type { IpFamily, Known } from "../core/index.ts";

/** Places where Linux asks its firewall about a packet of this machine's own (Documentation/networking/nf_tables, netfilter hooks). */
export type FirewallHook = "prerouting" | "input" | "output" | "postrouting";

/** What a condition looks at. `other`: something that Portolan does not read. */
export type ConditionField =
  | "family"
  | "protocol"
  | "source"
  | "destination"
  | "source-port"
  | "destination-port"
  | "in-interface"
  | "out-interface"
  | "state"
  | "destination-type"
  | "other";

/** One condition: true when one of the values fits, the other way round when negated. */
export interface FirewallCondition {
  readonly field: ConditionField;
  readonly negated: boolean;
  /** Numbers `80` and `1000-2000`, networks `10.0.0.0/8`, words `lo`, `new`; a name that ends in `*` or `+` fits what begins so. */
  readonly values: readonly string[];
}

/** What a rule does with what fits. `null` goes on to the next rule. */
export type FirewallVerdict =
  | { readonly does: "accept" | "drop" | "reject" | "return" }
  | { readonly does: "jump" | "goto"; readonly chain: string }
  | null;

/** One rule. */
export interface FirewallRule {
  /** As its own program prints it. Raw. */
  readonly text: string;
  readonly conditions: readonly FirewallCondition[];
  readonly verdict: FirewallVerdict;
}

/** One chain. */
export interface FirewallChain {
  /** Names are unique within a table. */
  readonly table: string;
  readonly name: string;
  /** Families that pass through it. */
  readonly families: readonly IpFamily[];
  /** Where it hangs; `null` for one that is only jumped to. */
  readonly hook: FirewallHook | null;
  /** Lower ones are asked first. */
  readonly priority: number;
  readonly policy: "accept" | "drop";
  readonly rules: readonly FirewallRule[];
}

/** Who keeps the rules, as the names of its chains show. */
export type FirewallKeeper = "ufw" | "firewalld" | "iptables" | "nftables";

/** Every chain that could be read, and what could not. */
export interface FirewallReading {
  readonly chains: Known<readonly FirewallChain[]>;
  readonly keeper: FirewallKeeper | null;
  /** Programs that were asked, and how that ended, e.g. `nft: Operation not permitted`. */
  readonly asked: readonly { readonly program: string; readonly outcome: string }[];
}
