/**
 * @module `start-gateway`: starts the gateway as it is usually started, for a page: no port, address or file can be asked for here, which
 * `gateway start` on the command line takes.
 */
import * as v from "valibot";
import { ensureGateway, gatewayCommand, readGatewayStatus } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeGateway, runningGatewaySchema } from "./gateway-facts.ts";
import type { OperationContext } from "./operation.ts";

const inputSchema = v.object({});

const outputSchema = v.object({
  complete: v.boolean(),
  started: v.pipe(v.boolean(), v.description("False when one ran already")),
  gateway: runningGatewaySchema,
});

export type StartGatewayInput = Record<string, never>;
export type StartGatewayResult = v.InferOutput<typeof outputSchema>;

/** What would be done. */
export interface StartGatewayProposal {
  /** Process of the gateway that runs already; then nothing is started. */
  readonly pid: number | null;
  /** Program and words that would be started. */
  readonly command: readonly string[];
}

/** Says what would be started. Nothing is changed. @throws GATEWAY_FAILED */
export async function proposeStartGateway(
  _input: StartGatewayInput,
  context: OperationContext,
): Promise<StartGatewayProposal> {
  const status = await readGatewayStatus(stateFolderOf(context.environment));
  return { pid: status?.pid ?? null, command: gatewayCommand([]) };
}

/** Runs `start-gateway`. @throws GATEWAY_FAILED */
export async function runStartGateway(
  _input: StartGatewayInput,
  { environment, signal }: OperationContext,
): Promise<StartGatewayResult> {
  const stateFolder = stateFolderOf(environment);
  const { status, started } = await ensureGateway({ stateFolder, words: [], environment, signal });
  return { complete: true, started, gateway: describeGateway(status) };
}

/** The declaration of `start-gateway`. */
export const startGatewayOperation = defineOperation({
  name: "start-gateway",
  summary: "Start the gateway as usual",
  description:
    "Starts the process that leads names to applications, when none runs: at port 80 of this machine's loopback addresses, or at 4280 where that takes a privilege. " +
    "It goes on when the page has ended; portolan gateway stop ends it. portolan gateway start takes other ports and addresses.",
  effect: "change",
  faces: ["http"],
  positional: [],
  examples: [],
  input: inputSchema,
  output: outputSchema,
  run: runStartGateway,
});
