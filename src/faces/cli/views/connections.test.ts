import { describe, expect, test } from "vitest";
import { known, unknown, type Port } from "../../../core/index.ts";
import type { ConnectionsResult, ListedConnection } from "../../../operations/connections.ts";
import { printBlocks } from "../print/printer.ts";
import { connectionsView, durationText } from "./connections.ts";

function connectionAt(index: number, more: Partial<ListedConnection> = {}): ListedConnection {
  return {
    transport: "tcp",
    family: "ipv4",
    direction: "out",
    local: { address: "10.0.0.1", port: (40_000 + index) as Port },
    remote: { address: "192.0.2.9", port: 443 as Port },
    boundInterface: known(null),
    networkNamespace: null,
    state: "ESTABLISHED",
    inode: index + 1,
    uid: 1000,
    receiveQueue: 0,
    sendQueue: known(0),
    holders: known([{ pid: 7, name: known("\u001b[31mnode") }]),
    traffic: unknown("unsupported"),
    peer: null,
    servicePort: 443 as Port,
    service: { value: "https", basis: "assigned", evidence: "443" },
    sent: 2048,
    received: 0,
    roundTripMicroseconds: 85,
    idleMs: 1234,
    since: unknown("unsupported"),
    ...more,
  };
}

function resultOf(connections: readonly ListedConnection[], more: Partial<ConnectionsResult> = {}): ConnectionsResult {
  return {
    complete: true,
    takenAt: "2026-01-01T00:00:00.000Z",
    platform: "linux",
    reader: "netlink",
    networkNamespace: known("net:[1]"),
    blindSpots: [],
    connections: [...connections],
    groups: null,
    limit: null,
    totals: {
      connections: connections.length,
      matching: connections.length,
      groups: null,
      directions: { in: 0, out: connections.length, local: 0, unknown: 0 },
    },
    ...more,
  };
}

function print(result: ConnectionsResult, terminal = false): string {
  const context = { columns: Infinity, terminal, asRoot: "sudo portolan" };
  return printBlocks(connectionsView.result(result, context), { columns: Infinity, color: false });
}

describe("connections", () => {
  test("a row tells ends, process and measures; what comes from outside is escaped", () => {
    const lines = print(resultOf([connectionAt(0)])).split("\n");
    expect(lines[0]).toMatch(/^DIR +LOCAL +REMOTE +SERVICE +HELD BY +SENT +RECEIVED +RTT +IDLE +STATE$/);
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      "out",
      "10.0.0.1:40000",
      "192.0.2.9:443",
      "https?",
      "\\x1b[31mnode 7",
      "2.0 KiB",
      "0 B",
      "85 µs",
      "1.2 s",
      "ESTABLISHED",
    ]);
  });

  test("a terminal gets 100 rows and the number of the others, a pipe and a limit all", () => {
    const many = resultOf(Array.from({ length: 1250 }, (_, index) => connectionAt(index)));
    const shown = (text: string): number => text.split("\n").filter((line) => line.startsWith("out ")).length;
    expect(shown(print(many))).toBe(1250);
    expect(print(many)).not.toContain("more");
    expect(shown(print(many, true))).toBe(100);
    expect(print(many, true)).toContain("… and 1,150 more: choose with filters, or see all with --limit or in a pipe.");
    const limited = { ...many, connections: many.connections.slice(0, 500), limit: 500 };
    expect(shown(print(limited, true))).toBe(500);
    expect(print(limited)).toContain("… and 750 more.\n");
  });

  test("nothing at all, and nothing that matches, are told apart", () => {
    expect(print(resultOf([]))).toBe("Nothing is connected here.\n");
    const totals = { ...resultOf([]).totals, connections: 4200 };
    expect(print(resultOf([], { totals }))).toBe("None of 4,200 connections matches.\n");
  });

  test("ends in two namespaces show both", () => {
    const blue = { id: known("net:[4026532181]"), names: ["blue"] };
    const { family, state, inode, uid, receiveQueue, sendQueue, holders, traffic } = connectionAt(1);
    const peer = { family, state, inode, uid, receiveQueue, sendQueue, holders, traffic, networkNamespace: blue };
    const text = print(resultOf([connectionAt(0, { direction: "local", peer })]));
    expect(text).toContain("here → netns blue");
    const alone = print(resultOf([connectionAt(0, { networkNamespace: { ...blue, names: [] } })]));
    expect(alone).toContain("net:[4026532181]");
  });
});

test.each([
  [0, "0 µs"],
  [999, "999 µs"],
  [1000, "1.0 ms"],
  [9949, "9.9 ms"],
  [12_900, "12 ms"],
  [1_000_000, "1.0 s"],
  [59_999_999, "59 s"],
  [60_000_000, "1 min"],
  [3_600_000_000, "1 h"],
  [172_800_000_000, "2 d"],
])("%i microseconds are %s", (microseconds, text) => {
  expect(durationText(microseconds)).toBe(text);
});
