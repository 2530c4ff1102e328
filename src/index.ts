/**
 * @module The library's public door.
 */
import { bindOperation, bindStreamingOperation, createContext } from "./operations/bind-operation.ts";
import { applyCheck as applyCheckIn, proposeCheck as proposeCheckIn, type CheckInput } from "./operations/check.ts";
import type { CheckProposal } from "./operations/check-schemas.ts";
import { applyKill as applyKillIn } from "./operations/kill-apply.ts";
import { proposeKill as proposeKillIn, type KillWish } from "./operations/kill-proposal.ts";
import type { KillEvent, KillProposal, KillResult } from "./operations/kill-schemas.ts";
import {
  canBindOperation,
  checkOperation,
  connectionsOperation,
  demoOperation,
  diagnoseOperation,
  diffOperation,
  downOperation,
  explainOperation,
  followOperation,
  historyOperation,
  doctorOperation,
  identifyOperation,
  interfacesOperation,
  killOperation,
  learnOperation,
  listOperation,
  rangesOperation,
  recordOperation,
  registryOperation,
  releaseOperation,
  reservationsOperation,
  reserveOperation,
  routeOperation,
  routesOperation,
  scanOperation,
  servicesOperation,
  snapshotOperation,
  traceOperation,
  upOperation,
  waitOperation,
  watchOperation,
  whoOperation,
} from "./operations/index.ts";
import type { CallOptions } from "./operations/bind-operation.ts";
import { openMachine as openMachineIn, type MachineSource } from "./operations/open-machine.ts";
import type { WaitInput, WaitResult } from "./operations/wait.ts";
import type { ConnectionsInput, ConnectionsResult } from "./operations/connections.ts";
import type { ListInput, ListResult } from "./operations/list.ts";

const boundList = bindOperation(listOperation);
const boundConnections = bindOperation(connectionsOperation);

/**
 * Every listening port of this machine, told as services: meaning, holder, project, reach.
 * @param input filters and order; default: everything by port
 * @throws PORT_SET_INVALID, ADDRESS_INVALID, ARGUMENT_INVALID, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export function list(input: ListInput = {}, options?: CallOptions): Promise<ListResult> {
  return boundList(input, options);
}

/**
 * Everything about some ports: meaning, holder with its parents, reach with URLs, clients; or that they are free.
 * @throws PORT_INVALID, PORT_SET_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export const who = bindOperation(whoOperation);

/**
 * Who is connected: each connection once, from the calling process to the called one when both are here, with the bytes it carried
 * and its round-trip time (TCP by netlink only), or counted and summed by process, port or remote address.
 * @throws PORT_SET_INVALID, ADDRESS_INVALID, ARGUMENT_INVALID, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export function connections(input: ConnectionsInput = {}, options?: CallOptions): Promise<ConnectionsResult> {
  return boundConnections(input, options);
}

/**
 * Scans devices: yields each open door as it is found and identified, and returns the whole result. Without targets it is this
 * machine's own loopback addresses.
 * @throws ARGUMENT_INVALID, PORT_SET_INVALID, ADDRESS_INVALID, ENGINE_UNAVAILABLE
 */
export const scan = bindStreamingOperation(scanOperation);

/**
 * Asks one port what it is.
 * @throws ENDPOINT_INVALID, ARGUMENT_INVALID
 */
export const identify = bindOperation(identifyOperation);

/**
 * Why a place cannot be reached: it is tried, and each cause is told with what was seen, how sure, and what to do.
 * @throws ENDPOINT_INVALID, ARGUMENT_INVALID, TARGET_INVALID
 */
export const doctor = bindOperation(doctorOperation);

