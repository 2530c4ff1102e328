/**
 * @module The process is the trouble: it is stopped, it takes nobody in, or so slowly that the queue before its door is full.
 */
import { knownOr } from "../../core/index.ts";
import type { Keeper, SeenService } from "./facts.ts";
import type { Look } from "./finding.ts";
import { advise, isReached, nameOf, run, servicesAsked } from "./words.ts";

const stoppedStates: ReadonlySet<string> = new Set(["T", "t"]);

/** Stopped by a signal or a debugger (signal(7), SIGSTOP). */
export function isStopped({ state }: Keeper): boolean {
  return stoppedStates.has(knownOr(state, ""));
}

/** A service all of whose processes are stopped. */
export function isServiceStopped({ keepers }: SeenService): boolean {
  const all = knownOr(keepers, []);
  return all.length > 0 && all.every(isStopped);
}

/** All processes that hold the listener are stopped. */
export const processStopped: Look = (facts) => {
  if (isReached(facts)) return null;
  const service = servicesAsked(facts).find(isServiceStopped);
  if (service === undefined) return null;
  const keepers = knownOr(service.keepers, []);
  const traced = keepers.every(({ state }) => knownOr(state, "") === "t");
  const pids = keepers.map(({ pid }) => String(pid)).join(" ");
  return {
    kind: "process-stopped",
    sure: "certain",
    title: `${nameOf(service)} is ${traced ? "held by a debugger" : "stopped"}: it listens, but it does not run.`,
    evidence: keepers.map(
      ({ pid, state }) => `/proc/${pid}/stat says state ${knownOr(state, "?")} (${traced ? "traced" : "stopped"}).`,
    ),
    remedies: traced
      ? [advise("Let the debugger go on.")]
      : [run("Let it go on (or `fg` in the shell where Ctrl-Z stopped it):", `kill -CONT ${pids}`)],
  };
};

/** The kernel takes no more connections for it (listen(2), backlog). */
export const backlogFull: Look = (facts) => {
  const { attempts, asked } = facts;
  const full = attempts.find(
    ({ own, outcome, queue }) =>
      own &&
      outcome === "ETIMEDOUT" &&
      queue !== null &&
      queue.waiting > 0 &&
      (queue.most === null || queue.waiting > queue.most),
  );
  const service = servicesAsked(facts)[0];
  if (full?.queue === undefined || full.queue === null || service === undefined) return null;
  const { waiting, most } = full.queue;
  return {
    kind: "backlog-full",
    sure: most === null ? "likely" : "certain",
    title: `The queue before port ${asked.port} is full: ${nameOf(service)} does not take in those who wait.`,
    evidence: [
      `${waiting} connections wait to be accepted${most === null ? "" : `, and the backlog is ${most}`}.`,
      `The kernel drops what else comes: ${full.address} gave no answer within ${full.elapsedMs} ms.`,
    ],
    remedies: [
      advise("Look why it does not accept: it may be busy, blocked, or out of file descriptors."),
      run("Or end it and start it again:", `portolan kill ${asked.port}`),
      advise("If it is only slow, give listen a larger backlog (the kernel's own limit is net.core.somaxconn)."),
    ],
  };
};

/** It lives, but does not accept. */
export const processHung: Look = (facts) => {
  const { attempts, asked } = facts;
  const waiting = attempts.find(
    ({ own, exchange }) => own && exchange?.failure === "SILENT" && exchange.waitedInQueue === true,
  );
  const service = servicesAsked(facts)[0];
  if (waiting === undefined || service === undefined || isServiceStopped(service) || isReached(facts)) return null;
  return {
    kind: "process-hung",
    sure: "certain",
    title: `${nameOf(service)} does not accept connections: it is busy or hangs.`,
    evidence: [
      `The kernel took the connection, and after ${waiting.elapsedMs} ms the program had not accepted it.`,
      ...(waiting.queue === null ? [] : [`${waiting.queue.waiting} connections wait in its queue.`]),
    ],
    remedies: [
      advise("Look at what it does: a busy loop, a lock, or a breakpoint."),
      run("Or end it and start it again:", `portolan kill ${asked.port}`),
    ],
  };
};
