/**
 * @module Which ways to find the holders of sockets work for this process, and why others do not.
 */
import { isPrivileged, iterateHolders } from "./bpf-holders.ts";
import { buildInodeIndex } from "./inode-index.ts";
import { loadNativeAccess } from "./libc.ts";
import type { MethodExamination } from "../examine.ts";

/** Tries each way. */
export async function examineHolderSearch(): Promise<readonly MethodExamination[]> {
  const access = loadNativeAccess();
  const koffi: MethodExamination =
    access === null
      ? { name: "koffi", works: false, detail: "is not installed, or has no binary for this machine" }
      : { name: "koffi", works: true, detail: access.binaryPath === null ? "by its own loader" : "its binary alone" };
  return [
    koffi,
    await examineIterator(access),
    { name: "walk over /proc", works: true, detail: "needs nothing but /proc" },
  ];
}

async function examineIterator(access: ReturnType<typeof loadNativeAccess>): Promise<MethodExamination> {
  const name = "BPF iterator";
  if (access === null) return { name, works: false, detail: "needs koffi" };
  if (!isPrivileged()) {
    const detail =
      "needs CAP_SYS_PTRACE and CAP_BPF with CAP_PERFMON, the first user and pid namespace, and no seccomp filter";
    return { name, works: false, detail };
  }
  try {
    const request = { index: buildInodeIndex([1], 1), search: "all" as const, signal: undefined };
    return (await iterateHolders(access, request)) === undefined
      ? {
          name,
          works: false,
          detail: "the kernel has none (Linux 5.11), or does not describe its types in /sys/kernel/btf",
        }
      : { name, works: true, detail: "used from 10,000 descriptors on" };
  } catch (error) {
    return { name, works: false, detail: error instanceof Error ? error.message : String(error) };
  }
}