/**
 * A port, a service name, an address, an endpoint or a URL in plain words.
 * @throws PORT_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
export const explain = bindOperation(explainOperation);

/**
 * What listens, then every change, as events, until `options.signal` aborts or the reader stops.
 * @throws ARGUMENT_INVALID, PORT_SET_INVALID, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export const follow = bindStreamingOperation(followOperation);

/**
 * What `follow` tells, and once a second the bytes that each listening port's connections carried (Linux; TCP only), until
 * `options.signal` aborts or the reader stops.
 * @throws ARGUMENT_INVALID, PORT_SET_INVALID, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export const watch = bindStreamingOperation(watchOperation);

/**
 * Writes down who holds which port from when to when, until `options.signal` aborts or the reader stops. One recorder writes at a
 * time. The record is `history.db` in the user's state folder (`options.environment`: XDG_STATE_HOME, HOME) and never larger than
 * asked (default 64 MiB): what ended longest ago goes first.
 * @throws RECORDER_UNAVAILABLE, RECORDER_RUNNING, STORE_FAILED, ARGUMENT_INVALID, HOST_UNSUPPORTED
 */
export const record = bindStreamingOperation(recordOperation);

/**
 * Who held a port before: what `record` wrote down, the latest first, with the times when nobody recorded.
 * @throws RECORDER_UNAVAILABLE, STORE_FAILED, PORT_SET_INVALID, ARGUMENT_INVALID
 */
export const history = bindOperation(historyOperation);

/**
 * Everything there is to see of this machine: written to `file`, or as `document` in the result.
 * @throws SNAPSHOT_EXISTS, STORE_FAILED, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export const snapshot = bindOperation(snapshotOperation);

/**
 * What is different between two looks.
 * @throws FILE_UNREADABLE, SNAPSHOT_INVALID, REMOTE_FAILED, ARGUMENT_INVALID
 */
export const diff = bindOperation(diffOperation);

/**
 * A machine to look at in place of this one, for `options.host` of every function that only looks: a file of `snapshot`, or
 * `ssh:[user@]host[:port]`.
 * @throws FILE_UNREADABLE, SNAPSHOT_INVALID, REMOTE_FAILED, ARGUMENT_INVALID
 */
export function openMachine(source: string, options?: CallOptions): Promise<MachineSource> {
  return openMachineIn(source, createContext(options));
}

/**
 * Gives a server a name, or takes a name away: `{ action: "add", name: "shop", target: "3000" }`. The gateway is started when none runs,
 * unless `start` is false.
 * @throws ROUTE_NAME_INVALID, ROUTE_TARGET_INVALID, ROUTE_TAKEN, ROUTE_MISSING, GATEWAY_FAILED, STORE_FAILED
 */
export const route = bindOperation(routeOperation);

/**
 * Every name that leads to an application, and where it can be opened.
 * @throws STORE_FAILED, GATEWAY_FAILED
 */
export const routes = bindOperation(routesOperation);

/**
 * Each request through the gateway, when its answer is complete, until `options.signal` aborts, the reader stops, or the gateway ends.
 * @throws GATEWAY_STOPPED, ROUTE_NAME_INVALID
 */
export const trace = bindStreamingOperation(traceOperation);

/** The doors everybody meets, or a search through every name. */
export const services = bindOperation(servicesOperation);

/** The three ranges of ports with this kernel's limits. */
export const ranges = bindOperation(rangesOperation);

/** The network interfaces, and who can use each address. */
export const interfaces = bindOperation(interfacesOperation);

/**
 * Starts three small servers at one address, yields what they are and answer, and waits for the signal to end them.
 * Without `once` the generator ends only when `options.signal` aborts.
 */
export const demo = bindStreamingOperation(demoOperation);

/** The lesson, one event a chapter; what a chapter opened on loopback is closed when the next one is asked for. */
export const learn = bindStreamingOperation(learnOperation);

/**
 * What the kernel would say if a program bound a port and listened there now. Nothing is bound.
 * @throws ENDPOINT_INVALID, SERVICE_UNKNOWN, ARGUMENT_INVALID, HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export const canBind = bindOperation(canBindOperation);

/**
 * The ports that a project's files ask for, and what is in their way: other files, this machine, reservations, limits. Paths are relative to
 * `options.workingDirectory`. With `fix` another port is written, if `options.confirm` or `yes` says so.
 * @throws FILE_UNREADABLE, HOST_UNSUPPORTED, HOST_READ_FAILED, STORE_FAILED, CONFIRMATION_NEEDED, PROPOSAL_STALE, OUTPUT_FAILED
 */
export const check = bindOperation(checkOperation);

