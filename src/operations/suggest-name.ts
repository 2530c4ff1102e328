/**
 * @module `suggest-name`: how a server that runs already could be called: after its project as `run` does, else after its container or program.
 */
import * as v from "valibot";
import { knownOr, parsePort, type Port } from "../core/index.ts";
import { appNameOf, formatTarget, labelOf, readRouteHost, readRoutes, readTarget } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { readContainers } from "../tenant/index.ts";
import { defineOperation } from "./define-operation.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { requiredText } from "./parameters.ts";
import { portSchema, type ListedService } from "./schemas.ts";

const inputSchema = v.object({ port: requiredText("The port that it listens at", { placeholder: "PORT" }) });

const outputSchema = v.object({
  complete: v.boolean(),
  port: portSchema,
  name: v.pipe(v.string(), v.description("As route add takes it: shop")),
  host: v.pipe(v.string(), v.description("The host name that it means: shop.localhost")),
  after: v.pipe(
    v.picklist(["project", "container", "program", "port"]),
    v.description("What it is called after; port: nothing is known of who listens"),
  ),
});

export type SuggestNameInput = v.InferInput<typeof inputSchema>;
export type SuggestNameResult = v.InferOutput<typeof outputSchema>;
type Suggestion = Pick<SuggestNameResult, "name" | "after">;

/**
 * Runs `suggest-name`.
 * @throws PORT_INVALID
 */
export async function runSuggestName(input: SuggestNameInput, context: OperationContext): Promise<SuggestNameResult> {
  const port = parsePort(input.port);
  const snapshot = await context.host.snapshot({
    states: "listening",
    ports: [port],
    holders: "all",
    namespaces: "own",
    signal: context.signal,
  });
  const containers = await readContainers(snapshot, context.environment, context.signal);
  const service = describeServices(snapshot, { containers }).find(({ transport }) => transport === "tcp");
  const { name, after } = (service === undefined ? null : nameAfter(service)) ?? {
    name: `port-${port}`,
    after: "port",
  };
  const free = withoutConflict(name, port, stateFolderOf(context.environment));
  return { complete: true, port, name: free, host: readRouteHost(free), after };
}

function nameAfter({ project, container, framework, holders }: ListedService): Suggestion | null {
  if (project !== null) return { name: appNameOf(project.value.root), after: "project" };
  const { composeService = null, name: containerName = null } = container?.value ?? {};
  const inContainer = labelOf(composeService ?? containerName ?? "");
  if (inContainer !== "") return { name: inContainer, after: "container" };
  const leader = knownOr(holders, [])[0];
  const program =
    labelOf(framework?.value.title ?? "") || labelOf(leader === undefined ? "" : knownOr(leader.name, ""));
  return program === "" ? null : { name: program, after: "program" };
}

/** A name that is the gateway's own, no name at all, or leads to another server gets the port behind it. */
function withoutConflict(name: string, port: Port, stateFolder: string): string {
  const here = formatTarget(readTarget(String(port)));
  const isFree = (wanted: string): boolean => {
    const host = hostOf(wanted);
    if (host === null) return false;
    const taken = readRoutes(stateFolder).routes.find((route) => route.host === host && route.path === "/");
    return taken === undefined || formatTarget(taken.target) === here;
  };
  if (isFree(name)) return name;
  const [first = "", ...others] = name.split(".");
  const apart = [`${first}-${port}`, ...others].join(".");
  return isFree(apart) ? apart : `port-${port}`;
}

function hostOf(name: string): string | null {
  try {
    return readRouteHost(name);
  } catch {
    return null;
  }
}

/** The declaration of `suggest-name`. */
export const suggestNameOperation = defineOperation({
  name: "suggest-name",
  summary: "How the server at a port could be called",
  description:
    "A name that is free, after the project of who listens, by the same rule as run; else after its container or program. Nothing is changed: route gives the name.",
  effect: "read",
  faces: ["http"],
  positional: ["port"],
  examples: [],
  input: inputSchema,
  output: outputSchema,
  run: runSuggestName,
});
