/**
 * @module Which code runs and shows each command; loaded when the command is called and not before.
 */
import type { OperationContext, OperationResult } from "../../operations/operation.ts";
import type { View } from "./view.ts";

/** An operation's code with its view, types erased: the declaration has checked them. */
export interface LoadedCommand {
  readonly run: (
    input: never,
    context: OperationContext,
  ) => Promise<OperationResult> | AsyncGenerator<unknown, OperationResult, void>;
  readonly view: View<never, never>;
  /** True when the operation deals with SIGINT, SIGTERM and SIGHUP itself; otherwise they abort it. */
  readonly ownsSignals?: boolean;
}

/** Loaders by command name. Each import is taken apart by name where it stands, so that the bundle leaves the schemas out. */
export const commands: Readonly<Record<string, () => Promise<LoadedCommand>>> = {
  list: async () => {
    const { runList } = await import("../../operations/list.ts");
    const { listView } = await import("./views/list.ts");
    return { run: runList, view: listView };
  },
  follow: async () => {
    const { runFollow } = await import("../../operations/follow.ts");
    const { followView } = await import("./views/follow.ts");
    return { run: runFollow, view: followView };
  },
  watch: async () => {
    const { runWatch } = await import("../../operations/watch.ts");
    const { watchView } = await import("./views/watch.ts");
    return { run: runWatch, view: watchView };
  },
  ui: async () => {
    const { runUi } = await import("../../operations/ui.ts");
    const { uiView } = await import("./views/ui.ts");
    return { run: runUi, view: uiView };
  },
  record: async () => {
    const { runRecord } = await import("../../operations/record.ts");
    const { recordView } = await import("./views/history.ts");
    return { run: runRecord, view: recordView };
  },
  history: async () => {
    const { runHistory } = await import("../../operations/history.ts");
    const { historyView } = await import("./views/history.ts");
    return { run: runHistory, view: historyView };
  },
  mcp: async () => {
    const { runMcp } = await import("../../operations/mcp.ts");
    const { mcpView } = await import("./views/mcp.ts");
    return { run: runMcp, view: mcpView };
  },
  completions: async () => {
    const { runCompletions } = await import("../../operations/completions.ts");
    const { completionsView } = await import("./views/completions.ts");
    return { run: runCompletions, view: completionsView };
  },
  snapshot: async () => {
    const { runSnapshot } = await import("../../operations/snapshot.ts");
    const { snapshotView } = await import("./views/snapshot.ts");
    return { run: runSnapshot, view: snapshotView };
  },
  diff: async () => {
    const { runDiff } = await import("../../operations/diff.ts");
    const { diffView } = await import("./views/diff.ts");
    return { run: runDiff, view: diffView };
  },
  who: async () => {
    const { runWho } = await import("../../operations/who.ts");
    const { whoView } = await import("./views/who.ts");
    return { run: runWho, view: whoView };
  },
  connections: async () => {
    const { runConnections } = await import("../../operations/connections.ts");
    const { connectionsView } = await import("./views/connections.ts");
    return { run: runConnections, view: connectionsView };
  },
  scan: async () => {
    const { runScan } = await import("../../operations/scan.ts");
    const { scanView } = await import("./views/scan.ts");
    return { run: runScan, view: scanView };
  },
  identify: async () => {
    const { runIdentify } = await import("../../operations/identify.ts");
    const { identifyView } = await import("./views/identify.ts");
    return { run: runIdentify, view: identifyView };
  },
  doctor: async () => {
    const { runDoctor } = await import("../../operations/doctor.ts");
    const { doctorView } = await import("./views/doctor.ts");
    return { run: runDoctor, view: doctorView };
  },
  explain: async () => {
    const { runExplain } = await import("../../operations/explain.ts");
    const { explainView } = await import("./views/explain.ts");
    return { run: runExplain, view: explainView };
  },
  services: async () => {
    const { runServices } = await import("../../operations/services.ts");
    const { servicesView } = await import("./views/services.ts");
    return { run: runServices, view: servicesView };
  },
  ranges: async () => {
    const { runRanges } = await import("../../operations/ranges.ts");
    const { rangesView } = await import("./views/ranges.ts");
    return { run: runRanges, view: rangesView };
  },
  interfaces: async () => {
    const { runInterfaces } = await import("../../operations/interfaces.ts");
    const { interfacesView } = await import("./views/interfaces.ts");
    return { run: runInterfaces, view: interfacesView };
  },
  "can-bind": async () => {
    const { runCanBind } = await import("../../operations/can-bind.ts");
    const { canBindView } = await import("./views/can-bind.ts");
    return { run: runCanBind, view: canBindView };
  },
  check: async () => {
    const { runCheck } = await import("../../operations/check.ts");
    const { checkView } = await import("./views/check.ts");
    return { run: runCheck, view: checkView };
  },
  kill: async () => {
    const { runKill } = await import("../../operations/kill.ts");
    const { killView } = await import("./views/kill.ts");
    return { run: runKill, view: killView };
  },
  wait: async () => {
    const { runWait } = await import("../../operations/wait.ts");
    const { waitView } = await import("./views/wait.ts");
    return { run: runWait, view: waitView };
  },
  pick: async () => {
    const { runPick } = await import("../../operations/pick.ts");
    const { pickView } = await import("./views/pick.ts");
    return { run: runPick, view: pickView };
  },
  run: async () => {
    const { runRun } = await import("../../operations/run.ts");
    const { runView } = await import("./views/run.ts");
    return { run: runRun, view: runView, ownsSignals: true };
  },
  up: async () => {
    const { runUp } = await import("../../operations/up.ts");
    const { createUpView } = await import("./views/up.ts");
    return { run: runUp, view: createUpView(), ownsSignals: true };
  },
  down: async () => {
    const { runDown } = await import("../../operations/down.ts");
    const { downView } = await import("./views/down.ts");
    return { run: runDown, view: downView };
  },
  reserve: async () => {
    const { runReserve } = await import("../../operations/reserve.ts");
    const { reserveView } = await import("./views/reservations.ts");
    return { run: runReserve, view: reserveView };
  },
  reservations: async () => {
    const { runReservations } = await import("../../operations/reservations.ts");
    const { reservationsView } = await import("./views/reservations.ts");
    return { run: runReservations, view: reservationsView };
  },
  release: async () => {
    const { runRelease } = await import("../../operations/release.ts");
    const { releaseView } = await import("./views/reservations.ts");
    return { run: runRelease, view: releaseView };
  },
  gateway: async () => {
    const { runGateway } = await import("../../operations/gateway.ts");
    const { gatewayView } = await import("./views/gateway.ts");
    return { run: runGateway, view: gatewayView };
  },
  forward: async () => {
    const { runForward } = await import("../../operations/forward.ts");
    const { forwardView } = await import("./views/forward.ts");
    return { run: runForward, view: forwardView };
  },
  share: async () => {
    const { runShare } = await import("../../operations/share.ts");
    const { shareView } = await import("./views/share.ts");
    return { run: runShare, view: shareView };
  },
  relays: async () => {
    const { runRelays } = await import("../../operations/relays.ts");
    const { relaysView } = await import("./views/relays.ts");
    return { run: runRelays, view: relaysView };
  },
  "gateway-service": async () => {
    const { runGatewayService } = await import("../../operations/gateway-service.ts");
    const { gatewayServiceView } = await import("./views/gateway-service.ts");
    return { run: runGatewayService, view: gatewayServiceView };
  },
  "gateway-export": async () => {
    const { runGatewayExport } = await import("../../operations/gateway-export.ts");
    const { gatewayExportView } = await import("./views/gateway-export.ts");
    return { run: runGatewayExport, view: gatewayExportView };
  },
  hosts: async () => {
    const { runHosts } = await import("../../operations/hosts.ts");
    const { hostsView } = await import("./views/hosts.ts");
    return { run: runHosts, view: hostsView };
  },
  route: async () => {
    const { runRoute } = await import("../../operations/route.ts");
    const { routeView } = await import("./views/routes.ts");
    return { run: runRoute, view: routeView };
  },
  routes: async () => {
    const { runRoutes } = await import("../../operations/routes.ts");
    const { routesView } = await import("./views/routes.ts");
    return { run: runRoutes, view: routesView };
  },
  trace: async () => {
    const { runTrace } = await import("../../operations/trace.ts");
    const { traceView } = await import("./views/trace.ts");
    return { run: runTrace, view: traceView };
  },
  trust: async () => {
    const { runTrust } = await import("../../operations/trust.ts");
    const { trustView } = await import("./views/trust.ts");
    return { run: runTrust, view: trustView };
  },
  untrust: async () => {
    const { runUntrust } = await import("../../operations/untrust.ts");
    const { untrustView } = await import("./views/trust.ts");
    return { run: runUntrust, view: untrustView };
  },
  registry: async () => {
    const { runRegistry } = await import("../../operations/registry.ts");
    const { registryView } = await import("./views/registry.ts");
    return { run: runRegistry, view: registryView };
  },
  diagnose: async () => {
    const { runDiagnose } = await import("../../operations/diagnose.ts");
    const { diagnoseView } = await import("./views/diagnose.ts");
    return { run: runDiagnose, view: diagnoseView };
  },
  demo: async () => {
    const { runDemo } = await import("../../operations/demo.ts");
    const { demoView } = await import("./views/demo.ts");
    return { run: runDemo, view: demoView };
  },
  learn: async () => {
    const { runLearn } = await import("../../operations/learn.ts");
    const { learnView } = await import("./views/learn.ts");
    return { run: runLearn, view: learnView };
  },
};