/**
 * Which ports `check` would write into which files. Nothing is written.
 * @throws as `check`
 */
export function proposeCheck(input: CheckInput = {}, options?: CallOptions): Promise<CheckProposal> {
  return proposeCheckIn(input, createContext(options));
}

/**
 * Writes what a proposal says, and nothing else.
 * @throws PROPOSAL_STALE, before anything is written, when a file has changed since; OUTPUT_FAILED
 */
export function applyCheck(proposal: CheckProposal): Promise<void> {
  return applyCheckIn(proposal);
}

/**
 * Frees ports: yields what is done, returns what came of it. `options.confirm` decides about the proposal unless the input says `yes`.
 * @throws ARGUMENT_INVALID, PORT_INVALID, PORT_SET_INVALID, SERVICE_UNKNOWN, CONFIRMATION_NEEDED, PROPOSAL_STALE
 */
export const kill = bindStreamingOperation(killOperation);

/**
 * Who would be ended to free some ports, and who not and why. Nothing is done.
 * @throws as `kill`
 */
export function proposeKill(wish: KillWish, options?: CallOptions): Promise<KillProposal> {
  return proposeKillIn(wish, createContext(options));
}

/**
 * Does what a proposal says, and nothing else.
 * @throws PROPOSAL_STALE, before anything is done, when the machine has changed since
 */
export function applyKill(proposal: KillProposal, options?: CallOptions): AsyncGenerator<KillEvent, KillResult, void> {
  return applyKillIn(proposal, createContext(options));
}

/**
 * Waits until somebody listens, answers by HTTP, or is gone: yields each endpoint that is as wished, returns the whole.
 * @throws ENDPOINT_INVALID, SERVICE_UNKNOWN, ARGUMENT_INVALID, HOST_READ_FAILED
 */
export const wait = bindStreamingOperation(waitOperation);

/**
 * The same as one promise. Resolves with `ready: false` when the time was over.
 * @throws as `wait`
 */
export async function waitFor(input: WaitInput, options?: CallOptions): Promise<WaitResult> {
  const waiting = wait(input, options);
  for (;;) {
    const step = await waiting.next();
    if (step.done === true) return step.value;
  }
}

/**
 * Keeps a port for a name.
 * @throws RESERVATION_CONFLICT, ARGUMENT_INVALID, PORT_INVALID, PORTS_EXHAUSTED, STORE_FAILED, LEASE_STORE_FAILED
 */
export const reserve = bindOperation(reserveOperation);

/** Ports that are kept for a name, and who is on them now. @throws STORE_FAILED, LEASE_STORE_FAILED */
export const reservations = bindOperation(reservationsOperation);

/** Gives reservations back. @throws RESERVATION_UNKNOWN, STORE_FAILED */
export const release = bindOperation(releaseOperation);

/**
 * Which table of port names is in use; `{ action: "update" }` fetches IANA's file, checks it and keeps it in the user's cache, and this
 * process and every later one prefers it; `{ action: "reset" }` goes back to the built-in table.
 * @throws REGISTRY_INVALID, DOWNLOAD_FAILED, FILE_UNREADABLE, STORE_FAILED, ARGUMENT_INVALID, ABORTED; nothing is changed then
 */
export const registry = bindOperation(registryOperation);

/**
 * What Portolan runs on, what it sees with, and what it cannot see and why: for a bug report. Nothing secret is in it, and the home
 * folder is `~`. What does not work is told and never thrown.
 */
export const diagnose = bindOperation(diagnoseOperation);

/**
 * Starts a whole project as its portolan.config.json or Procfile says: yields what happens, and returns when all have ended, one has failed, or
 * `options.signal` aborts; everything that was started has ended by then. This process's own signals are left to it.
 * @throws before anything starts: PROJECT_FILE_MISSING, PROJECT_FILE_INVALID, APP_UNKNOWN, PROJECT_UP, PORT_TAKEN, PORTS_EXHAUSTED, ROUTE_TAKEN,
 * GATEWAY_FAILED, COMMAND_NOT_FOUND, COMMAND_NOT_STARTED, STORE_FAILED, LEASE_STORE_FAILED
 */
