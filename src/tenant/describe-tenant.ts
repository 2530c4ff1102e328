/**
 * @module Who a service is to a person: its project, its framework and its supervisor, each as a claim.
 */
import { readlinkSync, statSync } from "node:fs";
import { claim } from "../core/index.ts";
import type { Claim } from "../core/index.ts";
import type { Process, Snapshot } from "../host/index.ts";
import { applyPort, findDebugPorts, inferProgram } from "./framework.ts";
import type { Framework } from "./framework.ts";
import { parentChain } from "./parents.ts";
import { createProjectCache, inspectProject } from "./project.ts";
import type { Project, ProjectCache, ProjectFiles } from "./project.ts";
import type { Service } from "./services.ts";
import { inferSupervisor } from "./supervisor.ts";
import type { Supervisor } from "./supervisor.ts";

/** Who a service is to a person; `null` where nothing can be said. */
export interface Tenant {
  readonly project: Claim<Project> | null;
  readonly framework: Claim<Framework> | null;
  readonly supervisor: Claim<Supervisor> | null;
}

/** What was found out about processes and directories. For one snapshot: pids and files change. */
export interface TenantCache {
  readonly projects: Map<string, ProjectCache>;
  readonly views: Map<string, string | null>;
  readonly searches: Map<number, Claim<ProjectFiles> | null>;
  readonly frameworks: Map<number, Claim<Framework> | null>;
  readonly debugPorts: Map<number, ReadonlyMap<number, Claim<Framework>>>;
  readonly supervisors: Map<number, Claim<Supervisor> | null>;
  readonly parents: Map<number, readonly Process[]>;
}

/** A cache to share between the calls for one snapshot. */
export function createTenantCache(): TenantCache {
  return {
    projects: new Map(),
    views: new Map(),
    searches: new Map(),
    frameworks: new Map(),
    debugPorts: new Map(),
    supervisors: new Map(),
    parents: new Map(),
  };
}

/** Where the project files are and what is known already. */
export interface TenantOptions {
  /** Folder of a saved machine under which project files lie. Default: this machine's own files. */
  readonly root?: string;
  readonly cache?: TenantCache;
}

/** How many holders are asked at most, leaders first. */
const holderLimit = 8;
/** How many parents are asked for a project: a program started in `/` by a script of the project. */
const projectParentLimit = 3;

/**
 * Project, framework and supervisor of a service: of its leader, and of its workers and parents where the leader tells
 * nothing. Pass one cache to the calls for one snapshot.
 */
export function describeTenant(
  snapshot: Pick<Snapshot, "processOf" | "platform" | "live" | "facts">,
  service: Service,
  options: TenantOptions = {},
): Tenant {
  // The files on which these rest are another machine's: what it found out itself is all there is.
  const saved = (snapshot.facts?.tenants as Readonly<Record<string, Tenant>> | undefined)?.[
    String(service.sockets[0]!.inode)
  ];
  if (saved !== undefined) return saved;
  const cache = options.cache ?? createTenantCache();
  let project: Claim<Project> | null = null;
  let framework: Claim<Framework> | null = null;
  let supervisor: Claim<Supervisor> | null = null;
  const holders = service.holders.known ? service.holders.value : [];
  for (const { pid } of holders.slice(0, holderLimit)) {
    const files =
      snapshot.live === false && options.root === undefined
        ? null
        : recall(cache.searches, pid, () => searchProject(snapshot, pid, options.root, cache));
    project ??= files === null ? null : claim(files.value.project, files.basis, files.evidence);
    framework ??= describeFramework(snapshot, pid, service, files?.value, cache);
    supervisor ??= recall(cache.supervisors, pid, () => {
      return inferSupervisor(snapshot.processOf(pid), parentsOf(snapshot, pid, cache)) ?? null;
    });
    if (project !== null && framework !== null && supervisor !== null) break;
  }
  return { project, framework, supervisor };
}

function describeFramework(
  snapshot: Pick<Snapshot, "processOf">,
  pid: number,
  service: Service,
  files: ProjectFiles | undefined,
  cache: TenantCache,
): Claim<Framework> | null {
  const process = snapshot.processOf(pid);
  const program = recall(cache.frameworks, pid, () => {
    return inferProgram(process, files, parentsOf(snapshot, pid, cache)) ?? null;
  });
  const debugPorts = recall(cache.debugPorts, pid, () => findDebugPorts(process));
  const found = applyPort(program ?? undefined, debugPorts, service.port) ?? null;
  // Browsers are given URLs for TCP only: a UDP socket of a web server is QUIC at best, found through TCP.
  if (found === null || service.transport === "tcp" || found.value.scheme === null) return found;
  return { ...found, value: { ...found.value, scheme: null } };
}

function searchProject(
  snapshot: Pick<Snapshot, "processOf" | "platform">,
  pid: number,
  root: string | undefined,
  cache: TenantCache,
): Claim<ProjectFiles> | null {
  const candidates = [snapshot.processOf(pid), ...parentsOf(snapshot, pid, cache).slice(0, projectParentLimit)];
  for (const [index, process] of candidates.entries()) {
    if (!process.workingDirectory.known) continue;
    const directory = process.workingDirectory.value;
    const searchRoot = root ?? findProcessRoot(snapshot, process.pid, cache);
    const directories = recall(cache.projects, searchRoot, createProjectCache);
    const files = inspectProject(directory, { root: searchRoot }, directories);
    if (files === undefined) continue;
    const whose = index === 0 ? "working directory" : `working directory of the parent process ${process.pid}`;
    const evidence = `${whose} ${directory} lies under ${files.project.root}, which has ${files.project.marker}`;
    return claim(files, "inferred", evidence);
  }
  return null;
}

/**
 * The folder under which a process's paths lie: `/proc/PID/root` when it is in another mount namespace (a container, a unit
 * with PrivateTmp) or has another root directory, otherwise `""` (proc_pid_root(5), mount_namespaces(7)).
 */
function findProcessRoot(snapshot: Pick<Snapshot, "platform">, pid: number, cache: TenantCache): string {
  if (snapshot.platform !== "linux") return "";
  const own = recall(cache.views, "self", () => readView("self"));
  const theirs = recall(cache.views, String(pid), () => readView(String(pid)));
  return theirs === null || own === theirs ? "" : `/proc/${pid}/root`;
}

/** What tells one view of the file tree from another, `null` when it cannot be seen. */
function readView(pid: string): string | null {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/root`);
    return `${readlinkSync(`/proc/${pid}/ns/mnt`)} ${dev} ${ino}`;
  } catch {
    return null;
  }
}

function parentsOf(snapshot: Pick<Snapshot, "processOf">, pid: number, cache: TenantCache): readonly Process[] {
  return recall(cache.parents, pid, () => parentChain(snapshot, pid));
}

function recall<Key, Value>(map: Map<Key, Value>, key: Key, find: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) {
    value = find();
    map.set(key, value);
  }
  return value;
}
