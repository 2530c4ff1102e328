/**
 * @module Who would be ended to free some ports, and who not and why. Nothing is done here.
 */
import { listDescendants, listSignals, maySignalEverybody, readProcessIdentity, runProgram } from "../act/index.ts";
import { PortolanError, formatSocketAddress, knownOr, parseDuration, quote, type Socket } from "../core/index.ts";
import type { Process, Snapshot } from "../host/index.ts";
import { inferSupervisor, parentChain } from "../tenant/index.ts";
import { holderPids, holdsPort, indexServices, readKillTargets, type KillTargets } from "./kill-targets.ts";
import type { KillProposal, KillVictim } from "./kill-schemas.ts";
import { describeProcess, describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";

/** What is asked. */
export interface KillWish extends KillTargets {
  readonly signal?: string | undefined;
  readonly grace?: string | undefined;
  readonly tree?: boolean | undefined;
  readonly yes?: boolean | undefined;
  readonly otherUsers?: boolean | undefined;
}

const usualSignal = "SIGTERM";
const usualGrace = "5s";
/** How long a container engine may take to say which container it is, milliseconds. */
const engineDeadlineMs = 5000;

/**
 * Says exactly what would be done to whom.
 * @throws ARGUMENT_INVALID and what reading ports throws
 */
export async function proposeKill(wish: KillWish, context: OperationContext): Promise<KillProposal> {
  const signal = readSignal(wish.signal ?? usualSignal);
  const graceMs = parseDuration(wish.grace ?? usualGrace, "--grace");
  const { ports, test } = await readKillTargets(wish, context);
  const snapshot = await context.host.snapshot({
    states: "all",
    ...(ports !== null && ports.size <= 32 ? { ports: ports.toArray() } : {}),
    holders: "all",
    signal: context.signal,
  });
  const services = describeServices(snapshot);
  const serviceOf = indexServices(services);
  const sockets = snapshot.sockets.filter((socket) => holdsPort(socket) && test(socket, serviceOf.get(socket.inode)));
  const bySocket = new Map(sockets.map((socket) => [socket, holderPids(snapshot, socket)]));
  const pids = [...new Set([...bySocket.values()].flat())].toSorted((left, right) => left - right);
  const judge = createJudge(snapshot, wish, context);
  const victims: KillVictim[] = [];
  for (const pid of pids) {
    const held = sockets.filter((socket) => bySocket.get(socket)!.includes(pid));
    const service = serviceOf.get(held[0]!.inode);
    const victim = await judge(snapshot.processOf(pid), held, service);
    if (victim !== undefined) victims.push(victim);
  }
  if (wish.tree === true) {
    for (const pid of listDescendants(victims.filter(({ action }) => action === "signal").map(({ pid }) => pid))) {
      const victim = pids.includes(pid) ? undefined : await judge(snapshot.processOf(pid), [], undefined);
      if (victim !== undefined) victims.push(victim);
    }
  }
  const unseen = sockets.flatMap((socket) => {
    if (bySocket.get(socket)!.length > 0) return [];
    return [{ ...describeSocket(socket), uid: socket.uid, reason: explainUnseen(snapshot, socket) }];
  });
  const doors = new Map(
    sockets.map(({ transport, local }) => [
      `${transport}/${local.port}`,
      { port: local.port, transport: transport as "tcp" | "udp" },
    ]),
  );
  return {
    complete: snapshot.complete,
    ports: [...doors.values()].toSorted(
      (left, right) => left.port - right.port || (left.transport < right.transport ? -1 : 1),
    ),
    victims,
    unseen,
    signal,
    graceMs,
  };
}

/** @throws ARGUMENT_INVALID */
function readSignal(text: string): NodeJS.Signals {
  const names = listSignals();
  const word = text.trim().toUpperCase();
  const name = word.startsWith("SIG") ? word : `SIG${word}`;
  const found = names.find((candidate) => candidate === name) ?? signalOfNumber(word);
  if (found !== undefined) return found;
  throw new PortolanError("ARGUMENT_INVALID", `--signal: ${quote(text)} is not a signal.`, {
    details: { argument: "signal", given: text, hint: "Write TERM, INT, HUP, QUIT, USR1, USR2 or KILL." },
  });
}

const numbered: Readonly<Record<string, NodeJS.Signals>> = {
  "1": "SIGHUP",
  "2": "SIGINT",
  "3": "SIGQUIT",
  "9": "SIGKILL",
  "15": "SIGTERM",
};

function signalOfNumber(word: string): NodeJS.Signals | undefined {
  return numbered[word];
}

function describeSocket({ transport, local, state, inode }: Socket) {
  return {
    transport: transport as "tcp" | "udp",
    address: formatSocketAddress(local.address, local.port),
    port: local.port,
    state,
    inode,
  };
}

function explainUnseen(snapshot: Snapshot, socket: Socket): string {
  const holders = snapshot.holdersOf(socket);
  if (!holders.known && holders.why === "permission") {
    return `It belongs to a process of the user with id ${socket.uid}, which you may not look into.`;
  }
  if (!holders.known) return "Who holds it could not be found out in the time there was.";
  return "No process that can be seen from here holds it: it is the kernel's own, or of another pid namespace.";
}

type Judge = (
  process: Process,
  sockets: readonly Socket[],
  service: ListedService | undefined,
) => Promise<KillVictim | undefined>;

/** What may be done to each process. */
function createJudge(snapshot: Snapshot, wish: KillWish, context: OperationContext): Judge {
  const self = process.pid;
  const ancestors = new Map(parentChain(snapshot, self).map((parent, step) => [parent.pid, step]));
  const ownGroup = knownOr(snapshot.processOf(self).controlGroup, "");
  const everybody = maySignalEverybody();
  const own = new Set([context.userId, sudoUser(context)]);

  return async (target, sockets, service) => {
    const identity = readProcessIdentity(target.pid);
    // It has ended since it was looked at, and holds nothing any more.
    if (identity === undefined && target.startTimeMs.known) return undefined;
    const uid = knownOr(target.uid, null);
    const otherUser = uid !== null && !own.has(uid);
    const supervisor =
      service?.supervisor?.value ?? inferSupervisor(target, parentChain(snapshot, target.pid))?.value ?? null;
    const base = {
      ...describeProcess(target),
      identity: identity ?? "",
      sockets: sockets.map(describeSocket),
      project: service?.project?.value.name ?? null,
      supervisor,
      otherUser,
      container: null,
    };
    const refuse = (reason: string): KillVictim => ({ ...base, action: "refuse", reason });
    if (target.pid === 1) return refuse("It is process 1, on which every other process depends.");
    if (target.pid === self) return refuse("It is this very process.");
    if (ancestors.has(target.pid)) return refuse("It has started this command, directly or not, and would end it too.");
    if (identity === undefined)
      return refuse("When it started cannot be read, so it could not be told from a later process with its pid.");
    const container =
      knownOr(target.controlGroup, "") === ownGroup && !isContainersDoor(target)
        ? "none"
        : await findContainer(target, supervisor, sockets, context);
    if (typeof container === "string" && container !== "none") return refuse(container);
    if (uid !== null && uid !== context.userId && !everybody) {
      return refuse(`It belongs to ${nameOf(target)}, whose processes you may not signal.`);
    }
    if (otherUser && context.userId === 0 && wish.yes === true && wish.otherUsers !== true) {
      return refuse(`It belongs to ${nameOf(target)}: --yes covers your own processes, --other-users those of others.`);
    }
    if (typeof container === "object") {
      return {
        ...base,
        container,
        action: "stop-container",
        reason: `The port is that of the container ${container.id}, which is stopped as a whole.`,
      };
    }
    return { ...base, action: "signal", reason: null };
  };
}

/** Root by sudo is the user who called it. */
function sudoUser({ userId, environment }: OperationContext): number | null {
  const text = environment["SUDO_UID"];
  return userId === 0 && text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : null;
}

function nameOf(target: Process): string {
  const name = knownOr(target.userName, null);
  return name === null ? `the user with id ${knownOr(target.uid, "unknown")}` : `the user ${name}`;
}

/** A process outside of a container that holds the container's published ports. */
function isContainersDoor({ name }: Process): boolean {
  const text = knownOr(name, "");
  return text === "conmon" || text === "docker-proxy";
}

/** The container behind a process; a sentence when it cannot be stopped from here; `none` when there is none. */
async function findContainer(
  target: Process,
  supervisor: { readonly kind: string; readonly name: string | null } | null,
  sockets: readonly Socket[],
  context: OperationContext,
): Promise<{ engine: "docker" | "podman"; id: string } | string> {
  if (knownOr(target.name, "") === "docker-proxy") return findPublisher(sockets, context);
  if (supervisor === null) return "none";
  const { kind, name } = supervisor;
  if (kind === "docker" || kind === "podman") {
    return name === null ? `It runs in a container of ${kind} whose id is not shown.` : { engine: kind, id: name };
  }
  if (kind === "kubernetes" || kind === "containerd" || kind === "lxc") {
    return `It runs in ${kind === "kubernetes" ? "a pod of Kubernetes" : `a container of ${kind}`}${name === null ? "" : ` (${name})`}: stop it there, or it is started again.`;
  }
  return "none";
}

/** Docker's proxy does not say whose port it holds: the engine does. */
async function findPublisher(
  sockets: readonly Socket[],
  context: OperationContext,
): Promise<{ engine: "docker"; id: string } | string> {
  const port = sockets[0]?.local.port;
  if (port === undefined) return "none";
  const outcome = await runProgram(
    "docker",
    ["ps", "--no-trunc", "--filter", `publish=${port}`, "--format", "{{.ID}}"],
    {
      deadlineMs: engineDeadlineMs,
      signal: context.signal,
      environment: context.environment,
    },
  );
  if (outcome.ended === "missing")
    return "Docker holds the port for a container, and the command docker, which could stop that, is not installed.";
  if (outcome.ended === "badly")
    return `Docker holds the port for a container and does not say for which: ${outcome.message}`;
  const id = /^[0-9a-f]{12,64}/.exec(outcome.output.trim())?.[0];
  return id === undefined
    ? "Docker holds the port, and no running container of it publishes the port."
    : { engine: "docker", id: id.slice(0, 12) };
}
