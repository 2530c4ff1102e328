/**
 * @module The room act/: what starts something on this machine: the demo's servers, sockets for experiments, a request.
 */
export { startApp, type AppProcess } from "./app-process.ts";
export { listenForEndSignals, type EndSignalListener } from "./end-signals.ts";
export { EndWishes, statusOfSignal } from "./end-wishes.ts";
export {
  endFamily,
  listFamily,
  signalFamily,
  type Family,
  type FamilyEnding,
  type FamilyLeader,
} from "./process-family.ts";
export { readLines, type SaidLine } from "./read-lines.ts";
export { demoHeader, demoPrograms, type DemoProgram } from "./demo-programs.ts";
export {
  endDemoServers,
  startDemoServers,
  waitForEnd,
  type DemoServer,
  type DemoServerOptions,
} from "./demo-servers.ts";
export {
  tryToBindUdp,
  tryToListen,
  type Attempt,
  type BoundSocket,
  type ExperimentServer,
  type Refusal,
  type SocketEnd,
} from "./experiments.ts";
export { requestPage, requestStatus, type HttpAnswer } from "./http-request.ts";
export { openListeningSockets, type PassedSockets } from "./listening-sockets.ts";
export { findProgram } from "./find-program.ts";
export { tellProgram, type TellOutcome, type Telling } from "./tell-program.ts";
export { openInBrowser } from "./open-browser.ts";
export { requireProgram, startChild, type ChildCommand, type RunningChild } from "./run-child.ts";
export {
  listDescendants,
  listSignals,
  maySignalEverybody,
  openProcess,
  readProcessIdentity,
  readTerminalTies,
  type ProcessHandle,
  type TerminalTies,
} from "./process-handle.ts";
export { runProgram, type ProgramOutcome } from "./run-program.ts";
export { findSystemUser, type SystemUser } from "./system-user.ts";
export { tryConnection, type ConnectionOutcome } from "./try-connection.ts";
export { lookRemotely, parseRemoteHost, type RemoteAnswer, type RemoteHost } from "./remote-look.ts";
