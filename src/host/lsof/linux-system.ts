/**
 * @module Linux beside lsof: processes, interfaces and limits by the code that reads /proc, so that lsof can be compared there.
 */
import { known, unknown } from "../../core/index.ts";
import type { BlindSpot } from "../host.ts";
import { readLink, readText, type FileTree } from "../linux/file-tree.ts";
import { findHiddenProcesses } from "../linux/hidden-processes.ts";
import { readNetworkInterfaces } from "../linux/interfaces.ts";
import { readPortLimits } from "../linux/limits.ts";
import { createProcessReader } from "../linux/processes.ts";
import type { LsofSystem } from "./snapshot.ts";

/** CAP_SYS_PTRACE, include/uapi/linux/capability.h: to look into the processes of others. */
const traceCapability = 19n;

/** What Linux knows now. */
export function createLinuxSystem(): LsofSystem {
  const tree: FileTree = { root: "" };
  const namespace = readLink(tree, "/proc/self/ns/net");
  const hidden = findHiddenProcesses(tree);
  return {
    platform: "linux",
    wantsWorkingDirectories: false,
    networkNamespace: namespace === undefined ? unknown("unsupported") : known(namespace),
    seesEveryProcess: hidden === undefined && mayTrace(tree),
    blindSpots: [untoldBoundSockets, ...(hidden === undefined ? [] : [hidden])],
    readInterfaces: () => readNetworkInterfaces(tree).interfaces,
    readLimits: () => readPortLimits(tree),
    readProcesses: async () => {
      const reader = createProcessReader(tree, Date.now());
      return (pid) => reader.processOf(pid);
    },
  };
}

const untoldBoundSockets: BlindSpot = {
  what: "sockets",
  why: "unsupported",
  count: null,
  message: "TCP sockets that hold a port without listening are not told by lsof on Linux.",
};

function mayTrace(tree: FileTree): boolean {
  const match = /\nCapEff:\s*([0-9a-f]{1,16})\n/.exec(readText(tree, "/proc/self/status", 4096) ?? "");
  return match !== null && ((BigInt(`0x${match[1]}`) >> traceCapability) & 1n) === 1n;
}
