/**
 * @module Names for what runs already, that a project has as long as it is up.
 */
import { readProcessIdentity } from "../act/index.ts";
import { PortolanError, isPortolanError } from "../core/index.ts";
import { askGateway, endRoute, ensureGateway, keepRoute, readTarget, routeName, type Route } from "../gateway/index.ts";
import { refuseFile, type ProjectFile } from "../project/index.ts";
import type { OperationContext } from "./operation.ts";
import { readPlace } from "./route.ts";

/** Such names, held by this process. */
export class HeldRoutes {
  readonly #stateFolder: string;
  readonly #file: ProjectFile;
  readonly #force: boolean;
  #routes: Route[] = [];

  constructor(stateFolder: string, file: ProjectFile, force: boolean) {
    this.#stateFolder = stateFolder;
    this.#file = file;
    this.#force = force;
  }

  /** `db-admin.localhost`, … */
  get names(): string[] {
    return this.#routes.map(routeName);
  }

  /** @throws ROUTE_TAKEN, GATEWAY_FAILED, STORE_FAILED */
  async take({ environment, signal, nowMs, workingDirectory }: OperationContext): Promise<void> {
    const { routes, shown } = this.#file;
    const identity = readProcessIdentity(process.pid) ?? null;
    for (const { name, target, position } of routes) {
      const route: Route = {
        ...readPlace(name),
        target: readTarget(target),
        strip: false,
        ownHost: false,
        holder: { pid: process.pid, identity, command: ["portolan", "up"], workingDirectory },
        ended: null,
        createdAtMs: nowMs(),
      };
      try {
        await keepRoute(this.#stateFolder, route, this.#force, signal);
      } catch (error) {
        if (!isPortolanError(error, "ROUTE_TAKEN")) throw error;
        const { message } = refuseFile(shown, position, error.message);
        throw new PortolanError("ROUTE_TAKEN", message, {
          details: { ...error.details, hint: "Give it another name in the file, or --force takes this one over." },
          cause: error,
        });
      }
      this.#routes.push(route);
    }
    if (routes.length === 0) return;
    await ensureGateway({ stateFolder: this.#stateFolder, words: [], environment, signal });
    await askGateway(this.#stateFolder, { do: "reload" });
  }

  /** Gives them back; one that somebody else has taken over meanwhile stays. */
  async giveBack(): Promise<void> {
    const routes = this.#routes;
    this.#routes = [];
    for (const route of routes) await endRoute(this.#stateFolder, route, null).catch(() => false);
    if (routes.length > 0) await askGateway(this.#stateFolder, { do: "reload" }).catch(() => null);
  }
}
