/**
 * @module The gateway's process: doors, routes as they are kept, being asked, ending.
 */
import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { PortolanError, isPortolanError } from "../../core/index.ts";
import { descriptorOf } from "../../host/index.ts";
import { tryLock, waitForLock, type KernelLock } from "../../store/index.ts";
import { controlPath, gatewayLock, type GatewayStatus } from "../control-client.ts";
import type { GatewayWish } from "../gateway-wish.ts";
import { openCertificates, type CertificateSource } from "../certificates/open-certificates.ts";
import type { RouteProblem } from "../route-store.ts";
import { routesFolder } from "../routes-folder.ts";
import { openAccessLog } from "./access-log.ts";
import { listenForControl, type Control } from "./control-server.ts";
import { DescriptorRoom } from "./descriptor-room.ts";
import { Gateway } from "./gateway.ts";
import { noteForAddresses, openDoor, type OpenDoor } from "./listeners.ts";
import { createDoorMaker, type DoorMaker } from "./speakers.ts";
import { startSuccessor } from "./successor.ts";
import { countTraffic } from "./traffic.ts";
import { WatchedRoutes } from "./watched-routes.ts";

/** How a gateway is started. */
export interface ServeOptions extends GatewayWish {
  readonly version: string;
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

/**
 * Time between two looks at what may have changed without being told, milliseconds: folders that were removed or put back, a system that
 * watches no more folders (inotify(7)), what could not be read the last time.
 */
const lookMs = 1000;
/** Longest time until a gateway that did not come up has let go of the lock, milliseconds. */
const lockMs = 5000;

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
  #lock: KernelLock | null;
  readonly #gateway: Gateway;
  readonly #sockets = new Set<Socket>();
  readonly #startedAtMs: number;
  readonly #routes: WatchedRoutes;
  #doors: OpenDoor[] = [];
  #maker: DoorMaker | undefined;
  #certificates: CertificateSource | undefined;
  #withoutCertificates: string | undefined;
  #control: Control | undefined;
  #looking: NodeJS.Timeout | undefined;
  readonly #room = new DescriptorRoom();
  #replacing = false;
  #closing: Promise<void> | undefined;
  #finish!: () => void;
  #endLog: (() => Promise<void>) | undefined;

