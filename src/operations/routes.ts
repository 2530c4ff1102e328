/**
 * @module `routes`: every name that leads to an application.
 */
import * as v from "valibot";
import { readGatewayStatus } from "../gateway/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeGateway, runningGatewaySchema } from "./gateway-facts.ts";
import type { OperationContext } from "./operation.ts";
import { lookAtRoutes } from "./own-files.ts";
import { describeRoute, routeSchema } from "./route-schemas.ts";
import { blindSpotSchema, listOf } from "./schemas.ts";

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
  blindSpots: v.pipe(listOf(blindSpotSchema), v.description("What could not be looked at: there may be other names")),
});

export type RoutesInput = Record<string, never>;
export type RoutesResult = v.InferOutput<typeof outputSchema>;

/** Runs `routes`. */
export async function runRoutes(_input: RoutesInput, context: OperationContext): Promise<RoutesResult> {
  const { stateFolder, routes, problems, blindSpots } = lookAtRoutes(context.environment);
  const status = stateFolder === null ? null : await readGatewayStatus(stateFolder);
  const own = status?.listeners[0];
  const port = own === undefined || own.port === (own.scheme === "https" ? 443 : 80) ? "" : `:${own.port}`;
  return {
    complete: true,
    gatewayRuns: status !== null,
    index: own === undefined ? null : `${own.scheme}://portolan.localhost${port}/`,
    gateway: status === null ? null : describeGateway(status),
    routes: routes.map((route) => describeRoute(route, status)),
    problems: problems.map((problem) => ({ ...problem })),
    blindSpots: [...blindSpots],
  };
}

/** The declaration of `routes`. */
export const routesOperation = defineOperation({
  name: "routes",
  summary: "Every name that leads to an application",
  description:
    "Names that run gave to programs and that route add gave to servers, where they lead, and whether their program still runs. Exit status 0, 1 when there is none, 3 when it cannot be told.",
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
