/**
 * @module What this system is and what it lets Portolan see, tried out: for `diagnose`.
 */
import { arch, release, version } from "node:os";
import { readHomeFolder } from "./home-folder.ts";

/** One way of doing something. */
export interface MethodExamination {
  readonly name: string;
  readonly works: boolean;
  /** Why it does not work, or when it is used. */
  readonly detail: string;
}

/** What a system says of itself and of this process. */
export interface SystemExamination {
  /** Name of the distribution, `null` when it has none. */
  readonly system: string | null;
  /** C library with its version, `null` when it is not known. */
  readonly libc: string | null;
  /** Effective capabilities without `CAP_`; `null` where the system has none. */
  readonly capabilities: readonly string[] | null;
  readonly confinement: { readonly noNewPrivileges: boolean; readonly seccomp: string } | null;
  readonly namespaces: readonly {
    readonly kind: string;
    /** `net:[4026531840]`. */
    readonly name: string | null;
    /** Whether it is that of process 1 or the first of the kernel's; `null` when that cannot be told. */
    readonly sameAsSystem: boolean | null;
  }[];
  /** What holds this process: a container, WSL. */
  readonly container: { readonly kind: string; readonly evidence: string } | null;
  readonly processTable: {
    /** Mount options of /proc. */
    readonly options: string | null;
    /** True when processes of other users are out of sight (hidepid). */
    readonly hidesOthers: boolean;
  } | null;
  /** How many descriptors a process may have (RLIMIT_NOFILE): a number or `unlimited`. */
  readonly openFiles: { readonly soft: string; readonly hard: string } | null;
  readonly settings: readonly { readonly name: string; readonly value: string }[];
}

/** An examined machine. */
export interface MachineExamination extends SystemExamination {
  readonly platform: string;
  readonly architecture: string;
  /** Release and version of the kernel. */
  readonly kernel: string;
  readonly engine: { readonly node: string; readonly v8: string; readonly libuv: string };
  /** The user's home folder by the system's own table; empty when that has none. */
  readonly homeFolder: string;
  /** Ways to find who holds a socket. */
  readonly holderSearch: readonly MethodExamination[];
}

/** Examines the running machine. Nothing is changed. */
export async function examineMachine(): Promise<MachineExamination> {
  const common = {
    platform: process.platform,
    architecture: arch(),
    engine: { node: process.versions.node, v8: process.versions.v8, libuv: process.versions.uv },
    homeFolder: readHomeFolder() ?? "",
    kernel: `${release()} ${version()}`.slice(0, 200),
  };
  if (process.platform !== "linux") return { ...common, ...unexamined, holderSearch: [] };
  const { examineLinux } = await import("./linux/examine-system.ts");
  const { examineHolderSearch } = await import("./linux/examine-holders.ts");
  return { ...common, ...examineLinux(), holderSearch: await examineHolderSearch() };
}

const unexamined: SystemExamination = {
  system: null,
  libc: null,
  capabilities: null,
  confinement: null,
  namespaces: [],
  container: null,
  processTable: null,
  openFiles: null,
  settings: [],
};
