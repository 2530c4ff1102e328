/**
 * @module Network namespaces other than the reader's own: which there are, and how to look into them (network_namespaces(7)).
 *
 * Every process shows its namespace twice: `ns/net`, which only those may read who may trace it, and `net/`, the tables themselves,
 * which everybody may read. The inode of a file in `net/` is the namespace's own (`proc_net_ns_init` in fs/proc/proc_net.c makes the
 * folder anew for each), so that an ordinary user can tell all namespaces apart, though not name them.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { readProcessIds, type FileTree } from "./file-tree.ts";
import type { NativeAccess } from "./libc.ts";

/** Folders in which files stand for namespaces: those of `ip netns`, and those of Docker. */
const namedFolder = "/run/netns";
const mountFolders: readonly string[] = [namedFolder, "/run/docker/netns"];
/** Most processes that are remembered of a namespace: which of them is told makes no difference, and one may end meanwhile. */
const mostMembers = 64;
/** CLONE_NEWNET, include/uapi/linux/sched.h. */
const networkKind = 0x40000000;

/** A namespace that was seen, and ways into it. */
export interface NamespaceSighting {
  /** Number in `net:[4026532181]`; `undefined` where only the tables could be read. */
  readonly inode: number | undefined;
  /** Some processes in it, ascending; empty when a file alone keeps it. */
  readonly members: readonly number[];
  /** What `ip netns` calls it. */
  readonly names: readonly string[];
  /** Files by which it can be entered, for whom may. */
  readonly paths: readonly string[];
}

/** What is around. */
export interface NamespaceSurvey {
  readonly own: number | undefined;
  /** Every other one, in order of their first process; those without processes last. */
  readonly others: readonly NamespaceSighting[];
}

/** Looks for namespaces: through every process of this pid namespace, and through the files that keep namespaces. */
export function surveyNamespaces(tree: FileTree): NamespaceSurvey {
  const { root } = tree;
  const own = namespaceInode(`${root}/proc/${root === "" ? "thread-self" : "self"}/ns/net`);
  const ownTables = tablesInode(`${root}/proc/${root === "" ? "thread-self/net" : "net"}`);
  const byTables = new Map<number, { inode: number | undefined; members: number[] }>();
  for (const pid of readProcessIds(tree) ?? []) {
    const tables = tablesInode(`${root}/proc/${pid}/net`);
    if (tables === undefined || tables === ownTables) continue;
    const found = byTables.get(tables);
    if (found === undefined)
      byTables.set(tables, { inode: namespaceInode(`${root}/proc/${pid}/ns/net`), members: [pid] });
    else if (found.members.length < mostMembers) {
      found.members.push(pid);
      found.inode ??= namespaceInode(`${root}/proc/${pid}/ns/net`);
    }
  }
  const kept = readKeptNamespaces(root);
  const others: NamespaceSighting[] = [];
  for (const { inode, members } of byTables.values()) {
    const files = inode === undefined ? undefined : kept.get(inode);
    if (inode !== undefined) kept.delete(inode);
    const paths = [...(files?.paths ?? []), ...members.map((pid) => `/proc/${pid}/ns/net`)];
    others.push({ inode, members, names: files?.names ?? [], paths });
  }
  for (const [inode, { names, paths }] of kept) {
    if (inode !== own) others.push({ inode, members: [], names, paths });
  }
  return { own, others };
}

function readKeptNamespaces(root: string): Map<number, { names: string[]; paths: string[] }> {
  const kept = new Map<number, { names: string[]; paths: string[] }>();
  // A copied tree has files of its own numbers there.
  const device = root === "" ? namespaceFileSystem() : undefined;
  if (device === undefined) return kept;
  for (const folder of mountFolders) {
    for (const name of listFolder(folder)) {
      const path = `${folder}/${name}`;
      const inode = namespaceFileInode(path, device);
      if (inode === undefined) continue;
      const files = kept.get(inode) ?? { names: [], paths: [] };
      if (folder === namedFolder) files.names.push(name);
      files.paths.push(path);
      kept.set(inode, files);
    }
  }
  return kept;
}

function listFolder(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function fileInode(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    // Gone, or a link to where this user may not look.
    return undefined;
  }
}

/** Number of a namespace that a file stands for; `undefined` for files of any other kind, which opening could hang on. */
function namespaceFileInode(path: string, namespaceDevice: number): number | undefined {
  try {
    const { dev, ino } = statSync(path);
    return dev === namespaceDevice ? ino : undefined;
  } catch {
    return undefined;
  }
}

/** The device of the file system that all namespaces are files of (nsfs). */
function namespaceFileSystem(): number | undefined {
  try {
    return statSync("/proc/self/ns/net").dev;
  } catch {
    return undefined;
  }
}

/** Inode of one of the tables in a `net` folder. In a copied tree it is the copy's, as good a mark as any. */
function tablesInode(folder: string): number | undefined {
  return fileInode(`${folder}/dev`);
}

function namespaceInode(path: string): number | undefined {
  try {
    const match = /^net:\[(\d+)\]$/.exec(readlinkSync(path));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}

interface NamespaceCalls {
  readonly setns: (descriptor: number, kind: number) => number;
}

let calls: NamespaceCalls | undefined;

/**
 * Does some work with this thread in another namespace, and comes back. The work must be synchronous: whatever else this thread did
 * meanwhile would see the other network. Needs CAP_SYS_ADMIN (setns(2)).
 * @returns `undefined` when none of the paths leads into it any more, or none lets this process in
 */
export function visitNamespace<T>(
  access: NativeAccess,
  { paths, inode }: Pick<NamespaceSighting, "paths" | "inode">,
  work: () => T,
): T | undefined {
  const { setns } = (calls ??= { setns: access.library.func("int setns(int fd, int kind)") });
  let home: number;
  try {
    home = openSync("/proc/thread-self/ns/net", "r");
  } catch {
    return undefined;
  }
  try {
    for (const path of paths) {
      let door: number;
      try {
        door = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      } catch {
        continue;
      }
      try {
        // The process may have ended and another have its number by now.
        if (inode !== undefined && fstatSync(door).ino !== inode) continue;
        if (setns(door, networkKind) !== 0) continue;
        return comeHome(work, () => setns(home, networkKind));
      } finally {
        closeSync(door);
      }
    }
    return undefined;
  } finally {
    closeSync(home);
  }
}

/** Does the work and returns, whatever becomes of the work. A thread that cannot return must not go on as if it had. */
function comeHome<T>(work: () => T, goHome: () => number): T {
  let result: T;
  try {
    result = work();
  } catch (error) {
    requireReturn(goHome());
    throw error;
  }
  requireReturn(goHome());
  return result;
}

function requireReturn(status: number): void {
  if (status !== 0) throw new Error("This thread could not return to its network namespace.");
}
