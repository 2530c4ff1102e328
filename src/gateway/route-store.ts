/**
 * @module Where routes are kept: a file each, so that programs which start in the same moment never write over each other, and a damaged
 * file costs one route.
 */
import { accessSync, constants, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readProcessIdentity } from "../act/index.ts";
import { PortolanError, isPort, isPortolanError, quote } from "../core/index.ts";
import { readJsonFile, updateJsonFile, type JsonFile } from "../store/index.ts";
import { routesFolder } from "./routes-folder.ts";
import { routeName, type Route, type RouteEnding, type RouteHolder, type Target } from "./route.ts";

/** A file that holds no route any more. */
export interface RouteProblem {
  readonly path: string;
  readonly reason: string;
}

/** Everything that is kept. */
export interface KeptRoutes {
  readonly routes: readonly Route[];
  readonly problems: readonly RouteProblem[];
}

const ending = ".json";

/** Names and paths have no character that a file name cannot have, but for these. */
function fileOf(folder: string, route: Pick<Route, "host" | "path">): JsonFile<Route | null> {
  const name = encodeURIComponent(routeName(route)).replaceAll("*", "%2A");
  return { path: join(folder, `${name}${ending}`), version: 1, empty: null, check: checkRoute };
}

/**
 * Reads every route, by name.
 * @throws STORE_FAILED when the folder cannot be listed, or the system has no descriptors left
 */
export function readRoutes(stateFolder: string): KeptRoutes {
  const folder = routesFolder(stateFolder);
  const routes: Route[] = [];
  const problems: RouteProblem[] = [];
  for (const name of listFolder(folder)) {
    if (!name.endsWith(ending)) continue;
    const path = join(folder, name);
    try {
      const route = readJsonFile<Route | null>({ path, version: 1, empty: null, check: checkRoute });
      if (route !== null) routes.push(route);
      // Removed since it was listed, or not to be read by this user.
      else if (isForbidden(path)) problems.push({ path, reason: `${quote(path)} may not be read (EACCES).` });
    } catch (error) {
      // What a system in need does not open is no damage.
      if (!isPortolanError(error) || /\((?:EMFILE|ENFILE|ENOMEM|EIO)\)/.test(error.message)) throw error;
      problems.push({ path, reason: error.message });
    }
  }
  routes.sort((one, other) => (routeName(one) < routeName(other) ? -1 : 1));
  return { routes, problems };
}

function isForbidden(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EACCES";
  }
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    throw new PortolanError("STORE_FAILED", `The routes in ${folder} could not be listed (${code}).`, { cause: error });
  }
}

/**
 * Whether the program of a route is still there; `null` when it has none, or the system does not tell.
 */
export function holderLives({ holder, ended }: Route): boolean | null {
  if (ended !== null) return false;
  if (holder === null || holder.identity === null) return null;
  return readProcessIdentity(holder.pid) === holder.identity;
}

/**
 * Keeps a route.
 * @param force replaces one that another program holds
 * @throws ROUTE_TAKEN, STORE_FAILED
 */
export async function keepRoute(
  stateFolder: string,
  route: Route,
  force: boolean,
  signal?: AbortSignal,
): Promise<Route | null> {
  let replaced: Route | null = null;
  await updateJsonFile(
    damageForgiving(fileOf(routesFolder(stateFolder), route)),
    (kept) => {
      if (kept !== null && !force) refuseTaken(kept, route);
      replaced = kept;
      return route;
    },
    signal,
  );
  return replaced;
}

/** A damaged file holds nothing that would be lost by writing it anew. */
function damageForgiving(file: JsonFile<Route | null>): JsonFile<Route | null> {
  try {
    readJsonFile(file);
  } catch (error) {
    if (isPortolanError(error) && /damaged/.test(error.message)) rmSync(file.path, { force: true });
  }
  return file;
}

function refuseTaken(kept: Route, wanted: Route): void {
  const name = routeName(kept);
  if (kept.holder !== null && holderLives(kept) !== false && kept.holder.pid !== wanted.holder?.pid) {
    const { pid, command, workingDirectory } = kept.holder;
    throw new PortolanError(
      "ROUTE_TAKEN",
      `${name} belongs to process ${pid} (${command.join(" ")}, in ${workingDirectory}).`,
      { details: { name, pid } },
    );
  }
  if (kept.holder === null && wanted.holder !== null) {
    throw new PortolanError("ROUTE_TAKEN", `${name} was given to a server by hand: portolan route add.`, {
      details: { name, hint: `portolan route remove ${name} frees it, another name leaves it, --force replaces it.` },
    });
  }
}

/**
 * Changes a route that is kept, if it still belongs to that program.
 * @returns whether it did
 */
export async function endRoute(stateFolder: string, route: Route, end: RouteEnding | null): Promise<boolean> {
  const file = fileOf(routesFolder(stateFolder), route);
  let done = false;
  await updateJsonFile(file, (kept) => {
    if (kept?.holder?.pid !== route.holder?.pid || kept?.holder?.identity !== route.holder?.identity) return undefined;
    done = true;
    if (end !== null) return { ...kept!, ended: end };
    rmSync(file.path, { force: true });
    return undefined;
  });
  return done;
}

/**
 * Forgets a route, whoever it belongs to.
 * @returns the route, or `null` when there was none
 */
export async function forgetRoute(stateFolder: string, name: Pick<Route, "host" | "path">): Promise<Route | null> {
  const file = fileOf(routesFolder(stateFolder), name);
  let forgotten: Route | null = null;
  await updateJsonFile(damageForgiving(file), (kept) => {
    forgotten = kept;
    rmSync(file.path, { force: true });
    return undefined;
  });
  return forgotten;
}

function checkRoute(content: unknown): Route | undefined {
  if (typeof content !== "object" || content === null) return undefined;
  const { host, path, target, strip, ownHost, holder, ended, createdAtMs } = content as Record<string, unknown>;
  const whole =
    typeof host === "string" &&
    typeof path === "string" &&
    path.startsWith("/") &&
    isTarget(target) &&
    typeof strip === "boolean" &&
    typeof ownHost === "boolean" &&
    (holder === null || isHolder(holder)) &&
    (ended === null || isEnding(ended)) &&
    typeof createdAtMs === "number";
  return whole ? (content as Route) : undefined;
}

function isTarget(value: unknown): value is Target {
  if (typeof value !== "object" || value === null) return false;
  const { protocol, host, port } = value as Record<string, unknown>;
  return (
    (protocol === "http" || protocol === "https" || protocol === "h2c") &&
    typeof host === "string" &&
    typeof port === "number" &&
    isPort(port)
  );
}

function isHolder(value: unknown): value is RouteHolder {
  if (typeof value !== "object" || value === null) return false;
  const { pid, identity, command, workingDirectory } = value as Record<string, unknown>;
  return (
    typeof pid === "number" &&
    (identity === null || typeof identity === "string") &&
    Array.isArray(command) &&
    command.every((word) => typeof word === "string") &&
    typeof workingDirectory === "string"
  );
}

function isEnding(value: unknown): value is RouteEnding {
  if (typeof value !== "object" || value === null) return false;
  const { atMs, exitStatus } = value as Record<string, unknown>;
  return typeof atMs === "number" && typeof exitStatus === "number";
}
