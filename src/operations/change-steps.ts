/**
 * @module The two steps of each operation that changes something, for faces on which a proposal and its confirmation are two messages.
 */
import { applyKill } from "./kill-apply.ts";
import { proposeKill } from "./kill-proposal.ts";
import type { KillProposal } from "./kill-schemas.ts";
import type { KillInput } from "./kill.ts";
import type { OperationContext, OperationResult } from "./operation.ts";
import { runRelease, type ReleaseInput } from "./release.ts";
import { applyRoute, proposeRoute, type RouteInput, type RouteProposal } from "./route.ts";
import { runReserve, type ReserveInput } from "./reserve.ts";
import {
  proposeStartGateway,
  runStartGateway,
  type StartGatewayInput,
  type StartGatewayProposal,
} from "./start-gateway.ts";

/** A change in two steps. */
export interface ChangeSteps {
  /** Says what would be done; `null` when the input says it all. Nothing is changed. */
  readonly propose: (input: never, context: OperationContext) => Promise<unknown>;
  /**
   * Does what was proposed and nothing else.
   * @throws PROPOSAL_STALE when the machine has changed since
   */
  readonly apply: (
    input: never,
    proposal: never,
    context: OperationContext,
  ) => Promise<OperationResult> | AsyncGenerator<unknown, OperationResult, void>;
}

/** By the operation's name. */
export const changeSteps: Readonly<Record<string, ChangeSteps>> = {
  kill: {
    propose: (input: KillInput, context) => proposeKill(input, context),
    apply: (_input: KillInput, proposal: KillProposal, context) => applyKill(proposal, context),
  },
  reserve: {
    propose: () => Promise.resolve(null),
    apply: (input: ReserveInput, _proposal: null, context) => runReserve(input, context),
  },
  route: {
    propose: (input: RouteInput, context) => proposeRoute(input, context),
    apply: (input: RouteInput, proposal: RouteProposal, context) => applyRoute(input, proposal, context),
  },
  "start-gateway": {
    propose: (input: StartGatewayInput, context) => proposeStartGateway(input, context),
    apply: (input: StartGatewayInput, _proposal: StartGatewayProposal, context) => runStartGateway(input, context),
  },
  release: {
    propose: () => Promise.resolve(null),
    apply: (input: ReleaseInput, _proposal: null, context) => runRelease(input, context),
  },
};
