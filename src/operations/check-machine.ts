/**
 * @module What this machine says to the wishes of a project: who has the port, whether that is the project itself, and what the kernel's
 * limits mean.
 */
import { known, knownOr, type Socket } from "../core/index.ts";
import type { PortLimits, Snapshot } from "../host/index.ts";
import { ownAddresses, planBind, type BindVerdict, type BindWorld } from "../plan/index.ts";
import { readContainers } from "../tenant/index.ts";
import { bindsOf, contains, type PortWish } from "../wishes/index.ts";
import type { CheckFinding } from "./check-schemas.ts";
import { indexServices } from "./kill-targets.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";

/** A finding before its proposal. */
export type BareFinding = Omit<CheckFinding, "wish" | "others" | "proposal">;

/** The machine, ready to be asked. */
export interface MachineLook {
  readonly snapshot: Snapshot;
  readonly judge: (wish: PortWish) => BareFinding[];
  readonly isUsed: (port: number) => boolean;
}

/** Ports of one range that are asked about. */
const mostOfRange = 1_024;

/** Looks at the machine. @throws HOST_UNSUPPORTED, HOST_READ_FAILED */
export async function lookAtMachine(context: OperationContext): Promise<MachineLook> {
  const snapshot = await context.host.snapshot({ states: "all", holders: "all", signal: context.signal });
  const containers = await readContainers(snapshot, context.environment, context.signal);
  const byPort = new Map<number, Socket[]>();
  for (const socket of snapshot.sockets) {
    const { port } = socket.local;
    const found = byPort.get(port);
    if (found === undefined) byPort.set(port, [socket]);
    else found.push(socket);
  }
  let services: ReadonlyMap<number, ListedService> | undefined;
  const judge = new Judge(snapshot, byPort, context.userId, (inode) => {
    services ??= indexServices(describeServices(snapshot, { containers }));
    return services.get(inode);
  });
  return { snapshot, judge: (wish) => judge.judge(wish), isUsed: (port) => byPort.has(port) };
}

class Judge {
  readonly #snapshot: Snapshot;
  readonly #byPort: ReadonlyMap<number, readonly Socket[]>;
  readonly #userId: number | null;
  readonly #serviceOf: (inode: number) => ListedService | undefined;
  readonly #limits: PortLimits;
  /** Root binds whatever it likes. */
  readonly #engineLimits: PortLimits;
  readonly #hasIpv6Loopback: boolean;

  constructor(
    snapshot: Snapshot,
    byPort: ReadonlyMap<number, readonly Socket[]>,
    userId: number | null,
    serviceOf: (inode: number) => ListedService | undefined,
  ) {
    this.#snapshot = snapshot;
    this.#byPort = byPort;
    this.#userId = userId;
    this.#serviceOf = serviceOf;
    this.#limits = snapshot.limits;
    this.#engineLimits = { ...snapshot.limits, mayBindPrivileged: known(true) };
    this.#hasIpv6Loopback = ownAddresses(snapshot.interfaces).has("::1");
  }

