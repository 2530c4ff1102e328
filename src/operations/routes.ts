/**
 * @module `routes`: every name that leads to an application.
 */
import * as v from "valibot";
import { readGatewayStatus, readRoutes } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeGateway, runningGatewaySchema } from "./gateway-facts.ts";
import type { OperationContext } from "./operation.ts";
import { describeRoute, routeSchema } from "./route-schemas.ts";
import { listOf } from "./schemas.ts";

const inputSchema = v.object({});

const outputSchema = v.object({
  complete: v.boolean(),
  gatewayRuns: v.boolean(),
  index: v.pipe(v.nullable(v.string()), v.description("Address where the gateway shows them; null while none runs")),
  gateway: v.pipe(v.nullable(runningGatewaySchema), v.description("The gateway; null while none runs")),
  routes: listOf(routeSchema),
  problems: v.pipe(
    listOf(v.object({ path: v.string(), reason: v.string() })),
    v.description("Files that hold no route any more; writing the route anew replaces them"),
  ),
});

export type RoutesInput = Record<string, never>;
export type RoutesResult = v.InferOutput<typeof outputSchema>;

/** Runs `routes`. */
export async function runRoutes(_input: RoutesInput, context: OperationContext): Promise<RoutesResult> {
  const stateFolder = stateFolderOf(context.environment);
  const { routes, problems } = readRoutes(stateFolder);
  const status = await readGatewayStatus(stateFolder);
  const own = status?.listeners[0];
  const port = own === undefined || own.port === (own.scheme === "https" ? 443 : 80) ? "" : `:${own.port}`;
  return {
    complete: true,
    gatewayRuns: status !== null,
    index: own === undefined ? null : `${own.scheme}://portolan.localhost${port}/`,
    gateway: status === null ? null : describeGateway(status),
    routes: routes.map((route) => describeRoute(route, status)),
    problems: problems.map((problem) => ({ ...problem })),
  };
}

/** The declaration of `routes`. */
export const routesOperation = defineOperation({
  name: "routes",
  summary: "Every name that leads to an application",
  description:
    "Names that run gave to programs and that route add gave to servers, where they lead, and whether their program still runs. Exit status 0, 1 when there is none.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: [],
  examples: [
    { command: "routes", note: "the same as portolan route list" },
    { command: "routes --json", note: "for programs" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runRoutes,
});
