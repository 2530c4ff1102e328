/**
 * @module The room gateway/: names for servers. What a command needs is here; the engine, which only the gateway's own process needs, is
 * `engine/`.
 */
export { appNameOf, labelOf } from "./app-name.ts";
export { givePort, type GivenPort } from "./port-flags.ts";
export type { ScriptPlace, ScriptReader } from "./started-words.ts";
export { watchForListener, type FoundListener } from "./watch-for-listener.ts";
export {
  askGateway,
  controlPath,
  followGateway,
  gatewayLock,
  type GatewayListener,
  type GatewayStatus,
} from "./control-client.ts";
export type { GatewayReady, GatewayWish } from "./gateway-wish.ts";
export {
  formatTarget,
  gatewayHost,
  readRouteHost,
  readRoutePath,
  readTarget,
  routeName,
  type Route,
  type RouteEnding,
  type RouteHolder,
  type Target,
  type TargetProtocol,
} from "./route.ts";
export {
  endRoute,
  forgetRoute,
  holderLives,
  keepRoute,
  readRoutes,
  type KeptRoutes,
  type RouteProblem,
} from "./route-store.ts";
export { hasRoutes } from "./routes-folder.ts";
export { RouteTable } from "./route-table.ts";
export {
  ensureGateway,
  gatewayCommand,
  gatewayLogPath,
  portolanCommand,
  readGatewayStatus,
  untilGatewayEnded,
} from "./start-gateway.ts";
export {
  askManager,
  mayFail,
  readUserService,
  removeServiceFile,
  serviceManager,
  writeServiceFile,
  type ServiceManager,
  type ServiceScope,
} from "./service/installed-service.ts";
export { writeLaunchAgent } from "./service/launch-agent.ts";
export { readUnitNote, writeSystemUnit, writeUserUnit, type ServiceFacts } from "./service/systemd-unit.ts";
export { readHostsText, writeHostsText, type HostLine, type HostsText } from "./hosts/hosts-block.ts";
export { hostsPath, mayWriteHostsFile, readHostsFile, replaceHostsFile } from "./hosts/hosts-file.ts";
export {
  certificatePathOf,
  keepCertificate,
  readAuthority,
  variablesForNode,
  type Authority,
  type AuthorityFacts,
} from "./certificates/authority-file.ts";
export { isCoveredName, readAuthorityNames } from "./certificates/authority-names.ts";
export {
  changeTrust,
  deleteAuthority,
  forgetFormer,
  listFormerCertificates,
  listTrustStores,
  trustedCertificateOf,
} from "./certificates/trust.ts";
export { asOwner, findTrustOwner, type TrustOwner } from "./certificates/trust-owner.ts";
export { findBorrower } from "./borrowed-root.ts";
export { shellText, wordsOf, type TrustStore, type TrustedCertificate } from "./certificates/trust-store.ts";
export { namesOfNext, readUsableAuthority, type AuthorityWish } from "./certificates/usable-authority.ts";
export { openRelays, type RelaysOptions, type RunningRelays } from "./relay/open-relays.ts";
export { followRelays, listRelays, type RelayProcessStatus, type RelayStatus } from "./relay/relay-control.ts";
export type { RelayStart } from "./relay/start-relays.ts";
export type { RelayCounts, TargetCounts } from "./relay/relay-counts.ts";
export type * from "./relay/relay-wish.ts";
export { findLoop } from "./relay/relay-loops.ts";
export { readRelayPairs, readRelayPlace, readRelayTarget, type RelayPair } from "./relay/relay-words.ts";
