/**
 * @module The gateway's process: doors, routes as they are kept, being asked, ending.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, watch, type FSWatcher } from "node:fs";
import type { Server, Socket } from "node:net";
import { PortolanError, isPortolanError } from "../../core/index.ts";
import { descriptorOf } from "../../host/index.ts";
import { tryLock, type KernelLock } from "../../store/index.ts";
import { controlPath, gatewayLock, type GatewayStatus } from "../control-client.ts";
import { readRoutes, type RouteProblem } from "../route-store.ts";
import { routesFolder } from "../routes-folder.ts";
import { RouteTable } from "../route-table.ts";
import { openAccessLog } from "./access-log.ts";
import { listenForControl, type Control } from "./control-server.ts";
import { Gateway } from "./gateway.ts";
import { openDoor, type OpenDoor } from "./listeners.ts";
import { createPlainServer } from "./plain-server.ts";
import { startSuccessor } from "./successor.ts";
import { countTraffic } from "./traffic.ts";

/** How a gateway is started. */
export interface ServeOptions {
  readonly stateFolder: string;
  readonly version: string;
  readonly httpPort: number | null;
  readonly addresses: readonly string[] | null;
  /** File to which each request is written as a line of JSON; `null` for none. */
  readonly accessLog: string | null;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** Descriptors that listen already, by scheme. */
  readonly inherited: { readonly http: readonly number[]; readonly https: readonly number[] };
}

/** A gateway that serves. */
export interface RunningGateway {
  readonly status: () => GatewayStatus;
  readonly problems: () => readonly RouteProblem[];
  /** Settles when it has ended, by the signal or because it was asked to. */
  readonly ended: Promise<void>;
}

/** Longest time between a change of the routes that was not told and its effect, milliseconds. */
const settleMs = 20;

/**
 * Opens the doors.
 * @throws GATEWAY_FAILED when one runs already; LISTEN_FAILED
 */
export async function serveGateway(options: ServeOptions): Promise<RunningGateway> {
  const lock = await takeLock(options.stateFolder);
  let opened: GatewayProcess | undefined;
  try {
    opened = new GatewayProcess(options, lock);
    await opened.open();
    return opened;
  } catch (error) {
    await opened?.close(0);
    lock.release();
    throw error;
  }
}

async function takeLock(stateFolder: string): Promise<KernelLock> {
  const lock = await tryLock(gatewayLock(stateFolder));
  if (lock !== null) return lock;
  throw new PortolanError("GATEWAY_FAILED", "A gateway runs already.", {
    details: { hint: "portolan gateway status tells where; portolan gateway stop ends it." },
  });
}

class GatewayProcess implements RunningGateway {
  readonly ended: Promise<void>;
  readonly #options: ServeOptions;
  #lock: KernelLock;
  readonly #gateway: Gateway;
  readonly #sockets = new Set<Socket>();
  readonly #startedAtMs: number;
  #table = new RouteTable([]);
  #problems: readonly RouteProblem[] = [];
  #doors: OpenDoor[] = [];
  #control: Control | undefined;
  #watcher: FSWatcher | undefined;
  #reloading: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;
  #finish!: () => void;
  #endLog: (() => Promise<void>) | undefined;

