/**
 * @module One look at the machine, told as services: facts of the host joined with tenants, meanings and reach.
 */
import { basename } from "node:path";
import {
  PortolanError,
  claim,
  compareClaims,
  formatSocketAddress,
  knownOr,
  known,
  unknown,
  isListening,
  transports,
  type Claim,
  type Known,
  type Socket,
} from "../core/index.ts";
import type { Process, Snapshot } from "../host/index.ts";
import { localUrlOf, reachFromOutside, reachOf, type ReachWorld } from "../plan/index.ts";
import { rangeOf, schemeOf } from "../registry/index.ts";
import type { Identification } from "../scan/index.ts";
import {
  createTenantCache,
  describeTenant,
  groupServices,
  maskArguments,
  maskText,
  type ContainerIndex,
  type Service,
  type Tenant,
  type TenantCache,
} from "../tenant/index.ts";
import { describeContainer, joinPublishedPorts, publishedPlaces } from "./container-doors.ts";
import { claimsOfIdentification, claimsOfNumber, describeIdentification } from "./describe-door.ts";
import type { ListedHolder, ListedProcess, ListedService } from "./schemas.ts";

/** Identifications by a service's first socket, the very object of the snapshot. */
export type ServiceProofs = ReadonlyMap<object, Identification>;

/** How to tell services. */
export interface LookOptions {
  /** Show passwords and tokens in arguments. Default false: they are replaced by `***`. */
  readonly showSecrets?: boolean;
  /** What services answered when they were asked what they are, by their first socket. Default: none was asked. */
  readonly proofs?: ServiceProofs;
  /** The machine's containers. Default: nobody looked for any. */
  readonly containers?: ContainerIndex;
}

/**
 * Listeners can be asked what they are on the machine itself and now.
 * @throws ARGUMENT_INVALID for a saved machine
 */
export function requireLive({ live }: Snapshot): void {
  if (live !== false) return;
  throw new PortolanError(
    "ARGUMENT_INVALID",
    "--identify asks listeners, and those of a saved machine cannot be asked.",
    {
      details: { argument: "identify", hint: "Leave --identify or --from out." },
    },
  );
}

/** Fields that open every result about the machine. */
export function describeLook(snapshot: Snapshot, containers?: ContainerIndex) {
  return {
    complete: snapshot.complete,
    takenAt: new Date(snapshot.takenAtMs).toISOString(),
    platform: snapshot.platform,
    reader: snapshot.reader,
    networkNamespace: snapshot.networkNamespace,
    blindSpots: containers === undefined ? snapshot.blindSpots : [...snapshot.blindSpots, ...containers.blindSpots],
  };
}

/**
 * Every listening service of a snapshot, those of other network namespaces in it too, ordered by port, then transport, the own namespace
 * first. Processes are told once and shared between rows.
 */
export function describeServices(snapshot: Snapshot, options: LookOptions = {}): ListedService[] {
  const shared: SharedWork = {
    cache: createTenantCache(),
    processes: new Map(),
    maskEvidence: options.showSecrets === true ? (text) => text : remember(maskText),
  };
  const own = describeNamespace(snapshot, null, options, shared);
  const others = (snapshot.others ?? []).flatMap((look) => describeNamespace(look, snapshot, options, shared));
  if (others.length === 0) return own;
  const services = [...own, ...others].sort(
    (left, right) => left.port - right.port || transports.indexOf(left.transport) - transports.indexOf(right.transport),
  );
  return options.containers === undefined ? services : joinPublishedPorts(services, options.containers);
}

/** What is worked out once for all rows. */
interface SharedWork {
  readonly cache: TenantCache;
  readonly processes: Map<number, ListedProcess>;
  readonly maskEvidence: (text: string) => string;
}

/** The services of one network namespace: the snapshot's own when `home` is `null`, else another one as seen from there. */
function describeNamespace(
  snapshot: Snapshot,
  home: Snapshot | null,
  options: LookOptions,
  { cache, processes, maskEvidence }: SharedWork,
): ListedService[] {
  const listeners = snapshot.sockets.filter(isListening);
  const world: ReachWorld = {
    interfaces: snapshot.interfaces,
    listeners,
    // Few questions need them.
    get limits() {
      return snapshot.limits;
    },
  };
  const networkNamespace =
    home === null ? null : { id: snapshot.networkNamespace, names: snapshot.namespaceNames ?? [] };
  return groupServices(snapshot).map((service) => {
    const tenant = maskTenant(describeTenant(snapshot, service, { cache }), maskEvidence);
    const identification = options.proofs?.get(service.sockets[0]!) ?? null;
    const names = nameService(snapshot, service, tenant, identification);
    const scheme = claimScheme(service, tenant, identification);
    const inside = reachOf(service.sockets, world, { scheme: scheme?.value ?? null });
    const reach =
      home === null ? inside : reachFromOutside(inside, { inside: snapshot.interfaces, outside: home.interfaces });
    // Loopback addresses of another namespace cannot be opened from here.
    const open = home === null ? reach : { addresses: reach.addresses.filter(({ url }) => url !== null) };
    const container = describeContainer(snapshot, service, options.containers);
    return {
      networkNamespace,
      container,
      behind: null,
      publishedAt: home === null ? [] : publishedPlaces(container, service.port, service.transport),
      port: service.port,
      transport: service.transport,
      range: rangeOf(service.port).id,
      addresses: [...new Set(service.sockets.map(formatBoundAddress))],
      title: names[0] ?? null,
      names,
      scheme,
      holders: describeHolders(snapshot, service, processes, options),
      ...tenant,
      reach,
      urls: reach.addresses.flatMap((reachable) => (reachable.url === null ? [] : [reachable.url])),
      ...(options.proofs === undefined
        ? {}
        : { identification: identification === null ? null : describeIdentification(identification) }),
      localUrl: scheme === null ? null : localUrlOf(open, service.port, scheme.value),
      sockets: service.sockets,
    };
  });
}

