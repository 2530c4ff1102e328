/**
 * @module nftables' rules, as `nft -j list ruleset` tells them (libnftables-json(5)), with each rule's own text from `nft -a list ruleset`.
 */
import type { IpFamily } from "../../../core/index.ts";
import type { FirewallChain, FirewallCondition, FirewallHook, FirewallRule, FirewallVerdict } from "../../firewall.ts";

type Node = Readonly<Record<string, unknown>>;

const hooks: ReadonlySet<string> = new Set<FirewallHook>(["prerouting", "input", "output", "postrouting"]);
const familiesOf: Readonly<Record<string, readonly IpFamily[]>> = {
  ip: ["ipv4"],
  ip6: ["ipv6"],
  inet: ["ipv4", "ipv6"],
};

/**
 * Reads a ruleset.
 * @param json what `nft -j list ruleset` printed
 * @param text what `nft -a list ruleset` printed; rules are shown as they stand there
 * @returns `undefined` when it is no ruleset
 */
export function parseNftables(json: string, text: string): readonly FirewallChain[] | undefined {
  let items: readonly Node[];
  try {
    const parsed = JSON.parse(json) as { nftables?: unknown };
    if (!Array.isArray(parsed.nftables)) return undefined;
    items = parsed.nftables.filter(isNode);
  } catch {
    return undefined;
  }
  const texts = readTexts(text);
  const sets = new Map<string, readonly string[] | null>();
  for (const { set } of items) {
    if (isNode(set))
      sets.set(`${word(set["family"])} ${word(set["table"])} @${word(set["name"])}`, valuesOf(set["elem"] ?? []));
  }
  const rules = new Map<string, FirewallRule[]>();
  for (const { rule } of items) {
    if (!isNode(rule)) continue;
    const table = `${word(rule["family"])} ${word(rule["table"])}`;
    const key = `${table} ${word(rule["chain"])}`;
    const shown = texts.get(`${key} ${word(rule["handle"])}`) ?? JSON.stringify(rule["expr"]);
    const made = readRule(Array.isArray(rule["expr"]) ? rule["expr"].filter(isNode) : [], shown, (name) =>
      sets.get(`${table} ${name}`),
    );
    rules.set(key, [...(rules.get(key) ?? []), ...made]);
  }
  return items.flatMap(({ chain }): FirewallChain[] => {
    if (!isNode(chain)) return [];
    const families = familiesOf[word(chain["family"])];
    const hook = word(chain["hook"]);
    // Chains of addresses' translation see a connection's first packet too, and let it pass.
    if (families === undefined || (chain["hook"] !== undefined && !hooks.has(hook))) return [];
    const table = `${word(chain["family"])} ${word(chain["table"])}`;
    return [
      {
        table,
        name: word(chain["name"]),
        families,
        hook: chain["hook"] === undefined ? null : (hook as FirewallHook),
        priority: typeof chain["prio"] === "number" ? chain["prio"] : 0,
        policy: chain["policy"] === "drop" ? "drop" : "accept",
        rules: rules.get(`${table} ${word(chain["name"])}`) ?? [],
      },
    ];
  });
}

