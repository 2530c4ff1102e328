/**
 * @module iptables' rules, as `iptables-save` and `ip6tables-save` print them (iptables(8), iptables-extensions(8)).
 */
import type { IpFamily } from "../../../core/index.ts";
import type { FirewallChain, FirewallCondition, FirewallHook, FirewallRule, FirewallVerdict } from "../../firewall.ts";

/** Order in which a hook asks the tables (include/uapi/linux/netfilter_ipv4.h, NF_IP_PRI_*). Those not here translate addresses. */
const tablePriorities: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 };

/** Options with one word behind them that decide nothing. */
const silent: ReadonlySet<string> = new Set(["--comment", "-m", "--match", "--reject-with", "--set-xmark"]);

const fields: Readonly<Record<string, FirewallCondition["field"]>> = {
  "-p": "protocol",
  "-s": "source",
  "-d": "destination",
  "-i": "in-interface",
  "-o": "out-interface",
  "--dport": "destination-port",
  "--dports": "destination-port",
  "--sport": "source-port",
  "--sports": "source-port",
  "--ctstate": "state",
  "--state": "state",
  "--ctstatus": "state",
  "--dst-type": "destination-type",
};

/** Their values are words, in capitals with some. */
const wordFields: ReadonlySet<string> = new Set(["state", "protocol", "destination-type"]);

/** Reads what the program printed. */
export function parseIptables(text: string, family: IpFamily): readonly FirewallChain[] {
  const chains = new Map<string, FirewallChain & { readonly rules: FirewallRule[] }>();
  let table = "";
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) table = line.slice(1).trim();
    const priority = tablePriorities[table];
    if (priority === undefined) continue;
    const chain = /^:(\S+) (\S+)/.exec(line);
    if (chain !== null) {
      const [, name = "", policy] = chain;
      const hook = policy === "-" ? null : (name.toLowerCase() as FirewallHook);
      const shown = `${family === "ipv4" ? "iptables" : "ip6tables"} ${table}`;
      chains.set(`${table} ${name}`, {
        table: shown,
        name,
        families: [family],
        hook,
        priority,
        policy: policy === "DROP" ? "drop" : "accept",
        rules: [],
      });
    } else if (line.startsWith("-A ")) {
      const [, name = "", ...words] = splitWords(line);
      chains.get(`${table} ${name}`)?.rules.push(readRule(line, words));
    }
  }
  return [...chains.values()];
}

function readRule(text: string, words: readonly string[]): FirewallRule {
  const conditions: FirewallCondition[] = [];
  let verdict: FirewallVerdict = null;
  let negated = false;
  for (let index = 0; index < words.length; index += 1) {
    const option = words[index]!;
    if (option === "!") {
      negated = true;
      continue;
    }
    const value = words[index + 1] ?? "";
    const field = fields[option];
    if (option === "-j" || option === "-g") {
      verdict = readTarget(option, value);
      index += 1;
      // What follows is the target's own.
      break;
    }
    if (field !== undefined) {
      const values = (wordFields.has(field) ? value.toLowerCase() : value).split(",");
      conditions.push({
        field,
        negated,
        values: isPortField(field) ? values.map((one) => one.replace(":", "-")) : values,
      });
      index += 1;
    } else if (silent.has(option)) index += 1;
    else if (option.startsWith("-")) conditions.push({ field: "other", negated, values: [option] });
    negated = false;
  }
  return { text, conditions, verdict };
}

function isPortField(field: FirewallCondition["field"]): boolean {
  return field === "destination-port" || field === "source-port";
}

function readTarget(option: string, target: string): FirewallVerdict {
  if (target === "ACCEPT") return { does: "accept" };
  if (target === "DROP") return { does: "drop" };
  if (target === "REJECT") return { does: "reject" };
  if (target === "RETURN") return { does: "return" };
  // Other targets in capitals mark or log; a chain of the user's may be called so too, and is then found by its name.
  return { does: option === "-g" ? "goto" : "jump", chain: target };
}

/** Words between spaces; what stands in double quotes is one, with backslashes before quotes and backslashes. */
function splitWords(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, plain]) =>
    quoted === undefined ? plain! : quoted.replaceAll(/\\(.)/g, "$1"),
  );
}
