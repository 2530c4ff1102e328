/**
 * @module What becomes of a packet in chains of rules.
 */
import { expect, test } from "vitest";
import type { FirewallChain, FirewallCondition, FirewallRule } from "../../host/index.ts";
import { findRefusal, type Packet } from "./firewall-walk.ts";

const packet: Packet = {
  family: "ipv4",
  protocol: "tcp",
  source: null,
  destination: "10.0.0.2",
  port: 8080,
  inInterface: "eth0",
  outInterface: null,
  toOwn: true,
};

function chain(rules: readonly FirewallRule[], rest: Partial<FirewallChain> = {}): FirewallChain {
  return {
    table: "inet f",
    name: "in",
    families: ["ipv4", "ipv6"],
    hook: "input",
    priority: 0,
    policy: "accept",
    rules,
    ...rest,
  };
}

function rule(
  verdict: FirewallRule["verdict"],
  ...conditions: [FirewallCondition["field"], string, boolean?][]
): FirewallRule {
  return {
    text: conditions.map(([field, value]) => `${field} ${value}`).join(" "),
    conditions: conditions.map(([field, value, negated = false]) => ({ field, negated, values: value.split(",") })),
    verdict,
  };
}

const drop = { does: "drop" } as const;
const accept = { does: "accept" } as const;

function fate(...chains: FirewallChain[]): string {
  const refusal = findRefusal(chains, packet, ["prerouting", "input"]);
  return refusal === null
    ? "passes"
    : `${refusal.certain ? "" : "perhaps "}${refusal.does} by ${refusal.chain}: ${refusal.rule}`;
}

test("the first rule that fits decides, and then the policy", () => {
  expect(fate(chain([rule(drop, ["destination-port", "8080"])]))).toBe("drop by inet f in: destination-port 8080");
  expect(fate(chain([rule(accept, ["destination-port", "8000-8100"]), rule(drop)]))).toBe("passes");
  expect(fate(chain([rule(drop, ["destination-port", "80,443"])]))).toBe("passes");
  expect(fate(chain([rule(accept, ["in-interface", "lo"])], { policy: "drop" }))).toBe(
    "drop by inet f in: policy drop",
  );
  expect(fate(chain([rule({ does: "reject" }, ["in-interface", "eth*"])]))).toBe(
    "reject by inet f in: in-interface eth*",
  );
  expect(fate(chain([rule(drop, ["state", "new"])]))).toContain("drop by");
  expect(fate(chain([rule(drop, ["protocol", "udp"])]))).toBe("passes");
  expect(fate(chain([rule(drop, ["protocol", "6"], ["family", "2"])]))).toContain("drop by");
  expect(fate(chain([rule(drop, ["destination", "10.0.0.0/8"])]))).toContain("drop by");
  expect(fate(chain([rule(drop, ["destination", "10.0.0.2", true])]))).toBe("passes");
  expect(fate(chain([rule(drop, ["destination", "fd00::/8"])]))).toBe("passes");
  expect(fate(chain([rule(accept, ["destination-type", "local"]), rule(drop)]))).toBe("passes");
  expect(fate(chain([rule(drop, ["destination-type", "multicast,broadcast"])]))).toBe("passes");
});

test("chains of one hook follow their priority, and one that drops is enough", () => {
  const early = chain([rule(accept)], { name: "early", priority: -10 });
  const late = chain([rule(drop, ["destination-port", "8080"])], { name: "late", priority: 10 });
  expect(fate(late, early)).toBe("drop by inet f late: destination-port 8080");
  expect(fate(chain([rule(drop)], { families: ["ipv6"] }))).toBe("passes");
  expect(fate(chain([rule(drop)], { hook: "output" }))).toBe("passes");
  expect(fate(chain([rule(drop)], { name: "raw", hook: "prerouting" }))).toContain("inet f raw");
});

test("jump comes back, goto does not, return leaves the chain", () => {
  const web = chain([rule({ does: "return" }, ["destination-port", "8080"]), rule(drop)], { name: "web", hook: null });
  expect(fate(chain([rule({ does: "jump", chain: "web" }), rule(accept)], { policy: "drop" }), web)).toBe("passes");
  expect(fate(chain([rule({ does: "goto", chain: "web" }), rule(accept)], { policy: "drop" }), web)).toContain(
    "policy drop",
  );
  const wall = chain([rule(drop)], { name: "wall", hook: null });
  expect(fate(chain([rule({ does: "jump", chain: "wall" })]), wall)).toContain("inet f wall");
  const foreign = chain([rule(drop)], { name: "web", hook: null, table: "ip other" });
  expect(fate(chain([rule({ does: "jump", chain: "web" })]), foreign)).toBe("passes");
  // A chain that jumps to itself, which the kernel refuses, ends here too.
  expect(fate(chain([rule({ does: "jump", chain: "in" })]))).toBe("passes");
});

test("a condition that is not read makes a perhaps, either way", () => {
  expect(fate(chain([rule(drop, ["other", "x"], ["destination-port", "8080"])]))).toMatch(/^perhaps drop/);
  expect(fate(chain([rule(drop, ["other", "x"], ["destination-port", "80"])]))).toBe("passes");
  expect(fate(chain([rule(accept, ["source", "10.0.0.0/8"]), rule(drop)]))).toMatch(/^perhaps drop/);
  expect(fate(chain([rule(drop, ["other", "x"]), rule(drop)]))).toMatch(/^drop/);
  const inner = chain([rule(drop)], { name: "web", hook: null });
  expect(fate(chain([rule({ does: "jump", chain: "web" }, ["other", "x"])]), inner)).toMatch(/^perhaps drop/);
});

test("the rules that ufw makes: what it lets in passes, and the rest meets the policy", () => {
  const table = "iptables filter";
  const ufw = [
    chain([rule({ does: "jump", chain: "ufw-before-input" }), rule({ does: "jump", chain: "ufw-user-input" })], {
      table,
      name: "INPUT",
      policy: "drop",
    }),
    chain(
      [
        rule(accept, ["in-interface", "lo"]),
        rule(accept, ["state", "related,established"]),
        rule({ does: "jump", chain: "ufw-logging-deny" }, ["state", "invalid"]),
        rule(drop, ["state", "invalid"]),
        rule({ does: "jump", chain: "ufw-not-local" }),
      ],
      { table, name: "ufw-before-input", hook: null },
    ),
    chain(
      [
        rule({ does: "return" }, ["destination-type", "local"]),
        rule({ does: "return" }, ["destination-type", "multicast"]),
        rule({ does: "jump", chain: "ufw-logging-deny" }, ["other", "--limit"]),
        rule(drop),
      ],
      { table, name: "ufw-not-local", hook: null },
    ),
    chain([rule({ does: "jump", chain: "LOG" }, ["other", "--limit"])], {
      table,
      name: "ufw-logging-deny",
      hook: null,
    }),
  ];
  const user = (port: string): FirewallChain =>
    chain([rule(accept, ["protocol", "tcp"], ["destination-port", port])], {
      table,
      name: "ufw-user-input",
      hook: null,
    });
  expect(fate(...ufw, user("8080"))).toBe("passes");
  expect(fate(...ufw, user("22"))).toBe("drop by iptables filter INPUT: policy drop");
});
