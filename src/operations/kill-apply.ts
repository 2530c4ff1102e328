/**
 * @module Does what a proposal of `kill` says, and nothing else: signals, waits for the sockets to go, says who comes back.
 */
import { setTimeout as wait } from "node:timers/promises";
import { openProcess, readProcessIdentity, runProgram, type ProcessHandle } from "../act/index.ts";
import { PortolanError, isListening, knownOr, unknown, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import type { KillEvent, KillProposal, KillResult, KillVictim } from "./kill-schemas.ts";
import { describeSuccessor } from "./kill-successor.ts";
import { holderPids, holdsPort } from "./kill-targets.ts";
import type { OperationContext } from "./operation.ts";

/** How often the socket table is asked, milliseconds. */
const lookEveryMs = 5;
/** How long a port must stay free: a supervisor brings a successor in less. */
const watchMs = 500;
const watchSupervisedMs = 3000;
/** How long the kernel may take to let go of a socket after SIGKILL, milliseconds. */
const afterKillMs = 3000;
/** Supervisors that start again what ends. */
const restarters = new Set([
  "pm2",
  "nodemon",
  "forever",
  "node-watch",
  "supervisord",
  "runit",
  "s6",
  "watchexec",
  "air",
  "systemd",
  "systemd-user",
  "docker",
  "podman",
]);

interface Progress {
  readonly victim: KillVictim;
  readonly handle: ProcessHandle | null;
  readonly signals: string[];
  problem: string | null;
}

/**
 * Applies a proposal.
 * @throws PROPOSAL_STALE, before anything is done, when somebody in it has ended, let go of the port, or was joined by others
 */
export async function* applyKill(
  proposal: KillProposal,
  context: OperationContext,
): AsyncGenerator<KillEvent, KillResult, void> {
  const work: Progress[] = [];
  try {
    await takeHold(proposal, work, context);
    const startedMs = performance.now();
    const elapsed = (): number => Math.round(performance.now() - startedMs);
    for (const one of work) yield* strike(one, proposal, context);
    const freed = new Set<string>();
    let held = await lookAgain(proposal, context);
    let deadlineMs = startedMs + proposal.graceMs;
    let escalated = proposal.signal === "SIGKILL";
    for (;;) {
      yield* tellFreed(proposal, held, freed, elapsed());
      const pending = work.some(({ victim, handle }) => victim.sockets.length === 0 && handle?.hasEnded() === false);
      if ((held.length === 0 && !pending) || context.signal.aborted) break;
      if (performance.now() >= deadlineMs) {
        if (escalated) break;
        escalated = true;
        deadlineMs = performance.now() + afterKillMs;
        for (const one of await stillHolding(work, proposal, context)) {
          if (sendSignal(one, "SIGKILL"))
            yield { kind: "escalated", pid: one.victim.pid, name: one.victim.name, afterMs: elapsed() };
        }
      }
      await pause(context.signal);
      held = await lookAgain(proposal, context);
    }
    const successors = context.signal.aborted ? new Map<string, Socket>() : await watch(proposal, freed, context);
    return await conclude(proposal, work, successors, context);
  } finally {
    for (const { handle } of work) handle?.close();
  }
}

/** Takes hold of every process first, then looks whether all is as it was proposed: what is held cannot change its identity any more. */
async function takeHold(proposal: KillProposal, work: Progress[], context: OperationContext): Promise<void> {
  for (const victim of proposal.victims) {
    if (victim.action === "refuse") continue;
    const handle = openProcess(victim.pid, victim.identity);
    work.push({ victim, handle, signals: [], problem: null });
    // Its descendants can end with it, or before.
    if (handle === null && victim.sockets.length > 0) throw stale(`Process ${victim.pid} has ended since.`, victim.pid);
  }
  const snapshot = await look(proposal, context, "all");
  const expected = new Map(proposal.victims.map((victim) => [victim.pid, victim]));
  const agreed = [...proposal.victims.flatMap(({ sockets }) => sockets), ...proposal.unseen];
  const inodes = new Set(agreed.map(({ inode }) => inode));
  for (const socket of targetSockets(snapshot, proposal)) {
    if (!inodes.has(socket.inode)) throw stale(`Another socket holds port ${socket.local.port} by now.`, null);
    for (const pid of holderPids(snapshot, socket)) {
      if (!expected.has(pid)) throw stale(`Process ${pid} holds port ${socket.local.port} too by now.`, pid);
    }
  }
  for (const { victim } of work) {
    const lost = victim.sockets.find(({ inode }) => {
      const socket = snapshot.sockets.find((one) => one.inode === inode);
      return socket === undefined || !holderPids(snapshot, socket).includes(victim.pid);
    });
    if (lost !== undefined) throw stale(`Process ${victim.pid} no longer holds ${lost.address}.`, victim.pid);
  }
}

function stale(message: string, pid: number | null): PortolanError {
  return new PortolanError("PROPOSAL_STALE", message, { details: { pid } });
}

async function* strike(
  one: Progress,
  proposal: KillProposal,
  context: OperationContext,
): AsyncGenerator<KillEvent, void, void> {
  const { victim } = one;
  if (victim.action === "signal") {
    // No grace is asked for: nothing but SIGKILL makes sense.
    const signal = proposal.graceMs === 0 ? "SIGKILL" : (proposal.signal as NodeJS.Signals);
    if (sendSignal(one, signal)) yield { kind: "signalled", pid: victim.pid, name: victim.name, signal };
    return;
  }
  if (victim.container === null) return;
  const { engine, id } = victim.container;
  yield { kind: "stopping-container", engine, id };
  const seconds = String(Math.max(0, Math.ceil(proposal.graceMs / 1000)));
  const outcome = await runProgram(engine, ["stop", "--time", seconds, id], {
    deadlineMs: proposal.graceMs + 20_000,
    signal: context.signal,
    environment: context.environment,
  });
  if (outcome.ended === "missing")
    one.problem = `The command ${engine}, which could stop its container, is not installed.`;
  else if (outcome.ended === "badly") one.problem = `${engine} stop ${id} failed: ${outcome.message}`;
}

function sendSignal(one: Progress, signal: NodeJS.Signals): boolean {
  const outcome = one.handle?.signal(signal) ?? "gone";
  if (outcome === "sent") one.signals.push(signal);
  else if (outcome === "forbidden") one.problem = "The kernel did not let this user signal it.";
  return outcome === "sent";
}

/** The sockets that were to go and are there still; those of refused and unseen holders do not count. */
async function lookAgain(proposal: KillProposal, context: OperationContext): Promise<readonly Socket[]> {
  const wanted = new Set(
    proposal.victims.flatMap(({ action, sockets }) => (action === "refuse" ? [] : sockets.map(({ inode }) => inode))),
  );
  const snapshot = await look(proposal, context, "none");
  return snapshot.sockets.filter(({ inode }) => inode !== 0 && wanted.has(inode));
}

function look(proposal: KillProposal, context: OperationContext, holders: "all" | "none"): Promise<Snapshot> {
  const bound = proposal.victims.some(({ sockets }) => sockets.some(({ state }) => state === "BOUND"));
  return context.host.snapshot({
    states: bound || holders === "all" ? "all" : "listening",
    ports: [...new Set(proposal.ports.map(({ port }) => port))],
    holders,
  });
}

function targetSockets(snapshot: Snapshot, proposal: KillProposal): Socket[] {
  const doors = new Set(proposal.ports.map(({ port, transport }) => `${transport}/${port}`));
  return snapshot.sockets.filter(
    (socket) => holdsPort(socket) && doors.has(`${socket.transport}/${socket.local.port}`),
  );
}

/** Who has not let go: processes that hold a socket still, and descendants that run still. */
async function stillHolding(
  work: readonly Progress[],
  proposal: KillProposal,
  context: OperationContext,
): Promise<readonly Progress[]> {
  const snapshot = await look(proposal, context, "all");
  const holding = new Set(targetSockets(snapshot, proposal).flatMap((socket) => holderPids(snapshot, socket)));
  return work.filter(({ victim, handle }) => {
    if (victim.action !== "signal" || handle === null || handle.hasEnded()) return false;
    return victim.sockets.length === 0 || holding.has(victim.pid);
  });
}

function* tellFreed(
  proposal: KillProposal,
  held: readonly Socket[],
  freed: Set<string>,
  afterMs: number,
): Generator<KillEvent, void> {
  const busy = new Set(held.map(({ transport, local }) => `${transport}/${local.port}`));
  const kept = new Set([
    ...proposal.unseen.map(({ transport, port }) => `${transport}/${port}`),
    ...proposal.victims.flatMap(({ action, sockets }) =>
      action === "refuse" ? sockets.map(({ transport, port }) => `${transport}/${port}`) : [],
    ),
  ]);
  for (const { port, transport } of proposal.ports) {
    const key = `${transport}/${port}`;
    if (busy.has(key) || kept.has(key) || freed.has(key)) continue;
    freed.add(key);
    yield { kind: "freed", port, transport, afterMs };
  }
}

/** Looks whether somebody takes a freed port at once, as what a supervisor starts again does. */
async function watch(
  proposal: KillProposal,
  freed: ReadonlySet<string>,
  context: OperationContext,
): Promise<Map<string, Socket>> {
  const successors = new Map<string, Socket>();
  if (freed.size === 0) return successors;
  const supervised = proposal.victims.some(({ supervisor }) => supervisor !== null && restarters.has(supervisor.kind));
  const endMs = performance.now() + (supervised ? watchSupervisedMs : watchMs);
  const old = new Set(proposal.victims.flatMap(({ sockets }) => sockets.map(({ inode }) => inode)));
  while (performance.now() < endMs && !context.signal.aborted && successors.size < freed.size) {
    await pause(context.signal);
    const snapshot = await look(proposal, context, "none");
    for (const socket of snapshot.sockets) {
      const key = `${socket.transport}/${socket.local.port}`;
      if (isListening(socket) && freed.has(key) && !old.has(socket.inode)) successors.set(key, socket);
    }
  }
  return successors;
}

async function pause(signal: AbortSignal): Promise<void> {
  await wait(lookEveryMs, undefined, { signal }).catch(() => undefined);
}

async function conclude(
  proposal: KillProposal,
  work: readonly Progress[],
  successors: ReadonlyMap<string, Socket>,
  context: OperationContext,
): Promise<KillResult> {
  const snapshot = await look(proposal, context, "all");
  const busy = new Set(targetSockets(snapshot, proposal).map(({ transport, local }) => `${transport}/${local.port}`));
  const ports = proposal.ports.map(({ port, transport }) => {
    const socket = successors.get(`${transport}/${port}`);
    const successor = socket === undefined ? null : describeSuccessor(snapshot, socket, proposal);
    return { port, transport, free: !busy.has(`${transport}/${port}`), successor };
  });
  return {
    complete: snapshot.complete && !context.signal.aborted,
    outcome: ports.every(({ free, successor }) => free && successor === null) ? "freed" : "not-freed",
    ports,
    processes: work.map(({ victim, handle, signals, problem }) => ({
      pid: victim.pid,
      name: knownOr(victim.name, null) === null ? unknown("gone") : victim.name,
      signals,
      ended: handle === null ? readProcessIdentity(victim.pid) !== victim.identity : handle.hasEnded(),
      problem,
    })),
    proposal,
  };
}
