/**
 * @module Whether /proc keeps the processes of other users out of sight (proc(5), mount option hidepid).
 */
import { existsSync } from "node:fs";
import type { BlindSpot } from "../host.ts";
import { readText, type FileTree } from "./file-tree.ts";

/** What is not seen of processes for that reason; `undefined` when nothing is hidden from this user. */
export function findHiddenProcesses(tree: FileTree): BlindSpot | undefined {
  // Process 1 belongs to root: whoever sees it sees everybody.
  if (tree.root !== "" || existsSync("/proc/1")) return undefined;
  return isHidingMounted(readText(tree, "/proc/self/mountinfo", 1 << 22) ?? "") ? hidden : undefined;
}

const hidden: BlindSpot = {
  what: "processes",
  why: "permission",
  count: null,
  message: "/proc hides the processes of other users (hidepid), so their sockets are told without holders.",
};

/** True when the last /proc mounted hides: hidepid 2 (`invisible`) or 4 (`ptraceable`). 1 shows that processes are there. */
export function isHidingMounted(mounts: string): boolean {
  // Columns: ids, device, root, mount point, options, optional fields, "-", type, source, super options.
  const last = mounts.split("\n").findLast((line) => line.split(" ")[4] === "/proc");
  return last !== undefined && /[ ,]hidepid=(?:2|4|invisible|ptraceable)(?:,|$)/.test(last);
}