/** `table inet f {`, `chain in {`, then lines that end in `# handle 4`. */
function readTexts(text: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let table = "";
  let chain = "";
  for (const line of text.split("\n")) {
    const opened = /^\s*(table (\S+) (\S+)|chain (\S+)) \{/.exec(line);
    if (opened?.[2] !== undefined) table = `${opened[2]} ${opened[3] ?? ""}`;
    else if (opened?.[4] !== undefined) chain = opened[4];
    const rule = /^\s*(.*\S)\s+# handle (\d+)$/.exec(line);
    if (rule !== null && opened === null) texts.set(`${table} ${chain} ${rule[2]!}`, rule[1]!);
  }
  return texts;
}

type SetFinder = (name: string) => readonly string[] | null | undefined;

/** A rule with a verdict map is one rule for each of its entries. */
function readRule(expressions: readonly Node[], text: string, findSet: SetFinder): FirewallRule[] {
  const conditions: FirewallCondition[] = [];
  const made: FirewallRule[] = [];
  for (const expression of expressions) {
    if (isNode(expression["match"])) conditions.push(...readMatch(expression["match"], findSet));
    else if (isNode(expression["vmap"])) {
      const { key, data } = expression["vmap"];
      const entries = isNode(data) && Array.isArray(data["set"]) ? (data["set"] as readonly unknown[]) : [];
      for (const entry of entries) {
        if (!Array.isArray(entry) || !isNode(entry[1])) continue;
        const own = readMatch({ op: "==", left: key, right: entry[0] as unknown }, findSet);
        made.push({ text, conditions: [...conditions, ...own], verdict: readVerdict(entry[1]) ?? null });
      }
      if (entries.length === 0) conditions.push(unread);
    } else {
      const verdict = readVerdict(expression);
      if (verdict !== undefined) made.push({ text, conditions: [...conditions], verdict });
      // What changes nothing about whether the rule fits.
      else if (!Object.keys(expression).every((key) => harmless.has(key))) conditions.push(unread);
    }
  }
  return made;
}

const unread: FirewallCondition = { field: "other", negated: false, values: [] };
const harmless: ReadonlySet<string> = new Set(["counter", "log", "mangle", "notrack", "comment", "ct helper"]);

function readVerdict(expression: Node): FirewallVerdict | undefined {
  for (const does of ["accept", "drop", "reject", "return"] as const) if (does in expression) return { does };
  for (const does of ["jump", "goto"] as const) {
    const target = expression[does];
    if (isNode(target)) return { does, chain: word(target["target"]) };
  }
  return undefined;
}

const payloadFields: Readonly<Record<string, FirewallCondition["field"]>> = {
  saddr: "source",
  daddr: "destination",
  sport: "source-port",
  dport: "destination-port",
  protocol: "protocol",
  nexthdr: "protocol",
};
const metaFields: Readonly<Record<string, FirewallCondition["field"]>> = {
  iifname: "in-interface",
  iif: "in-interface",
  oifname: "out-interface",
  oif: "out-interface",
  l4proto: "protocol",
  nfproto: "family",
};

function readMatch(match: Node, findSet: SetFinder): FirewallCondition[] {
  const { op, left, right } = match;
  const negated = op === "!=";
  const values = typeof right === "string" && right.startsWith("@") ? findSet(right) : valuesOf(right);
  if (!isNode(left) || (op !== "==" && op !== "in" && op !== "!=") || values === null || values === undefined)
    return [unread];
  const { payload, meta, ct, fib } = left;
  if (isNode(payload)) {
    const layer = word(payload["protocol"]);
    const field = payloadFields[word(payload["field"])];
    // Asking for a header is asking for its protocol.
    const implied: FirewallCondition[] =
      layer === "ip" || layer === "ip6"
        ? [{ field: "family", negated: false, values: [layer === "ip" ? "ipv4" : "ipv6"] }]
        : layer === "th"
          ? []
          : [{ field: "protocol", negated: false, values: [layer] }];
    return field === undefined ? [...implied, unread] : [...implied, { field, negated, values }];
  }
  if (isNode(meta)) {
    const field = metaFields[word(meta["key"])];
    return [field === undefined ? unread : { field, negated, values }];
  }
  // A connection's first packet is new, and has no status yet (nft(8), "ct status").
  if (isNode(ct) && (ct["key"] === "state" || ct["key"] === "status")) return [{ field: "state", negated, values }];
  if (isNode(fib) && fib["result"] === "type" && JSON.stringify(fib["flags"]) === '["daddr"]') {
    return [{ field: "destination-type", negated, values }];
  }
  return [unread];
}

/** The values of a right side; `null` for one that is not read. */
function valuesOf(right: unknown): readonly string[] | null {
  if (typeof right === "string" || typeof right === "number") return [String(right)];
  if (Array.isArray(right)) {
    const parts = right.map(valuesOf);
    return parts.includes(null) ? null : parts.flatMap((part) => part ?? []);
  }
  if (!isNode(right)) return null;
  const { set, range, prefix, elem } = right;
  if (set !== undefined) return valuesOf(set);
  if (isNode(elem)) return valuesOf(elem["val"]);
  if (Array.isArray(range)) return [`${word(range[0])}-${word(range[1])}`];
  if (isNode(prefix)) return [`${word(prefix["addr"])}/${word(prefix["len"])}`];
  return null;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}
