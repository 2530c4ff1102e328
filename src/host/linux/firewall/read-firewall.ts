/**
 * @module Reads the firewall of this network namespace by the programs that keep it: nft, iptables-save, ip6tables-save. Root alone may.
 */
import { isPortolanError, known, unknown } from "../../../core/index.ts";
import { capture } from "../../capture.ts";
import type { FirewallChain, FirewallKeeper, FirewallReading } from "../../firewall.ts";
import { parseIptables } from "./iptables.ts";
import { parseNftables } from "./nftables.ts";

/** A ruleset of ten thousand rules takes nft about a second. */
const deadlineMs = 5000;
const largestOutput = 32 << 20;

type Answer = { readonly output: string } | { readonly failure: string; readonly missing: boolean };

/** Asks them. Never rejects: what could not be read says why. */
export async function readFirewall(signal: AbortSignal): Promise<FirewallReading> {
  const ask = (program: string, words: readonly string[]): Promise<Answer> => askProgram(program, words, signal);
  const [json, text, ipv4, ipv6] = await Promise.all([
    ask("nft", ["-j", "list", "ruleset"]),
    ask("nft", ["-a", "list", "ruleset"]),
    ask("iptables-save", []),
    ask("ip6tables-save", []),
  ]);
  const asked = [
    { program: "nft", outcome: outcomeOf(json) },
    { program: "iptables-save", outcome: outcomeOf(ipv4) },
    { program: "ip6tables-save", outcome: outcomeOf(ipv6) },
  ];
  const chains: FirewallChain[] = [];
  const told: Answer[] = [];
  for (const [answer, family] of [
    [ipv4, "ipv4"],
    [ipv6, "ipv6"],
  ] as const) {
    if (!("output" in answer)) continue;
    told.push(answer);
    chains.push(...parseIptables(answer.output, family));
  }
  if ("output" in json) {
    const tables = parseNftables(json.output, "output" in text ? text.output : "");
    if (tables !== undefined) {
      told.push(json);
      // What iptables keeps in nftables' tables is told by both; iptables' own words say it whole.
      const twice = new Set(
        chains.map(({ families, table }) => `${families[0] === "ipv4" ? "ip" : "ip6"} ${table.split(" ")[1]!}`),
      );
      chains.push(...tables.filter(({ table }) => !twice.has(table)));
    }
  }
  if (told.length === 0) {
    const failures = [json, ipv4, ipv6];
    const missing = failures.every((answer) => "missing" in answer && answer.missing);
    return { chains: unknown(missing ? "unsupported" : "permission"), keeper: null, asked };
  }
  return { chains: known(chains), keeper: keeperOf(chains), asked };
}

function keeperOf(chains: readonly FirewallChain[]): FirewallKeeper | null {
  if (chains.some(({ name }) => /^ufw6?-/.test(name))) return "ufw";
  if (chains.some(({ table }) => table.endsWith(" firewalld"))) return "firewalld";
  const kept = chains.filter(({ rules, policy }) => rules.length > 0 || policy === "drop");
  if (kept.length === 0) return null;
  return kept.some(({ table }) => table.startsWith("ip") && table.includes("tables ")) ? "iptables" : "nftables";
}

function outcomeOf(answer: Answer): string {
  return "output" in answer ? "read" : answer.failure;
}

async function askProgram(program: string, words: readonly string[], signal: AbortSignal): Promise<Answer> {
  try {
    const told = await capture({ program, words, timeoutMs: deadlineMs, limitBytes: largestOutput, signal });
    // Some print nothing and succeed where they may not look, and say so beside.
    const refusal = told.complaint.split("\n").find((line) => /permi|denied|root/i.test(line));
    if (told.exitStatus === 0 && refusal === undefined) return { output: told.output.toString("utf8") };
    return { failure: refusal ?? (told.complaint.split("\n")[0] || "it failed"), missing: false };
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    const missing = error.code === "READER_UNAVAILABLE";
    return { failure: missing ? "not installed" : error.message, missing };
  }
}