  judge(wish: PortWish): BareFinding[] {
    if (wish.binder === "cluster" || wish.transport === "sctp") return [];
    const found = new Map<string, BareFinding>();
    const last = Math.min(wish.port + wish.count, wish.port + mostOfRange);
    for (let port = wish.port; port < last; port += 1) {
      for (const finding of this.#judgePort(wish, port)) if (!found.has(finding.kind)) found.set(finding.kind, finding);
    }
    return [...found.values()];
  }

  #judgePort(wish: PortWish, port: number): BareFinding[] {
    const { interfaces, platform } = this.#snapshot;
    const isEngine = wish.binder === "engine";
    const world: BindWorld = {
      // What UDP answers can hang on sockets at other ports.
      sockets: wish.transport === "udp" ? this.#snapshot.sockets : (this.#byPort.get(port) ?? []),
      interfaces,
      platform,
      limits: isEngine ? this.#engineLimits : this.#limits,
    };
    const findings: BareFinding[] = [];
    for (const bind of bindsOf(wish, port)) {
      if (bind.address === "::1" && wish.address === "localhost" && !this.#hasIpv6Loopback) continue;
      const verdict = planBind({ ...bind, uid: isEngine ? 0 : this.#userId }, world);
      const refused = this.#refusal(wish, port, verdict, bind.address);
      if (refused !== undefined) return [refused];
      findings.push(...warningsOf(wish, port, verdict));
    }
    return findings;
  }

  #refusal(wish: PortWish, port: number, verdict: BindVerdict, address: string): BareFinding | undefined {
    const { bind, error, reason, obstacles } = verdict;
    const common = { port, transport: wish.transport, holder: null };
    const [obstacle] = obstacles;
    if (obstacle !== undefined && bind !== "yes") {
      const holder = this.#describeHolder(obstacle.socket);
      const who = holderWords(holder);
      const service = this.#serviceOf(obstacle.socket.inode);
      if (service !== undefined && isOwn(wish, service, holder)) {
        return {
          ...common,
          kind: "already-up",
          severity: "note",
          message: `Already up: ${who} is this very program.`,
          holder,
        };
      }
      if (bind === "depends") {
        return {
          ...common,
          kind: "held",
          severity: "warning",
          message: `${who} may be in the way. ${obstacle.reason}`,
          holder,
        };
      }
      const moves = wish.ifTaken === "moves";
      const then = !moves
        ? ""
        : wish.program === "node-inspector"
          ? " The program goes on without it."
          : " The program takes another port, or asks.";
      return {
        ...common,
        kind: "held",
        severity: moves ? "warning" : "conflict",
        message: `${who} has this port.${then}`,
        holder,
      };
    }
    if (bind !== "no") return undefined;
    if (error === "EACCES") return { ...common, kind: "privilege", severity: "conflict", message: reason };
    if (error === "EADDRNOTAVAIL") {
      return { ...common, kind: "address", severity: "conflict", message: `This machine has no address ${address}.` };
    }
    return { ...common, kind: "address", severity: "conflict", message: reason };
  }

  #describeHolder(socket: Socket): NonNullable<CheckFinding["holder"]> {
    const { address } = socket.local;
    const pid = knownOr(this.#snapshot.holdersOf(socket), [])[0]?.pid ?? null;
    const process = pid === null ? undefined : this.#snapshot.processOf(pid);
    const service = this.#serviceOf(socket.inode);
    const container = service?.container?.value ?? null;
    return {
      address,
      pid,
      name: process === undefined ? null : knownOr(process.name, null),
      userName: process === undefined ? null : knownOr(process.userName, null),
      project: service?.project?.value.name ?? container?.composeProject ?? null,
      folder: service?.project?.value.root ?? null,
      container: container?.name ?? container?.id ?? null,
    };
  }
}

function holderWords({ pid, name, userName, project, container }: NonNullable<CheckFinding["holder"]>): string {
  if (container !== null) return `The container ${container}${project === null ? "" : ` of ${project}`}`;
  if (pid === null) return "A process that you may not look into, or the rest of a connection,";
  const facts = [
    `pid ${pid}`,
    ...(userName === null ? [] : [`user ${userName}`]),
    ...(project === null ? [] : [`project ${project}`]),
  ];
  return `${name ?? "A process"} (${facts.join(", ")})`;
}

/** Whether who has the port is the very program that wishes for it. */
function isOwn(wish: PortWish, service: ListedService, { folder }: NonNullable<CheckFinding["holder"]>): boolean {
  const container = service.container?.value ?? null;
  if (wish.container !== null) {
    return container?.composeProject === wish.container.project && container.composeService === wish.container.service;
  }
  if (container !== null) return false;
  const program = service.framework?.value.id;
  if (wish.program !== null && program !== undefined && familyOf(program) !== familyOf(wish.program)) return false;
  if (folder !== null && wish.folders.includes(folder)) return true;
  // A folder without a project's file belongs to the project around it.
  const workingDirectories = knownOr(service.holders, []).flatMap(({ workingDirectory }) =>
    knownOr(workingDirectory, []),
  );
  return workingDirectories.some((directory) =>
    wish.folders.some((own) => contains(own, directory) && (folder === null || contains(folder, own))),
  );
}

/** Programs that show themselves under each other's names. */
function familyOf(program: string): string {
  return ["vite", "vite-preview", "react-router", "remix", "sveltekit", "vitepress", "astro"].includes(program)
    ? "vite"
    : program;
}

const warningKinds: Readonly<Record<string, CheckFinding["kind"]>> = {
  ephemeral: "ephemeral",
  reserved: "kernel-reserved",
  "browser-blocked": "browser-blocked",
  "other-family": "other-family",
  "macos-airplay": "macos-airplay",
};

function warningsOf(wish: PortWish, port: number, { warnings }: BindVerdict): BareFinding[] {
  return warnings.flatMap(({ kind, message }) => {
    const told = warningKinds[kind];
    if (told === undefined || (told === "browser-blocked" && !wish.browser)) return [];
    return [{ kind: told, severity: "warning" as const, message, port, transport: wish.transport, holder: null }];
  });
}
