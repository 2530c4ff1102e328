/**
 * @module The parents of a process, nearest first.
 */
import type { Process, Snapshot } from "../host/index.ts";

/** How many parents are followed at most: deeper chains do not occur in practice, and hostile ones end here. */
export const parentChainLimit = 64;

/**
 * The processes that started a process, directly or not: its parent first, then that one's parent, and so on.
 * Ends at a process whose parent cannot be read or is 0, at a cycle (pids are reused while the table is read),
 * and after 64 parents. The process itself is not part of the answer.
 */
export function parentChain(snapshot: Pick<Snapshot, "processOf">, pid: number): Process[] {
  const chain: Process[] = [];
  const seen = new Set<number>([pid]);
  let current = snapshot.processOf(pid);
  while (chain.length < parentChainLimit) {
    if (!current.parentPid.known) break;
    const parentPid = current.parentPid.value;
    if (parentPid <= 0 || seen.has(parentPid)) break;
    seen.add(parentPid);
    current = snapshot.processOf(parentPid);
    chain.push(current);
  }
  return chain;
}
