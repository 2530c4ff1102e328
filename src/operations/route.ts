/**
 * @module `route`: gives a server that runs already a name, or takes a name away.
 */
import * as v from "valibot";
import { PortolanError, isLoopbackAddress, isWildcardAddress, quote } from "../core/index.ts";
import {
  askGateway,
  ensureGateway,
  formatTarget,
  forgetRoute,
  hostsPath,
  holderLives,
  keepRoute,
  readGatewayStatus,
  readHostsFile,
  readHostsText,
  readRouteHost,
  readRoutePath,
  readRoutes,
  readTarget,
  routeName,
  type GatewayStatus,
  type Route,
  type RouteHolder,
  type Target,
} from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { findContainerTarget, isContainerTarget } from "./container-target.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText, requiredChoice, requiredText } from "./parameters.ts";
import { describeRoute, routeSchema, urlsOf } from "./route-schemas.ts";

const inputSchema = v.object({
  action: requiredChoice(["add", "remove"], "What to do"),
  name: requiredText("Name, and a path if you like: shop, api.shop, shop/api, *.shop, shop.test. with a final dot", {
    placeholder: "NAME",
  }),
  target: optionalText("With add: a port, HOST:PORT, a URL without a path, or container:NAME for its published port", {
    placeholder: "TARGET",
    actions: ["add"],
  }),
  strip: optionalSwitch("Take the path off before the server sees it", { actions: ["add"] }),
  ownHost: optionalSwitch("Let the server see its own name in Host, instead of this one", { actions: ["add"] }),
  force: optionalSwitch("Take the name over from another program", { actions: ["add"] }),
  start: optionalSwitch("Start the gateway when none runs", {
    offDescription: "Start no gateway when none runs",
    actions: ["add"],
  }),
});

const outputSchema = v.object({
  complete: v.boolean(),
  action: v.picklist(["add", "remove"]),
  route: routeSchema,
  replaced: v.pipe(v.boolean(), v.description("The name led elsewhere before")),
  gatewayRuns: v.boolean(),
  gatewayStarted: v.boolean(),
  needsHosts: v.pipe(
    v.boolean(),
    v.description("A name that leads here only when the machine resolves it so; portolan hosts does that"),
  ),
});

export type RouteInput = v.InferInput<typeof inputSchema>;
export type RouteResult = v.InferOutput<typeof outputSchema>;

/** Runs `route`. */
export async function runRoute(input: RouteInput, context: OperationContext): Promise<RouteResult> {
  const place = readPlace(input.name);
  const stateFolder = stateFolderOf(context.environment);
  return input.action === "add" ? add(input, place, stateFolder, context) : remove(place, stateFolder);
}

/** What `route` would do. */
export interface RouteProposal {
  readonly action: "add" | "remove";
  readonly name: string;
  /** Where it leads afterwards; `null` when nowhere. */
  readonly target: string | null;
  /** Where it leads now. */
  readonly leadsNow: string | null;
  readonly gatewayRuns: boolean;
  /** Addresses to open then; empty while no gateway runs. */
  readonly urls: readonly string[];
  /** The program that has the name and still runs; it is taken over by `force` alone. */
  readonly heldBy: Pick<RouteHolder, "pid" | "command" | "workingDirectory"> | null;
}

/**
 * Says what would be done. Nothing is changed.
 * @throws ROUTE_NAME_INVALID, ROUTE_TARGET_INVALID, ROUTE_MISSING, ARGUMENT_INVALID
 */
export async function proposeRoute(input: RouteInput, context: OperationContext): Promise<RouteProposal> {
  const place = readPlace(input.name);
  const name = routeName(place);
  const stateFolder = stateFolderOf(context.environment);
  const now = readRoutes(stateFolder).routes.find((route) => routeName(route) === name);
  const status = await readGatewayStatus(stateFolder);
  const target = input.action === "add" ? await targetOf(input, context) : null;
  if (target !== null) refuseItself(target, status);
  else if (now === undefined) throw missing(name, stateFolder);
  return {
    action: input.action,
    name,
    target: target === null ? null : formatTarget(target),
    leadsNow: now === undefined ? null : formatTarget(now.target),
    gatewayRuns: status !== null,
    urls: urlsOf(place, status),
    heldBy: now === undefined ? null : holderOf(now),
  };
}

function holderOf(route: Route): RouteProposal["heldBy"] {
  if (route.holder === null || holderLives(route) === false) return null;
  const { pid, command, workingDirectory } = route.holder;
  return { pid, command, workingDirectory };
}

/**
 * Does what was proposed.
 * @throws PROPOSAL_STALE when the name leads elsewhere by now; what `route` throws
 */
export async function applyRoute(
  input: RouteInput,
  proposal: RouteProposal,
  context: OperationContext,
): Promise<RouteResult> {
  const { leadsNow, heldBy } = await proposeRoute(input, context);
  if (leadsNow !== proposal.leadsNow || heldBy?.pid !== proposal.heldBy?.pid) {
    throw new PortolanError("PROPOSAL_STALE", `${proposal.name} leads elsewhere by now.`, {
      details: { name: proposal.name, leadsNow },
    });
  }
  return runRoute(input, context);
}