export const up = bindStreamingOperation(upOperation);

/** Ends the project that is up around the working directory, and waits for its end. */
export const down = bindOperation(downOperation);

export * from "./ports.ts";
export { planBind, planListen } from "./plan/index.ts";
export type {
  BindVerdict,
  BindWarning,
  BindWish,
  BindWorld,
  Certainty,
  Obstacle,
  SocketOptions,
} from "./plan/index.ts";
export * from "./core/index.ts";
export { createHost } from "./host/index.ts";
export type * from "./host/host.ts";
export { operations } from "./operations/index.ts";
export type { CallOptions } from "./operations/bind-operation.ts";
export type {
  Effect,
  Example,
  Face,
  Operation,
  OperationContext,
  OperationResult,
  TerminalFacts,
} from "./operations/operation.ts";
export type { DemoEvent, DemoInput, DemoResult } from "./operations/demo.ts";
export type { CanBindInput, CanBindResult } from "./operations/can-bind.ts";
export type { CheckInput } from "./operations/check.ts";
export type { CheckFinding, CheckProposal, CheckResult, CheckWish } from "./operations/check-schemas.ts";
export type { ConnectionsInput, ConnectionsResult, ListedConnection } from "./operations/connections.ts";
export type { KillInput } from "./operations/kill.ts";
export type { KillWish } from "./operations/kill-proposal.ts";
export type { KillEvent, KillProposal, KillResult, KillVictim } from "./operations/kill-schemas.ts";
export type { LearnEvent, LearnInput, LearnResult } from "./operations/learn.ts";
export type { HistoryInput, HistoryResult, RecordedResidence } from "./operations/history.ts";
export type { RecordEvent, RecordInput, RecordResult } from "./operations/record.ts";
export type { TrafficEvent, WatchEvent, WatchInput, WatchResult } from "./operations/watch.ts";
export type { FollowEvent, FollowInput, FollowResult } from "./operations/follow.ts";
export type { DiffInput, DiffResult } from "./operations/diff.ts";
export type { MachineSource } from "./operations/open-machine.ts";
export type { SnapshotInput, SnapshotResult } from "./operations/snapshot.ts";
export type { ListInput, ListResult } from "./operations/list.ts";
export type { WaitEvent, WaitInput, WaitResult } from "./operations/wait.ts";
export type { WhoInput, WhoResult } from "./operations/who.ts";
export type { DiagnoseInput, DiagnoseResult } from "./operations/diagnose.ts";
export type { DoctorInput, DoctorResult } from "./operations/doctor.ts";
export type { ExplainInput, ExplainResult } from "./operations/explain.ts";
export type { IdentifyInput, IdentifyResult } from "./operations/identify.ts";
export type { PickInput, PickResult } from "./operations/pick.ts";
export type { RegistryInput, RegistryResult } from "./operations/registry.ts";
export type { ReleaseInput, ReleaseResult } from "./operations/release.ts";
export type { ReservationsInput, ReservationsResult } from "./operations/reservations.ts";
export type { ReserveInput, ReserveResult } from "./operations/reserve.ts";
export type { ListedRoute } from "./operations/route-schemas.ts";
export type { RouteInput, RouteResult } from "./operations/route.ts";
export type { RoutesInput, RoutesResult } from "./operations/routes.ts";
export type { TraceEvent, TraceInput, TraceResult } from "./operations/trace.ts";
export type { RunEvent, RunInput, RunResult } from "./operations/run.ts";
export type { ForwardEvent, ForwardInput, ForwardResult } from "./operations/forward.ts";
export type { RelaysInput, RelaysResult } from "./operations/relays.ts";
export type { DownInput, DownResult } from "./operations/down.ts";
export type { UpEvent, UpInput, UpResult } from "./operations/up-schemas.ts";
export type { ScanEvent, ScanInput, ScanResult } from "./operations/scan.ts";
export type { ServicesInput, ServicesResult } from "./operations/services.ts";
export type { RangesInput, RangesResult } from "./operations/ranges.ts";
export type { InterfacesInput, InterfacesResult } from "./operations/interfaces.ts";
