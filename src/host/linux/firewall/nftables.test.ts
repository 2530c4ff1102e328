/**
 * @module nftables' rulesets as nft 1.0.6 printed them.
 */
import { expect, test } from "vitest";
import { parseNftables } from "./nftables.ts";

const json = JSON.stringify({
  nftables: [
    { metainfo: { version: "1.0.6", json_schema_version: 1 } },
    { table: { family: "inet", name: "f", handle: 1 } },
    {
      set: {
        family: "inet",
        table: "f",
        name: "blocked",
        type: "ipv4_addr",
        handle: 9,
        elem: ["10.0.0.9", { prefix: { addr: "10.1.0.0", len: 16 } }],
      },
    },
    {
      chain: {
        family: "inet",
        table: "f",
        name: "in",
        handle: 1,
        type: "filter",
        hook: "input",
        prio: 0,
        policy: "drop",
      },
    },
    { chain: { family: "inet", table: "f", name: "web", handle: 2 } },
    {
      chain: {
        family: "inet",
        table: "f",
        name: "through",
        handle: 3,
        type: "filter",
        hook: "forward",
        prio: 0,
        policy: "drop",
      },
    },
    {
      chain: {
        family: "bridge",
        table: "f",
        name: "b",
        handle: 1,
        type: "filter",
        hook: "input",
        prio: 0,
        policy: "drop",
      },
    },
    {
      rule: {
        family: "inet",
        table: "f",
        chain: "in",
        handle: 2,
        expr: [
          { match: { op: "==", left: { payload: { protocol: "tcp", field: "dport" } }, right: 8080 } },
          { counter: { packets: 0, bytes: 0 } },
          { drop: null },
        ],
      },
    },
    {
      rule: {
        family: "inet",
        table: "f",
        chain: "in",
        handle: 4,
        expr: [
          {
            vmap: {
              key: { ct: { key: "state" } },
              data: {
                set: [
                  ["invalid", { drop: null }],
                  ["established", { accept: null }],
                ],
              },
            },
          },
        ],
      },
    },
    {
      rule: {
        family: "inet",
        table: "f",
        chain: "web",
        handle: 6,
        expr: [
          { match: { op: "==", left: { payload: { protocol: "ip", field: "saddr" } }, right: "@blocked" } },
          {
            match: {
              op: "!=",
              left: { payload: { protocol: "tcp", field: "dport" } },
              right: { set: [80, { range: [1000, 2000] }] },
            },
          },
          { match: { op: "==", left: { meta: { key: "iifname" } }, right: "lo" } },
          { limit: { rate: 3, per: "second" } },
          { reject: { type: "tcp reset" } },
        ],
      },
    },
    { rule: { family: "inet", table: "f", chain: "in", handle: 8, expr: [{ jump: { target: "web" } }] } },
  ],
});

const text = `table inet f { # handle 1
	chain in { # handle 1
		type filter hook input priority filter; policy drop;
		tcp dport 8080 counter packets 0 bytes 0 drop # handle 2
		ct state vmap { invalid : drop, established : accept } # handle 4
		jump web # handle 8
	}
}
`;

test("chains, rules with their own text, sets, verdict maps and what is not read", () => {
  const chains = parseNftables(json, text)!;
  // Chains for what passes through, and those of bridges, are not asked about this machine's own packets.
  expect(chains.map(({ name, hook, policy, families }) => [name, hook, policy, families.length])).toEqual([
    ["in", "input", "drop", 2],
    ["web", null, "accept", 2],
  ]);
  expect(chains[0]!.rules).toEqual([
    {
      text: "tcp dport 8080 counter packets 0 bytes 0 drop",
      conditions: [
        { field: "protocol", negated: false, values: ["tcp"] },
        { field: "destination-port", negated: false, values: ["8080"] },
      ],
      verdict: { does: "drop" },
    },
    {
      text: "ct state vmap { invalid : drop, established : accept }",
      conditions: [{ field: "state", negated: false, values: ["invalid"] }],
      verdict: { does: "drop" },
    },
    {
      text: "ct state vmap { invalid : drop, established : accept }",
      conditions: [{ field: "state", negated: false, values: ["established"] }],
      verdict: { does: "accept" },
    },
    { text: "jump web", conditions: [], verdict: { does: "jump", chain: "web" } },
  ]);
  expect(chains[1]!.rules[0]).toMatchObject({
    conditions: [
      { field: "family", values: ["ipv4"] },
      { field: "source", values: ["10.0.0.9", "10.1.0.0/16"] },
      { field: "protocol", values: ["tcp"] },
      { field: "destination-port", negated: true, values: ["80", "1000-2000"] },
      { field: "in-interface", values: ["lo"] },
      { field: "other" },
    ],
    verdict: { does: "reject" },
  });
  // Without its text a rule shows what it is made of.
  expect(chains[1]!.rules[0]!.text).toContain('"reject"');
});

test("what is no ruleset", () => {
  for (const wrong of ["", "{}", "[]", "null", '{"nftables":1}', '{"nftables":[1,null,{"rule":{}},{"chain":[]}]}']) {
    expect(parseNftables(wrong, "") ?? []).toEqual([]);
  }
});