/** `shop/api` is the name `shop` and the path `/api`. @throws ROUTE_NAME_INVALID */
export function readPlace(name: string): Pick<Route, "host" | "path"> {
  const slash = name.indexOf("/");
  return slash < 0
    ? { host: readRouteHost(name), path: "/" }
    : { host: readRouteHost(name.slice(0, slash)), path: readRoutePath(name.slice(slash)) };
}

async function add(
  input: RouteInput,
  place: Pick<Route, "host" | "path">,
  stateFolder: string,
  context: OperationContext,
): Promise<RouteResult> {
  const target = await targetOf(input, context);
  let status = await readGatewayStatus(stateFolder);
  refuseItself(target, status);
  const route: Route = {
    ...place,
    target,
    strip: input.strip === true,
    ownHost: input.ownHost === true,
    holder: null,
    ended: null,
    createdAtMs: context.nowMs(),
  };
  const replaced = await keepRoute(stateFolder, route, input.force === true, context.signal);
  let gatewayStarted = false;
  if (status === null && input.start !== false) {
    const { environment, signal } = context;
    ({ status, started: gatewayStarted } = await ensureGateway({ stateFolder, words: [], environment, signal }));
    refuseItself(target, status);
  }
  // From here on requests find it: what is told is true when it is told.
  await askGateway(stateFolder, { do: "reload" });
  return {
    complete: true,
    action: "add",
    route: describeRoute(route, status),
    replaced: replaced !== null && formatTarget(replaced.target) !== formatTarget(target),
    gatewayRuns: status !== null,
    gatewayStarted,
    needsHosts: needsHosts(place.host, context),
  };
}

/** @throws ARGUMENT_INVALID, ROUTE_TARGET_INVALID */
async function targetOf({ name, target }: RouteInput, context: OperationContext): Promise<Target> {
  if (target !== undefined && isContainerTarget(target)) return findContainerTarget(target, context);
  if (target !== undefined) return readTarget(target);
  throw new PortolanError("ARGUMENT_INVALID", "route add takes a name and where it leads.", {
    details: { argument: "target", hint: `portolan route add ${name} 3000` },
  });
}

/** A route to the gateway itself would go round for ever. */
function refuseItself({ host, port }: Target, status: GatewayStatus | null): void {
  const here =
    host === "localhost" || host.endsWith(".localhost") || isLoopbackAddress(host) || isWildcardAddress(host);
  const own = status?.listeners.some(
    (listener) => listener.port === port && (here || listener.addresses.includes(host)),
  );
  if (own !== true) return;
  throw new PortolanError("ROUTE_TARGET_INVALID", `Port ${port} is the gateway itself.`, {
    details: { port, hint: "Give the port of the application." },
  });
}

/** Whether a name is nobody's as far as this machine's own files say: not below .localhost, and not in the hosts file. */
function needsHosts(host: string, { environment }: OperationContext): boolean {
  if (host.endsWith(".localhost")) return false;
  if (host.startsWith("*.")) return true;
  try {
    const { names, foreign } = readHostsText(readHostsFile(hostsPath(environment)));
    return ![...names, ...foreign].some(({ name }) => name === host);
  } catch {
    // A file that cannot be read says nothing.
    return true;
  }
}

async function remove(place: Pick<Route, "host" | "path">, stateFolder: string): Promise<RouteResult> {
  const forgotten = await forgetRoute(stateFolder, place);
  if (forgotten === null) throw missing(routeName(place), stateFolder);
  const status = await readGatewayStatus(stateFolder);
  if (status !== null) await askGateway(stateFolder, { do: "reload" });
  return {
    complete: true,
    action: "remove",
    route: describeRoute(forgotten, status),
    replaced: false,
    gatewayRuns: status !== null,
    gatewayStarted: false,
    needsHosts: false,
  };
}

function missing(name: string, stateFolder: string): PortolanError {
  const names = readRoutes(stateFolder).routes.map(routeName);
  const near = names.filter((other) => other.startsWith(name.replace(/^\*\./, "").split(".")[0]!));
  return new PortolanError("ROUTE_MISSING", `There is no route ${quote(name)}.`, {
    details: { name, ...(near.length === 0 ? {} : { hint: `There is: ${near.join(", ")}` }) },
  });
}

/** The declaration of `route`. */
export const routeOperation = defineOperation({
  name: "route",
  summary: "Give a server a name, or take a name away",
  description:
    "route add shop 3000 makes http://shop.localhost lead to port 3000, whichever loopback address the server listens at; route list shows every name. A path leads elsewhere than " +
    "the rest of its name; *.shop takes every name below that has no route of its own. Routes stay until they are removed. Names under .localhost are this machine's own in every browser; " +
    "another name, written with a final dot, leads here only when this machine resolves it so: portolan hosts does that. container:NAME is the published port of a container, as its engine tells it now. Exit status 0, 1 when another program has the name, or there is none of that name.",
  effect: "change",
  faces: ["cli", "http"],
  positional: ["action", "name", "target"],
  examples: [
    { command: "route add shop 3000", note: "http://shop.localhost" },
    { command: "route add shop/api 4000", note: "a path of it leads elsewhere" },
    { command: "route add db-admin container:pgadmin", note: "a container's published port" },
    { command: "route add grpc h2c://localhost:50051", note: "HTTP/2 without TLS" },
    { command: "route list", note: "every name" },
    { command: "route remove shop", note: "the server itself goes on" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runRoute,
});
