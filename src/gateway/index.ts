/**
 * @module The room gateway/: names for servers. What a command needs is here; the engine, which only the gateway's own process needs, is
 * `engine/`.
 */
export { appNameOf, labelOf } from "./app-name.ts";
export { givePort, type GivenPort } from "./port-flags.ts";
export { watchForListener, type FoundListener } from "./watch-for-listener.ts";
export {
  askGateway,
  controlPath,
  followGateway,
  gatewayLock,
  type GatewayListener,
  type GatewayStatus,
} from "./control-client.ts";
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
  readGatewayStatus,
  untilGatewayEnded,
} from "./start-gateway.ts";