/** A process for a result: times in words of ISO 8601, secrets masked. */
export function describeProcess(process: Process, options: LookOptions = {}): ListedProcess {
  const argv = process.arguments;
  return {
    pid: process.pid,
    parentPid: process.parentPid,
    name: process.name,
    arguments: argv.known && options.showSecrets !== true ? known(maskArguments(argv.value)) : argv,
    uid: process.uid,
    userName: process.userName,
    startedAt: process.startTimeMs.known
      ? known(new Date(process.startTimeMs.value).toISOString())
      : process.startTimeMs,
    workingDirectory: process.workingDirectory,
    executable: process.executable,
    executableDeleted: process.executableDeleted,
    memoryBytes: process.memoryBytes,
  };
}

/** Evidence quotes arguments, and with them the secrets that stand there. */
function maskTenant(tenant: Tenant, maskEvidence: (text: string) => string): Tenant {
  const mask = <T>(claimed: Claim<T> | null): Claim<T> | null => {
    if (claimed === null) return null;
    const evidence = maskEvidence(claimed.evidence);
    return evidence === claimed.evidence ? claimed : { ...claimed, evidence };
  };
  return { project: mask(tenant.project), framework: mask(tenant.framework), supervisor: mask(tenant.supervisor) };
}

/** Many services rest on the same evidence: each text is worked on once. */
function remember(work: (text: string) => string): (text: string) => string {
  const done = new Map<string, string>();
  return (text) => {
    let result = done.get(text);
    if (result === undefined) done.set(text, (result = work(text)));
    return result;
  };
}

function describeHolders(
  snapshot: Snapshot,
  service: Service,
  processes: Map<number, ListedProcess>,
  options: LookOptions,
): Known<ListedHolder[]> {
  if (!service.holders.known) return unknown(service.holders.why);
  return known(
    service.holders.value.map((holder) => {
      let described = processes.get(holder.pid);
      if (described === undefined) {
        described = describeProcess(snapshot.processOf(holder.pid), options);
        processes.set(holder.pid, described);
      }
      return { ...described, role: holder.role, fileDescriptors: holder.fileDescriptors };
    }),
  );
}

/** Every claim of what a service is, strongest first: what it proved, its program, then what its port is for. */
function nameService(
  snapshot: Snapshot,
  service: Service,
  tenant: Tenant,
  identification: Identification | null,
): Claim<string>[] {
  const claims: Claim<string>[] = [];
  if (tenant.framework !== null) claims.push({ ...tenant.framework, value: tenant.framework.value.title });
  if (identification !== null) claims.push(...claimsOfIdentification(identification));
  claims.push(...claimsOfNumber(service.port, service.transport));
  if (tenant.framework === null && service.holders.known) {
    const leader = service.holders.value[0];
    const program = leader === undefined ? undefined : programNameOf(snapshot.processOf(leader.pid));
    if (program !== undefined) claims.push(claim(program, "inferred", "the holding process bears this name"));
  }
  return claims.sort(compareClaims);
}

/** File name of the executable, or the kernel's short name. */
export function programNameOf(process: Process): string | undefined {
  const executable = knownOr(process.executable, "");
  return executable === "" ? knownOr(process.name, undefined) : basename(executable);
}

function claimScheme(
  service: Service,
  tenant: Tenant,
  identification: Identification | null,
): Claim<"http" | "https"> | null {
  if (service.transport !== "tcp") return null;
  const proved = identification?.layers.filter(({ strength }) => strength === "strong") ?? [];
  if (proved.length > 0) {
    const http = proved.find(({ protocol }) => protocol === "http");
    return http === undefined ? null : claim(proved[0]?.protocol === "tls" ? "https" : "http", "proved", http.evidence);
  }
  const framework = tenant.framework;
  if (framework !== null) {
    // A program that is known to speak something else is not made a web server by its port number.
    if (framework.value.scheme !== null) return { ...framework, value: framework.value.scheme };
    if (framework.value.role !== "runtime" && framework.value.role !== "tool") return null;
  }
  const byNumber = schemeOf(service.port, service.transport);
  return byNumber === null ? null : claim(byNumber, "convention", `port ${service.port} usually speaks ${byNumber}`);
}

function formatBoundAddress(socket: Socket): string {
  const boundInterface = knownOr(socket.boundInterface, null);
  return formatSocketAddress(socket.local.address, socket.local.port, boundInterface).replace(/:\d+$/, "");
}
