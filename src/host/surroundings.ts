/**
 * @module What stands between a listener and who wants to reach it, beyond its sockets: the firewall, the routes, whether its processes run.
 */
import { known, unknown, type Known } from "../core/index.ts";
import type { FirewallReading } from "./firewall.ts";
import { readProcessStat } from "./linux/process-stat.ts";
import { readNeighbours, readRoutingTable, type NetworkRoute } from "./linux/routing-table.ts";

/** The firewall of this network namespace. Never rejects. */
export async function readOwnFirewall(signal: AbortSignal): Promise<FirewallReading> {
  if (process.platform !== "linux") return { chains: unknown("unsupported"), keeper: null, asked: [] };
  const { readFirewall } = await import("./linux/firewall/read-firewall.ts");
  return await readFirewall(signal);
}

/** Routes of this network namespace to other machines. */
export function readOwnRoutes(): Known<readonly NetworkRoute[]> {
  return process.platform === "linux" ? readRoutingTable() : unknown("unsupported");
}

/** IPv4 addresses of the own networks that have answered, as far as the kernel remembers. */
export function readOwnNeighbours(): Known<readonly string[]> {
  return process.platform === "linux" ? readNeighbours() : unknown("unsupported");
}

/** The scheduler's state of a process in one letter, `T` when it was stopped (proc_pid_stat(5)). */
export function readProcessState(pid: number): Known<string> {
  if (process.platform !== "linux") return unknown("unsupported");
  const stat = readProcessStat(pid);
  return stat === undefined ? unknown("gone") : known(stat.state);
}
