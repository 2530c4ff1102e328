/**
 * @module The routes as their files are now: read when the folder tells of a change, when somebody says so, and when a look finds one that
 * nobody told.
 */
import { statSync, watch, type FSWatcher } from "node:fs";
import { isPortolanError } from "../../core/index.ts";
import type { Route } from "../route.ts";
import { readRoutes, type RouteProblem } from "../route-store.ts";
import { RouteTable } from "../route-table.ts";
import { routesFolder } from "../routes-folder.ts";

/** Longest time between a change of the routes that was not told and its effect, milliseconds. */
const settleMs = 20;
/** Two changes of a folder that are no further apart can have the same time, milliseconds: the kernel takes it once a tick. */
const clockStepMs = 20;

/** Routes that follow their folder. */
export class WatchedRoutes {
  table = new RouteTable([]);
  problems: readonly RouteProblem[] = [];
  readonly #stateFolder: string;
  readonly #onRead: (routes: readonly Route[]) => void;
  #watcher: FSWatcher | undefined;
  #reloading: NodeJS.Timeout | undefined;
  /** The folder of the routes as it was when they were read; `null` when they could not be, or it was changed in that moment. */
  #seen: FolderState | null = null;
  /** Which folder is watched; empty for none. */
  #watched = "";

  /** @param onRead gets the routes each time they were read */
  constructor(stateFolder: string, onRead: (routes: readonly Route[]) => void) {
    this.#stateFolder = stateFolder;
    this.#onRead = onRead;
  }

  /** Reads the routes anew. What cannot be read leaves them as they were. */
  reload(): void {
    clearTimeout(this.#reloading);
    this.#reloading = undefined;
    const seen = stateOfFolder(routesFolder(this.#stateFolder));
    this.#seen = null;
    if (seen.identity !== this.#watched) this.#watch();
    try {
      const { routes, problems } = readRoutes(this.#stateFolder);
      this.table = new RouteTable(routes);
      this.problems = problems;
      if (seen.changedMs + clockStepMs < Date.now()) this.#seen = seen;
      this.#onRead(routes);
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      this.problems = [{ path: routesFolder(this.#stateFolder), reason: error.message }];
    }
  }

  /** Looks whether anything has changed, or could not be read the last time. */
  look(): void {
    const before = this.#seen;
    const now = stateOfFolder(routesFolder(this.#stateFolder));
    if (before === null || now.identity !== before.identity || now.changedMs !== before.changedMs) this.reload();
  }

  close(): void {
    this.#watcher?.close();
    clearTimeout(this.#reloading);
  }

  /** Watches the folder that is there now. */
  #watch(): void {
    this.#watcher?.close();
    this.#watched = "";
    try {
      this.#watched = stateOfFolder(routesFolder(this.#stateFolder)).identity;
      this.#watcher = watch(routesFolder(this.#stateFolder), () => {
        this.#reloading ??= setTimeout(() => this.reload(), settleMs);
      });
      this.#watcher.on("error", () => undefined);
    } catch {
      // It is looked at from time to time all the same.
      this.#watcher = undefined;
      this.#watched = "";
    }
  }
}

/** What tells a folder from another one at its place, and whether something in it was put there, replaced or removed. */
interface FolderState {
  /** Empty when there is none. */
  readonly identity: string;
  readonly changedMs: number;
}

function stateOfFolder(path: string): FolderState {
  try {
    const { dev, ino, mtimeMs } = statSync(path);
    return { identity: `${dev}:${ino}`, changedMs: mtimeMs };
  } catch {
    return { identity: "", changedMs: 0 };
  }
}
