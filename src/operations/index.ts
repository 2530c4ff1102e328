/**
 * @module Every operation's declaration, in the order in which help shows them.
 */
import { canBindOperation } from "./can-bind.ts";
import { checkOperation } from "./check.ts";
import { completionsOperation } from "./completions.ts";
import { connectionsOperation } from "./connections.ts";
import { demoOperation } from "./demo.ts";
import { diagnoseOperation } from "./diagnose.ts";
import { diffOperation } from "./diff.ts";
import { doctorOperation } from "./doctor.ts";
import { downOperation } from "./down.ts";
import { explainOperation } from "./explain.ts";
import { followOperation } from "./follow.ts";
import { forwardOperation } from "./forward.ts";
import { gatewayOperation } from "./gateway.ts";
import { gatewayExportOperation } from "./gateway-export.ts";
import { gatewayServiceOperation } from "./gateway-service.ts";
import { historyOperation } from "./history.ts";
import { hostsOperation } from "./hosts.ts";
import { identifyOperation } from "./identify.ts";
import { interfacesOperation } from "./interfaces.ts";
import { killOperation } from "./kill.ts";
import { learnOperation } from "./learn.ts";
import { listOperation } from "./list.ts";
import { mcpOperation } from "./mcp.ts";
import { pickOperation } from "./pick.ts";
import { rangesOperation } from "./ranges.ts";
import { recordOperation } from "./record.ts";
import { registryOperation } from "./registry.ts";
import { relaysOperation } from "./relays.ts";
import { releaseOperation } from "./release.ts";
import { reservationsOperation } from "./reservations.ts";
import { reserveOperation } from "./reserve.ts";
import { routeOperation } from "./route.ts";
import { routesOperation } from "./routes.ts";
import { runOperation } from "./run.ts";
import { scanOperation } from "./scan.ts";
import { servicesOperation } from "./services.ts";
import { shareOperation } from "./share.ts";
import { snapshotOperation } from "./snapshot.ts";
import { startGatewayOperation } from "./start-gateway.ts";
import { suggestNameOperation } from "./suggest-name.ts";
import { traceOperation } from "./trace.ts";
import { trafficOperation } from "./traffic.ts";
import { trustOperation } from "./trust.ts";
import { uiOperation } from "./ui.ts";
import { untrustOperation } from "./untrust.ts";
import { upOperation } from "./up.ts";
import { waitOperation } from "./wait.ts";
import { watchOperation } from "./watch.ts";
import { whoOperation } from "./who.ts";

export { errorTable } from "../core/index.ts";
export { faceInput } from "./face-input.ts";
export { projectFileSchema } from "../project/index.ts";
export {
  canBindOperation,
  checkOperation,
  connectionsOperation,
  demoOperation,
  diagnoseOperation,
  doctorOperation,
  explainOperation,
  identifyOperation,
  interfacesOperation,
  snapshotOperation,
  diffOperation,
  downOperation,
  killOperation,
  historyOperation,
  learnOperation,
  listOperation,
  followOperation,
  pickOperation,
  rangesOperation,
  recordOperation,
  registryOperation,
  releaseOperation,
  reservationsOperation,
  reserveOperation,
  routeOperation,
  routesOperation,
  runOperation,
  scanOperation,
  servicesOperation,
  traceOperation,
  upOperation,
  waitOperation,
  watchOperation,
  whoOperation,
};

/** All operations. */
export const operations = [
  listOperation,
  followOperation,
  watchOperation,
  uiOperation,
  recordOperation,
  historyOperation,
  whoOperation,
  connectionsOperation,
  scanOperation,
  identifyOperation,
  doctorOperation,
  explainOperation,
  servicesOperation,
  rangesOperation,
  interfacesOperation,
  snapshotOperation,
  diffOperation,
  canBindOperation,
  checkOperation,
  killOperation,
  waitOperation,
  pickOperation,
  runOperation,
  upOperation,
  downOperation,
  routeOperation,
  routesOperation,
  forwardOperation,
  relaysOperation,
  shareOperation,
  gatewayOperation,
  gatewayServiceOperation,
  gatewayExportOperation,
  hostsOperation,
  trustOperation,
  untrustOperation,
  traceOperation,
  trafficOperation,
  suggestNameOperation,
  startGatewayOperation,
  reserveOperation,
  reservationsOperation,
  releaseOperation,
  registryOperation,
  diagnoseOperation,
  demoOperation,
  learnOperation,
  mcpOperation,
  completionsOperation,
] as const;
