/**
 * @module What a machine's kernel says now: the interface that every platform's reader implements. Facts, no opinion.
 */
import type { Known, Socket } from "../core/index.ts";

/** One holder of a socket: a process and the file descriptors by which it holds it. */
export interface SocketHolder {
  readonly pid: number;
  readonly fileDescriptors: readonly number[];
}

/** One process. Every field but the pid can be out of sight. Texts are raw: they may hold anything, escape before printing. */
export interface Process {
  readonly pid: number;
  /** 0 when it has no parent in this pid namespace. */
  readonly parentPid: Known<number>;
  /** The kernel's short name (comm, at most 15 bytes on Linux). */
  readonly name: Known<string>;
  /** Full argument list, as the process shows it; empty for kernel threads. Not masked. */
  readonly arguments: Known<readonly string[]>;
  /** Real user id. */
  readonly uid: Known<number>;
  /** Login name of `uid`, `null` when the machine has none for it. */
  readonly userName: Known<string | null>;
  /** Start time, milliseconds since the Unix epoch. Linux: 10 ms steps. */
  readonly startTimeMs: Known<number>;
  readonly workingDirectory: Known<string>;
  /** Path of the executable; a trailing ` (deleted)` is removed and said in `executableDeleted`. */
  readonly executable: Known<string>;
  readonly executableDeleted: boolean;
  /** Resident memory in bytes. */
  readonly memoryBytes: Known<number>;
  /** Linux control groups as in /proc/PID/cgroup, one string (may have several lines). */
  readonly controlGroup: Known<string>;
}

/** One address of a network interface. */
export interface InterfaceAddress {
  /** Canonical text without zone. */
  readonly address: string;
  readonly family: "ipv4" | "ipv6";
  readonly prefixLength: number;
}

/** One network interface. */
export interface NetworkInterface {
  readonly name: string;
  /** Kernel's index, from 1. */
  readonly index: Known<number>;
  /** Administratively up and, where the kernel tells, carrying a signal. */
  readonly up: Known<boolean>;
  readonly loopback: boolean;
  /** Lower-case colon form, `null` when it has none. */
  readonly hardwareAddress: Known<string | null>;
  readonly mtuBytes: Known<number>;
  readonly addresses: readonly InterfaceAddress[];
  /**
   * False when nothing but this machine's own is at the other end (a bridge of containers, a veth pair); true when a device or a tunnel is.
   * Absent for loopback and where nobody looked.
   */
  readonly leadsOutside?: Known<boolean>;
  /** True when a default route of that family leaves through it. */
  readonly defaultRoute: { readonly ipv4: Known<boolean>; readonly ipv6: Known<boolean> };
}

/** What this kernel decides about ports. */
export interface PortLimits {
  /** Lowest port that an unprivileged process may bind (Linux: net.ipv4.ip_unprivileged_port_start, default 1024). */
  readonly unprivilegedPortStart: Known<number>;
  /**
   * True where any user may bind those ports too as long as the address is the wildcard: macOS since 10.14 (in_pcbbind, xnu's
   * bsd/netinet/in_pcb.c). Absent means no.
   */
  readonly unprivilegedOnWildcard?: boolean;
  /** First and last port of automatic assignment (Linux: net.ipv4.ip_local_port_range, default 32768 60999). */
  readonly ephemeralRange: Known<{ readonly first: number; readonly last: number }>;
  /** Ports that automatic assignment leaves alone, in PortSet grammar, `""` for none (Linux: net.ipv4.ip_local_reserved_ports). */
  readonly reservedPorts: Known<string>;
  /** Whether the calling process may bind any port (root, or CAP_NET_BIND_SERVICE). */
  readonly mayBindPrivileged: Known<boolean>;
  /** Whether an IPv6 wildcard socket leaves IPv4 alone by default (Linux: net.ipv6.bindv6only, default false). */
  readonly v6onlyDefault: Known<boolean>;
  /**
   * IPv4 networks that are this machine's as a whole, `127.0.0.0/8`: what a loopback interface or a route of type local gives it. Their
   * addresses can be bound though no interface lists them.
   */
  readonly localNetworks?: Known<readonly string[]>;
  /** Whether addresses that the machine does not have may be bound (Linux: net.ipv4.ip_nonlocal_bind, net.ipv6.ip_nonlocal_bind, default false). */
  readonly nonlocalBind?: { readonly ipv4: Known<boolean>; readonly ipv6: Known<boolean> };
}

/**
 * `netlink`: ask Linux (needs koffi); `proc`: read Linux's /proc; `lsof`: run lsof(8), on every system but Windows; `auto`: Linux by
 * netlink where it works and else by /proc, macOS and the BSDs by lsof, Windows by PowerShell.
 */
export type ReaderChoice = "auto" | "netlink" | "proc" | "lsof";