  constructor(options: ServeOptions, lock: KernelLock) {
    this.#options = options;
    this.#lock = lock;
    this.#startedAtMs = options.nowMs();
    this.#gateway = new Gateway({
      routes: () => this.#routes.table,
      pseudonym: `portolan-${randomBytes(6).toString("hex")}`,
      nowMs: options.nowMs,
    });
    this.#routes = new WatchedRoutes(options.stateFolder, (routes) =>
      this.#gateway.upstreams.keepOnly(routes.map(({ target }) => target)),
    );
    this.ended = new Promise((resolve) => (this.#finish = resolve));
  }

  async open(): Promise<void> {
    const { stateFolder, signal, accessLog } = this.#options;
    makeFolder(routesFolder(stateFolder));
    this.#routes.reload();
    this.#looking = setInterval(() => void this.#lookAround(), lookMs).unref();
    if (accessLog !== null) this.#endLog = await openAccessLog(accessLog, this.#gateway.traces);
    const { httpPort, httpsPort, addresses, inherited } = this.#options;
    const maker = await createDoorMaker(this.#gateway, await this.#openCertificates());
    this.#maker = maker;
    for (const [scheme, port] of [["http", httpPort] as const, ["https", httpsPort] as const]) {
      if (port === false || (scheme === "https" && this.#certificates === undefined)) {
        // A door that nobody serves is shut: who came to it would wait for ever.
        for (const descriptor of inherited[scheme]) closeSync(descriptor);
        continue;
      }
      const wish = { scheme, port, addresses, inherited: inherited[scheme] };
      this.#doors.push(await openDoor(wish, () => this.#counted(maker.open(scheme), scheme)));
    }
    await this.#startControl();
    if (signal.aborted) await this.close(0);
    else signal.addEventListener("abort", () => void this.close(0), { once: true });
  }

  readonly status = (): GatewayStatus => ({
    pid: process.pid,
    version: this.#options.version,
    startedAtMs: this.#startedAtMs,
    listeners: this.#doors.map(({ scheme, addresses, port }) => ({ scheme, addresses, port })),
    secureNames: this.#certificates?.authority.names ?? [],
    words: this.#options.words,
    notes: [
      ...this.#doors.flatMap(({ note }) => (note === null ? [] : [note])),
      ...[noteForAddresses(this.#doors)].filter((note) => note !== null),
      ...(this.#certificates?.notes ?? []),
      ...(this.#withoutCertificates === undefined ? [] : [this.#withoutCertificates]),
      ...(this.#room.refused === 0 ? [] : [noteForRefusals(this.#room.refused)]),
    ],
    requests: this.#gateway.requests,
    openConnections: this.#sockets.size,
    residentBytes: process.memoryUsage.rss(),
  });

  readonly problems = (): readonly RouteProblem[] => this.#routes.problems;

  /** Without certificates there is no HTTPS; names lead to applications all the same. */
  async #openCertificates(): Promise<CertificateSource | undefined> {
    const { stateFolder, nowMs, extraNames, httpsPort } = this.#options;
    if (httpsPort === false) return undefined;
    const mayHave = (name: string): boolean => this.#routes.table.find(name, "/") !== undefined;
    try {
      this.#certificates = await openCertificates({ stateFolder, nowMs, extraNames, mayHave });
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      this.#withoutCertificates = `No HTTPS: ${error.message}`;
    }
    return this.#certificates;
  }

  /** Makes good what was not told. Whatever fails is tried again the next time. */
  async #lookAround(): Promise<void> {
    this.#routes.look();
    if (this.#closing !== undefined || this.#replacing) return;
    this.#lock ??= await tryLock(gatewayLock(this.#options.stateFolder));
    if (this.#control?.isInPlace() !== false) return;
    try {
      const lost = this.#control;
      await this.#startControl();
      lost.close();
    } catch {
      // The folder cannot be written now.
    }
  }

  #counted(server: Server, scheme: "http" | "https"): Server {
    this.#room.guard(server, scheme === "https");
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    // With no descriptor left at all libuv closes the connection unanswered, and Node tells of it here.
    server.on("error", () => undefined);
    return server;
  }

  /** Lets a new version take the doors; what is open here stays until it closes, or for so long. */
  async #replace(command: readonly string[], drainMs: number): Promise<object> {
    const descriptors = this.#doors.map(({ scheme, servers }) => ({
      scheme,
      descriptors: servers.map((server) => descriptorOf(server) ?? -1),
    }));
    if (this.#replacing || this.#closing !== undefined) throw new Error("a new one is taking over already");
    this.#replacing = true;
    const { stateFolder } = this.#options;
    // Nobody who finds the gateway's lock free starts one meanwhile: it is the successor's.
    const start = await waitForLock(`${gatewayLock(stateFolder)}/start`, lockMs);
    this.#lock?.release();
    this.#lock = null;
    try {
      const pid = await startSuccessor(command, descriptors);
      // The answer goes first.
      setImmediate(() => void this.close(drainMs));
      return { pid };
    } catch (error) {
      this.#lock = await waitForLock(gatewayLock(stateFolder), lockMs).catch(() => null);
      throw error;
    } finally {
      start.release();
      this.#replacing = false;
    }
  }

  async #startControl(): Promise<void> {
    this.#control = await listenForControl(controlPath(this.#options.stateFolder), {
      status: this.status,
      reload: () => this.#routes.reload(),
      stop: (drainMs) => {
        if (this.#replacing) throw new Error("a new one is taking over; ask again");
        return () => void this.close(drainMs);
      },
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
    this.#control?.close();
    const servers = this.#doors.flatMap((door) => door.servers);
    const closed = Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
    this.#maker?.drain();
    this.#lock?.release();
    if (drainMs > 0 && this.#sockets.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise((resolve) => {
        if (drainMs < 2 ** 31) timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([this.#untilEmpty(), waited]);
      clearTimeout(timer);
    }
    clearInterval(this.#looking);
    this.#routes.close();
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

/** @throws STORE_FAILED */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new PortolanError("STORE_FAILED", `${path} could not be made (${why}).`, { details: { path }, cause });
  }
}

function noteForRefusals(count: number): string {
  return `${count} connections were refused: so many were open that no more file descriptors could be had (ulimit -n).`;
}
