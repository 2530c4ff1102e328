/**
 * @module What a Linux system is, and what it lets this process see: for a report on why something is missing.
 */
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import type { SystemExamination } from "../examine.ts";
import { readCapabilities } from "./capabilities.ts";
import { isHidingMounted } from "./hidden-processes.ts";

/** Capabilities by bit (include/uapi/linux/capability.h). */
const capabilityNames = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN " +
  "NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME " +
  "SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON " +
  "BPF CHECKPOINT_RESTORE"
).split(" ");

/** Inodes of the first namespaces (include/linux/proc_ns.h); the first network namespace has none of its own. */
const firstNamespaces: Readonly<Record<string, string>> = {
  pid: "pid:[4026531836]",
  user: "user:[4026531837]",
  cgroup: "cgroup:[4026531835]",
};

const namespaceKinds = ["net", "pid", "user", "mnt", "cgroup"] as const;

/** Settings of the kernel that decide what is seen. */
const settings = [
  "kernel/yama/ptrace_scope",
  "kernel/unprivileged_bpf_disabled",
  "kernel/perf_event_paranoid",
  "net/core/bpf_jit_enable",
];

/** Examines the running system. */
export function examineLinux(): SystemExamination {
  const status = read("/proc/self/status") ?? "";
  const mounts = read("/proc/self/mountinfo") ?? "";
  return {
    system: nameSystem(),
    libc: nameLibc(),
    capabilities: namesOfCapabilities(readCapabilities()),
    confinement: {
      noNewPrivileges: fieldOf(status, "NoNewPrivs") === "1",
      seccomp: fieldOf(status, "Seccomp") === "0" ? "off" : (fieldOf(status, "Seccomp") ?? "unknown"),
    },
    namespaces: namespaceKinds.map((kind) => {
      const name = link(`/proc/self/ns/${kind}`);
      const first = firstNamespaces[kind] ?? link(`/proc/1/ns/${kind}`);
      return { kind, name, sameAsSystem: name === null || first === null ? null : name === first };
    }),
    container: findContainer(mounts),
    processTable: {
      options: /\bproc (?:proc|none|\S+) (\S+)$/.exec(lastProcMount(mounts))?.[1] ?? null,
      hidesOthers: isHidingMounted(mounts) && !existsSync("/proc/1"),
    },
    openFiles: readOpenFilesLimit(),
    settings: settings.flatMap((path) => {
      const value = read(`/proc/sys/${path}`)?.trim();
      return value === undefined ? [] : [{ name: path.replaceAll("/", "."), value: value.slice(0, 40) }];
    }),
  };
}

/** Names of the capabilities in a set of bits; `null` when there is no set. */
export function namesOfCapabilities(set: bigint | undefined): readonly string[] | null {
  if (set === undefined) return null;
  const names: string[] = [];
  for (let bit = 0; bit < 64; bit++) {
    if (((set >> BigInt(bit)) & 1n) === 1n) names.push(capabilityNames[bit] ?? String(bit));
  }
  return names;
}

function nameSystem(): string | null {
  const text = read("/etc/os-release") ?? read("/usr/lib/os-release") ?? "";
  const quoted = /^PRETTY_NAME=(?:"([^"\n]*)"|'([^'\n]*)'|(\S*))$/m.exec(text);
  return (quoted?.[1] ?? quoted?.[2] ?? quoted?.[3] ?? null)?.slice(0, 100) ?? null;
}

/** The C library that this Node is linked to. */
function nameLibc(): string | null {
  const maps = read("/proc/self/maps") ?? "";
  if (/\/ld-musl-/.test(maps)) return "musl";
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const version = report.header?.glibcVersionRuntime;
  return version === undefined ? null : `glibc ${version}`;
}

/** What holds this process, by the marks that it leaves; `null` when there is no mark. */
function findContainer(mounts: string): SystemExamination["container"] {
  const group = read("/proc/self/cgroup") ?? "";
  const marks: (readonly [boolean, string, string])[] = [
    [existsSync("/run/.containerenv"), "podman", "/run/.containerenv is there"],
    [existsSync("/.dockerenv"), "docker", "/.dockerenv is there"],
    [/\/kubepods/.test(group), "kubernetes", "its control group"],
    [/\/(?:docker|libpod|lxc|machine\.slice)[-/]/.test(group), "container", "its control group"],
    [existsSync("/run/systemd/container"), "container", "/run/systemd/container is there"],
    [/microsoft/i.test(read("/proc/sys/kernel/osrelease") ?? ""), "wsl", "the kernel's name"],
    [/gvisor/i.test(read("/proc/version") ?? ""), "gvisor", "the kernel's name"],
    [/ \/ \/ [^\n]* - overlay /.test(mounts), "container", "its root folder is an overlay"],
  ];
  const found = marks.find(([present]) => present);
  return found === undefined ? null : { kind: found[1], evidence: found[2] };
}

function readOpenFilesLimit(): SystemExamination["openFiles"] {
  const match = /^Max open files\s+(\w+)\s+(\w+)/m.exec(read("/proc/self/limits") ?? "");
  return match === null ? null : { soft: match[1] ?? "", hard: match[2] ?? "" };
}

function lastProcMount(mounts: string): string {
  return mounts.split("\n").findLast((line) => line.split(" ")[4] === "/proc") ?? "";
}

function fieldOf(status: string, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(status)?.[1];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").slice(0, 1 << 20);
  } catch {
    return undefined;
  }
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