/** Something that could not be seen, and what would help. */
export interface BlindSpot {
  /** What is missing. `holders`: which processes hold some sockets. */
  readonly what: "holders" | "sockets" | "processes" | "interfaces";
  readonly why: "permission" | "gone" | "unsupported";
  /** How many sockets, processes … are concerned, when known. */
  readonly count: number | null;
  /** One sentence for a person, e.g. `12 processes of other users keep their file descriptors private.` */
  readonly message: string;
}

/** Which facts to gather. */
export interface SnapshotRequest {
  /**
   * `listening`: TCP in LISTEN and UDP without a peer (cheap: grows with listeners only). `all`: every state.
   * Default `listening`.
   */
  readonly states?: "listening" | "all";
  /** Only sockets whose local or remote port is one of these. Default: every port. */
  readonly ports?: readonly number[];
  /**
   * `all`: every process that holds a socket (exact). `first`: stop when each socket has one holder (faster; sockets shared
   * by fork may have more). `none`: do not look. Default `all`.
   */
  readonly holders?: "all" | "first" | "none";
  /** Also what each TCP connection carried and its round-trip time, in `Socket.traffic`. Default false. */
  readonly traffic?: boolean;
  /**
   * `own`: the reader's own network namespace. `all`: every one that the caller may see, in `Snapshot.others`. Default `own`.
   */
  readonly namespaces?: "own" | "all";
  /** Stops the walk; what was found so far is returned with `complete: false`. */
  readonly signal?: AbortSignal;
}

/** What other rooms have found out on a machine before it was saved. They check it themselves when they read it. */
export interface SnapshotFacts {
  /** By inode of a service's first socket: its project, framework and supervisor. */
  readonly tenants?: unknown;
  /** What the container engines said. */
  readonly engines?: unknown;
}

/** One consistent look at the machine. */
export interface Snapshot {
  /** Name of a saved machine. Absent for the live one. */
  readonly hostName?: string;
  /** Of a saved machine: what only that machine itself could find out. Absent for the live one. */
  readonly facts?: SnapshotFacts;
  /** False when it was read from files of a machine, and what is outside those files belongs to another. Default true. */
  readonly live?: boolean;
  /** When it was taken, milliseconds since the Unix epoch. */
  readonly takenAtMs: number;
  /** False when it was cut short by an abort. */
  readonly complete: boolean;
  readonly platform: string;
  /** Reader that gave the sockets: `netlink`, `proc`, `lsof` or `powershell`. */
  readonly reader: string;
  /** Network namespace of all sockets here (Linux: `net:[4026531840]`). */
  readonly networkNamespace: Known<string>;
  readonly sockets: readonly Socket[];
  /** How holders were looked for. */
  readonly holderSearch: "all" | "first" | "none";
  /**
   * Who holds a socket, by inode, in order of pid. `unknown('permission')` when nobody was found and some processes keep their
   * descriptors private; an empty list when every process was looked at and none holds it (kernel sockets, other pid namespaces).
   */
  holdersOf(socket: Socket): Known<readonly SocketHolder[]>;
  /** False when some processes could not be looked into: a known list of holders may then lack some. */
  readonly holdersComplete: boolean;
  /** One process, read once and remembered; fields are `unknown('gone')` when it has ended. */
  processOf(pid: number): Process;
  readonly interfaces: readonly NetworkInterface[];
  readonly limits: PortLimits;
  readonly blindSpots: readonly BlindSpot[];
  /**
   * Looks at other network namespaces of the machine, when they were asked for: each has sockets, interfaces and limits of its own;
   * pids are those of the reader's pid namespace everywhere. Absent or empty otherwise.
   */
  readonly others?: readonly Snapshot[];
  /** How people call the namespace: `ip netns` names it so. Absent for the reader's own. */
  readonly namespaceNames?: readonly string[];
  /** Some processes in the namespace, ascending, at most 64. Absent for the reader's own. */
  readonly namespaceMembers?: readonly number[];
}

/** A cheap way to see whether sockets have begun or ceased to listen. */
export interface ListenerMarks {
  /** Two equal marks mean the same set of listening sockets. `null` when the tables would not settle: look yourself. */
  read(): string | null;
  close(): void;
}

/** A machine that can be looked at. */
export interface Host {
  /** `linux`, `darwin`, … as in process.platform. */
  readonly platform: string;
  /**
   * Looks at the machine once.
   * @throws HOST_UNSUPPORTED where Portolan has no reader; HOST_READ_FAILED when the kernel's tables cannot be read
   */
  snapshot(request?: SnapshotRequest): Promise<Snapshot>;
  /** Marks of the listening sockets of this network namespace; `null`, or no such method, where there is no cheap way. */
  openListenerMarks?(): ListenerMarks | null;
  /** Interfaces alone, without sockets. */
  readInterfaces(): readonly NetworkInterface[];
  /** Limits alone. */
  readLimits(): PortLimits;
}