  constructor(options: ServeOptions, lock: KernelLock) {
    this.#options = options;
    this.#lock = lock;
    this.#startedAtMs = options.nowMs();
    this.#gateway = new Gateway({
      routes: () => this.#table,
      pseudonym: `portolan-${randomBytes(6).toString("hex")}`,
      nowMs: options.nowMs,
    });
    this.ended = new Promise((resolve) => (this.#finish = resolve));
  }

  async open(): Promise<void> {
    const { stateFolder, signal, accessLog } = this.#options;
    mkdirSync(routesFolder(stateFolder), { recursive: true, mode: 0o700 });
    this.reload();
    this.#watcher = watch(routesFolder(stateFolder), () => {
      this.#reloading ??= setTimeout(() => this.reload(), settleMs);
    });
    this.#watcher.on("error", () => undefined);
    if (accessLog !== null) this.#endLog = await openAccessLog(accessLog, this.#gateway.traces);
    const { httpPort: port, addresses, inherited } = this.#options;
    this.#doors.push(
      await openDoor({ scheme: "http", port, addresses, inherited: inherited.http }, () =>
        this.#counted(createPlainServer(this.#gateway, "http")),
      ),
    );
    await this.#startControl();
    if (signal.aborted) await this.close(0);
    else signal.addEventListener("abort", () => void this.close(0), { once: true });
  }

  readonly status = (): GatewayStatus => ({
    pid: process.pid,
    version: this.#options.version,
    startedAtMs: this.#startedAtMs,
    listeners: this.#doors.map(({ scheme, addresses, port }) => ({ scheme, addresses, port })),
    notes: this.#doors.flatMap(({ note }) => (note === null ? [] : [note])),
    requests: this.#gateway.requests,
    openConnections: this.#sockets.size,
    residentBytes: process.memoryUsage.rss(),
  });

  readonly problems = (): readonly RouteProblem[] => this.#problems;

  /** Reads the routes anew. What cannot be read leaves them as they were. */
  reload(): void {
    clearTimeout(this.#reloading);
    this.#reloading = undefined;
    try {
      const { routes, problems } = readRoutes(this.#options.stateFolder);
      this.#table = new RouteTable(routes);
      this.#problems = problems;
      this.#gateway.upstreams.keepOnly(routes.map(({ target }) => target));
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      this.#problems = [{ path: routesFolder(this.#options.stateFolder), reason: error.message }];
    }
  }

  #counted(server: Server): Server {
    server.on("connection", (socket: Socket) => {
      if (this.#sockets.has(socket)) return;
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // Without descriptors left a connection waits in the kernel's queue until there is one.
    server.on("error", () => undefined);
    return server;
  }

  /** Lets a new version take the doors; what is open here stays until it closes, or for so long. */
  async #replace(command: readonly string[], drainMs: number): Promise<object> {
    const descriptors = this.#doors.map(({ scheme, servers }) => ({
      scheme,
      descriptors: servers.map((server) => descriptorOf(server) ?? -1),
    }));
    // The successor takes the lock and the control socket, so that they must be free.
    const asked = this.#control;
    asked?.stopListening();
    this.#lock.release();
    try {
      const pid = await startSuccessor(command, descriptors);
      // The answer goes first.
      setImmediate(() => void this.close(drainMs));
      return { pid };
    } catch (error) {
      this.#lock = await takeLock(this.#options.stateFolder);
      await this.#startControl();
      setImmediate(() => asked?.close());
      throw error;
    }
  }

  async #startControl(): Promise<void> {
    this.#control = await listenForControl(controlPath(this.#options.stateFolder), {
      status: this.status,
      reload: () => this.reload(),
      stop: (drainMs) => void this.close(drainMs),
      replace: (command, drainMs) => this.#replace(command, drainMs),
      trace: (tell) => this.#gateway.traces.listen(tell),
      traffic: (name, tell) => countTraffic(this.#gateway.traces, name, this.#options.nowMs, tell),
    });
  }

  /**
   * Ends: no new connections, then what is open may go on for so long.
   * @param drainMs 0 ends it at once; Infinity waits for every connection
   */
  close(drainMs: number): Promise<void> {
    this.#closing ??= this.#close(drainMs).finally(() => this.#finish());
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.#watcher?.close();
    clearTimeout(this.#reloading);
    this.#control?.close();
    const closed = Promise.all(
      this.#doors.flatMap(({ servers }) => servers.map((server) => new Promise((resolve) => server.close(resolve)))),
    );
    for (const { servers } of this.#doors)
      for (const server of servers) (server as { closeIdleConnections?: () => void }).closeIdleConnections?.();
    this.#lock.release();
    if (drainMs > 0 && this.#sockets.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise((resolve) => {
        if (drainMs < 2 ** 31) timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([this.#untilEmpty(), waited]);
      clearTimeout(timer);
    }
    for (const socket of this.#sockets) socket.destroy();
    await this.#gateway.upstreams.close();
    await closed;
    await this.#endLog?.();
  }

  #untilEmpty(): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#sockets.size === 0) resolve();
      };
      for (const socket of this.#sockets) socket.once("close", () => queueMicrotask(check));
      check();
    });
  }
}
