/**
 * @module What each reader of sockets can tell. The conformance suite holds every reader to its column; `docs/readers.md` shows it.
 */

/** Readers, as `Snapshot.reader` names them. */
export const readerNames = ["netlink", "proc", "lsof", "powershell"] as const;

/** A reader. */
export type ReaderName = (typeof readerNames)[number];

/** What can be asked of a reader. */
export const readerFacts = [
  "unheldSockets",
  "otherUsersSockets",
  "otherProcessNamespaces",
  "boundSockets",
  "timeWait",
  "udpPeers",
  "mappedWildcard",
  "v6only",
  "backlog",
  "queues",
  "boundInterface",
  "creator",
  "everyHolder",
  "headlessProcesses",
  "fileDescriptors",
  "highFileDescriptors",
  "traffic",
  "namespaces",
] as const;

/** A fact. */
export type ReaderFact = (typeof readerFacts)[number];

/** What each fact is, in a sentence's half that can stand after "tells". */
export const factTitles: Readonly<Record<ReaderFact, string>> = {
  unheldSockets: "listeners that no process holds, such as those of the kernel (NFS, WireGuard)",
  otherUsersSockets: "sockets of other users, without being root",
  otherProcessNamespaces: "sockets of processes that are out of sight (another pid namespace)",
  boundSockets: "TCP sockets that hold a port without listening",
  timeWait: "connections in TIME_WAIT",
  udpPeers: "to whom a UDP socket is connected",
  mappedWildcard: "the address ::ffff:0.0.0.0 apart from ::",
  v6only: "whether an IPv6 socket takes IPv4 too",
  backlog: "how many connections may wait at a listener",
  queues: "bytes that wait to be read or acknowledged",
  boundInterface: "the interface that a socket is bound to",
  creator: "the user that made a socket",
  everyHolder: "every process that holds a socket",
  headlessProcesses: "a process whose first thread has ended before the others",
  fileDescriptors: "the holders' file descriptors",
  highFileDescriptors: "file descriptors from 10000 on",
  traffic: "what a connection has carried, and its round-trip time",
  namespaces: "the other network namespaces",
};

/** `sometimes` comes with a note that says when. */
export interface ReaderCapability {
  readonly tells: "yes" | "no" | "sometimes";
  /** When it does, or what it says instead; one sentence, `null` where there is nothing to add. */
  readonly note: string | null;
}

const yes: ReaderCapability = { tells: "yes", note: null };
const no: ReaderCapability = { tells: "no", note: null };
const sometimes = (note: string): ReaderCapability => ({ tells: "sometimes", note });
const instead = (note: string): ReaderCapability => ({ tells: "no", note });

/** What each reader can tell, whoever runs it, unless the note says more. */
export const readerCapabilities: Readonly<Record<ReaderName, Readonly<Record<ReaderFact, ReaderCapability>>>> = {
  netlink: {
    unheldSockets: yes,
    otherUsersSockets: yes,
    otherProcessNamespaces: yes,
    boundSockets: sometimes("Linux 6.8 and later."),
    timeWait: yes,
    udpPeers: yes,
    mappedWildcard: yes,
    v6only: yes,
    backlog: yes,
    queues: yes,
    boundInterface: yes,
    creator: yes,
    everyHolder: sometimes("Of the processes that the user may look into; root of all."),
    headlessProcesses: yes,
    fileDescriptors: yes,
    highFileDescriptors: yes,
    traffic: yes,
    namespaces: sometimes("Those that the user may enter or whose processes' /proc it may read."),
  },
  proc: {
    unheldSockets: yes,
    otherUsersSockets: yes,
    otherProcessNamespaces: yes,
    boundSockets: no,
    timeWait: yes,
    udpPeers: yes,
    mappedWildcard: yes,
    v6only: no,
    backlog: no,
    queues: yes,
    boundInterface: no,
    creator: yes,
    everyHolder: sometimes("Of the processes that the user may look into; root of all."),
    headlessProcesses: yes,
    fileDescriptors: yes,
    highFileDescriptors: yes,
    traffic: no,
    namespaces: sometimes("Those that have a process whose /proc the user may read."),
  },
  lsof: {
    unheldSockets: sometimes(
      "macOS and FreeBSD, by netstat. lsof goes from process to process and misses what none of them holds.",
    ),
    otherUsersSockets: sometimes("macOS and FreeBSD, by netstat."),
    otherProcessNamespaces: sometimes("FreeBSD's jails, by netstat."),
    boundSockets: sometimes("macOS and the BSDs, where they are listed as CLOSED; not Linux."),
    timeWait: sometimes("macOS and FreeBSD, by netstat. Nobody holds them any more."),
    udpPeers: yes,
    mappedWildcard: instead("lsof writes * for both, which is read as ::."),
    v6only: sometimes("macOS and FreeBSD, where netstat writes tcp46 or tcp6."),
    backlog: sometimes("Where lsof prints socket options (QLIM); not on Linux."),
    queues: yes,
    boundInterface: sometimes("That of a link-local address on macOS and the BSDs."),
    creator: instead("The user of the first process that holds it is given."),
    everyHolder: sometimes("Of the processes that the user may look into; root of all."),
    headlessProcesses: instead("lsof looks at the first thread, which has no descriptors any more."),
    fileDescriptors: yes,
    highFileDescriptors: instead("lsof prints the last three digits, so the process is named without the number."),
    traffic: no,
    namespaces: instead("lsof sees the namespace that it runs in."),
  },
  powershell: {
    unheldSockets: instead("Windows names a process for every socket, `System` (4) for those of the kernel."),
    otherUsersSockets: yes,
    otherProcessNamespaces: yes,
    boundSockets: yes,
    timeWait: yes,
    udpPeers: no,
    mappedWildcard: yes,
    v6only: no,
    backlog: no,
    queues: instead("0 is given."),
    boundInterface: sometimes("That of a link-local address."),
    creator: no,
    everyHolder: instead("Windows names one process for each socket."),
    headlessProcesses: yes,
    fileDescriptors: no,
    highFileDescriptors: no,
    traffic: no,
    namespaces: no,
  },
};
