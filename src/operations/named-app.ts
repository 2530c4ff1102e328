/**
 * @module The name of a program that `run` or `up` starts: claimed before it starts, led to where it listens, given back when it ends.
 */
import { readProcessIdentity } from "../act/index.ts";
import { PortolanError, type Port } from "../core/index.ts";
import {
  askGateway,
  endRoute,
  ensureGateway,
  formatTarget,
  keepRoute,
  readRoutes,
  variablesForNode,
  type GatewayStatus,
  type Route,
  type TargetProtocol,
} from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import { maskArguments } from "../tenant/index.ts";
import type { OperationContext } from "./operation.ts";
import { urlsOf } from "./route-schemas.ts";

/** What is claimed, and for whom. */
export interface NameWish extends Pick<Route, "host" | "path" | "strip" | "ownHost"> {
  readonly protocol: TargetProtocol;
  /** Program and arguments, as they are; secrets in them are masked where they are told. */
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** Take it over from another program. */
  readonly force: boolean;
  /** What to do when another program has it. */
  readonly advice: string;
}

/** A name that is claimed. */
export class NamedApp {
  readonly #stateFolder: string;
  readonly #status: GatewayStatus;
  readonly #nowMs: () => number;
  /** So that Node trusts the gateway's certificates. */
  readonly #forNode: Readonly<Record<string, string>>;
  #route: Route;

  private constructor(stateFolder: string, status: GatewayStatus, route: Route, context: OperationContext) {
    this.#stateFolder = stateFolder;
    this.#status = status;
    this.#route = route;
    this.#nowMs = context.nowMs;
    this.#forNode = variablesForNode(stateFolder, context.environment);
  }

  /**
   * Claims the name for this process, which hands it to the program later.
   * @throws ROUTE_TAKEN, GATEWAY_FAILED, STORE_FAILED
   */
  static async claim(wish: NameWish, port: Port, context: OperationContext): Promise<NamedApp> {
    const { environment, signal, nowMs } = context;
    const { host, path, strip, ownHost, protocol, command, workingDirectory, force, advice } = wish;
    const stateFolder = stateFolderOf(environment);
    const route: Route = {
      host,
      path,
      target: { protocol, host: "localhost", port },
      strip,
      ownHost,
      holder: {
        pid: process.pid,
        identity: readProcessIdentity(process.pid) ?? null,
        command: maskArguments(command),
        workingDirectory,
      },
      ended: null,
      createdAtMs: nowMs(),
    };
    try {
      await keepRoute(stateFolder, route, force, signal);
    } catch (error) {
      throw withAdvice(error, advice);
    }
    try {
      const { status } = await ensureGateway({ stateFolder, words: [], environment, signal });
      await askGateway(stateFolder, { do: "reload" });
      return new NamedApp(stateFolder, status, route, context);
    } catch (error) {
      await endRoute(stateFolder, route, null);
      throw error;
    }
  }

  get name(): string {
    return this.#route.host;
  }

  get urls(): readonly string[] {
    return urlsOf(this.#route, this.#status);
  }

  /** The same by number, for programs on systems that do not resolve names. */
  get plainUrl(): string {
    return plainUrlOf(this.#route);
  }

  /** Host name and path. */
  get place(): Pick<Route, "host" | "path"> {
    return this.#route;
  }

  /** What the program is told of itself and of every name that leads somewhere now. */
  get environment(): Readonly<Record<string, string>> {
    return { ...addressesFor(this.#route, readRoutes(this.#stateFolder).routes, this.#status), ...this.#forNode };
  }

  /** From now on it is the program's: should this process be killed, the name stays as long as the program. */
  async belongsTo(pid: number): Promise<void> {
    const { holder } = this.#route;
    await this.#change({ holder: { ...holder!, pid, identity: readProcessIdentity(pid) ?? null } });
  }

  /** Leads the name elsewhere. */
  async leadTo(port: Port, host = "localhost"): Promise<void> {
    await this.#change({ target: { ...this.#route.target, port, host } });
  }

  async #change(changes: Partial<Route>): Promise<void> {
    const changed = { ...this.#route, ...changes };
    await keepRoute(this.#stateFolder, changed, true);
    this.#route = changed;
    await askGateway(this.#stateFolder, { do: "reload" });
  }

  /** Gives the name back; of a program that failed it stays, to tell how it ended. */
  async end(
    outcome: { readonly exitStatus: number; readonly signal: NodeJS.Signals | null } | undefined,
  ): Promise<void> {
    const failed = outcome !== undefined && outcome.exitStatus !== 0 && !askedToEnd(outcome);
    const ending = failed ? { atMs: this.#nowMs(), exitStatus: outcome.exitStatus } : null;
    try {
      await endRoute(this.#stateFolder, this.#route, ending);
      await askGateway(this.#stateFolder, { do: "reload" });
    } catch {
      // The program's own exit status is what matters now; a route without its program is told as such.
    }
  }
}

/** Ctrl-C, a closed terminal or a plain `kill` is no failure, however the program tells it: by the signal, or by 128 and its number. */
function askedToEnd({
  exitStatus,
  signal,
}: {
  readonly exitStatus: number;
  readonly signal: NodeJS.Signals | null;
}): boolean {
  if (signal !== null) return signal === "SIGINT" || signal === "SIGTERM" || signal === "SIGHUP";
  return exitStatus === 129 || exitStatus === 130 || exitStatus === 143;
}

function withAdvice(error: unknown, hint: string): unknown {
  if (!(error instanceof PortolanError) || error.code !== "ROUTE_TAKEN") return error;
  return new PortolanError("ROUTE_TAKEN", error.message, { details: { ...error.details, hint } });
}

/**
 * Addresses as variables. By name for browsers and whoever resolves `*.localhost`; plain ones for programs on systems that do not.
 */
function addressesFor(own: Route, routes: readonly Route[], status: GatewayStatus): Record<string, string> {
  const variables: Record<string, string> = {
    PORTOLAN_NAME: own.host,
    PORTOLAN_PLAIN_URL: plainUrlOf(own),
  };
  const [url] = urlsOf(own, status);
  if (url !== undefined) variables["PORTOLAN_URL"] = withoutSlash(url);
  for (const route of routes) {
    if (route.path !== "/" || route.host === own.host || route.host.startsWith("*.")) continue;
    const word = route.host
      .replace(/\.localhost$/, "")
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, "_");
    const [address] = urlsOf(route, status);
    variables[`PORTOLAN_PLAIN_URL_${word}`] = formatTarget(route.target);
    if (address !== undefined) variables[`PORTOLAN_URL_${word}`] = withoutSlash(address);
  }
  return variables;
}

/** A path that the server sees belongs to its address. */
function plainUrlOf({ target, path, strip }: Route): string {
  return `${formatTarget(target)}${strip || path === "/" ? "" : path}`;
}

function withoutSlash(url: string): string {
  return url.endsWith("/") ? url.slice(0, -1) : url;
}
