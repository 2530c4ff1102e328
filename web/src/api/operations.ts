/**
 * @module What each operation takes and gives, by name: types alone, taken from the declarations.
 */
import type { CanBindInput, CanBindResult } from "../../../src/operations/can-bind.ts";
import type { ConnectionsInput, ConnectionsResult } from "../../../src/operations/connections.ts";
import type { ExplainInput, ExplainResult } from "../../../src/operations/explain.ts";
import type { HistoryInput, HistoryResult } from "../../../src/operations/history.ts";
import type { InterfacesInput, InterfacesResult } from "../../../src/operations/interfaces.ts";
import type { KillInput } from "../../../src/operations/kill.ts";
import type { KillEvent, KillProposal, KillResult } from "../../../src/operations/kill-schemas.ts";
import type { ListInput, ListResult } from "../../../src/operations/list.ts";
import type { RangesInput, RangesResult } from "../../../src/operations/ranges.ts";
import type { ReleaseInput, ReleaseResult } from "../../../src/operations/release.ts";
import type { ReservationsInput, ReservationsResult } from "../../../src/operations/reservations.ts";
import type { ReserveInput, ReserveResult } from "../../../src/operations/reserve.ts";
import type { RouteInput, RouteProposal, RouteResult } from "../../../src/operations/route.ts";
import type { RoutesInput, RoutesResult } from "../../../src/operations/routes.ts";
import type { ScanEvent, ScanInput, ScanResult } from "../../../src/operations/scan.ts";
import type { ServicesInput, ServicesResult } from "../../../src/operations/services.ts";
import type {
  StartGatewayInput,
  StartGatewayProposal,
  StartGatewayResult,
} from "../../../src/operations/start-gateway.ts";
import type { SuggestNameInput, SuggestNameResult } from "../../../src/operations/suggest-name.ts";
import type { RequestTraffic, TrafficInput, TrafficResult } from "../../../src/operations/traffic.ts";
import type { WatchEvent, WatchInput, WatchResult } from "../../../src/operations/watch.ts";
import type { WhoInput, WhoResult } from "../../../src/operations/who.ts";

/** Operations that answer with one value. */
export interface Calls {
  readonly "can-bind": { readonly input: CanBindInput; readonly result: CanBindResult };
  readonly connections: { readonly input: ConnectionsInput; readonly result: ConnectionsResult };
  readonly explain: { readonly input: ExplainInput; readonly result: ExplainResult };
  readonly history: { readonly input: HistoryInput; readonly result: HistoryResult };
  readonly interfaces: { readonly input: InterfacesInput; readonly result: InterfacesResult };
  readonly list: { readonly input: ListInput; readonly result: ListResult };
  readonly ranges: { readonly input: RangesInput; readonly result: RangesResult };
  readonly reservations: { readonly input: ReservationsInput; readonly result: ReservationsResult };
  readonly routes: { readonly input: RoutesInput; readonly result: RoutesResult };
  readonly services: { readonly input: ServicesInput; readonly result: ServicesResult };
  readonly "suggest-name": { readonly input: SuggestNameInput; readonly result: SuggestNameResult };
  readonly who: { readonly input: WhoInput; readonly result: WhoResult };
}

/** Operations that tell events and end in a value. */
export interface Streams {
  readonly scan: { readonly input: ScanInput; readonly event: ScanEvent; readonly result: ScanResult };
  readonly traffic: { readonly input: TrafficInput; readonly event: RequestTraffic; readonly result: TrafficResult };
  readonly watch: { readonly input: WatchInput; readonly event: WatchEvent; readonly result: WatchResult };
}

/** Operations that change something: proposed first, applied by a ticket. */
export interface Changes {
  readonly kill: {
    readonly input: KillInput;
    readonly proposal: KillProposal;
    readonly event: KillEvent;
    readonly result: KillResult;
  };
  readonly reserve: {
    readonly input: ReserveInput;
    readonly proposal: null;
    readonly event: never;
    readonly result: ReserveResult;
  };
  readonly route: {
    readonly input: RouteInput;
    readonly proposal: RouteProposal;
    readonly event: never;
    readonly result: RouteResult;
  };
  readonly "start-gateway": {
    readonly input: StartGatewayInput;
    readonly proposal: StartGatewayProposal;
    readonly event: never;
    readonly result: StartGatewayResult;
  };
  readonly release: {
    readonly input: ReleaseInput;
    readonly proposal: null;
    readonly event: never;
    readonly result: ReleaseResult;
  };
}

/** What the server says of itself. */
export interface About {
  readonly version: string;
  readonly hostName: string;
  readonly platform: string;
  readonly startedAt: string;
  readonly userId: number | null;
  /** Ports of the demo's servers; null without demo. */
  readonly demoPorts: readonly number[] | null;
  /** Address of the page. */
  readonly url: string;
}
