/**
 * @module A listening socket that can rest: whoever comes meanwhile waits in the kernel's queue, and is not refused.
 *
 * Node cannot stop accepting. Here its server is closed while a second descriptor of the same socket keeps that listening, and a new server
 * takes it over when it goes on. That second descriptor takes Linux and koffi; elsewhere it cannot rest, and says so.
 */
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { PortolanError, formatSocketAddress } from "../../core/index.ts";
import { descriptorOf, loadSocketCalls } from "../../host/index.ts";
import { mostWaitingBytes } from "../engine/connect-target.ts";
import type { RelayPlace } from "./relay-wish.ts";

/** What the listener tells. */
export interface ListenerHooks {
  /** Nothing was read of it. */
  readonly onConnection: (socket: Socket) => void;
  /** A connection could not be taken (accept(2)): no descriptor is left. */
  readonly onFailure: (error: Error) => void;
}

/** See the module. */
export class RestingListener {
  readonly address: string;
  readonly port: number;
  readonly #hooks: ListenerHooks;
  #server: Server | null;
  /** A second descriptor of the socket; -1 for none. */
  #spare = -1;

  private constructor(server: Server, hooks: ListenerHooks) {
    const { address, port } = server.address() as AddressInfo;
    this.address = address;
    this.port = port;
    this.#hooks = hooks;
    this.#server = server;
    this.#attach(server);
    this.#keepSpare(server);
  }

  /**
   * Listens. `::` takes IPv4 as well, and is `0.0.0.0` on a machine without IPv6.
   * @throws LISTEN_FAILED, whose `details.error` is the system's
   */
  static async open({ address, port }: RelayPlace, hooks: ListenerHooks): Promise<RestingListener> {
    try {
      return new RestingListener(await listen(address, port), hooks);
    } catch (error) {
      if (address === "::" && isMissingFamily(error)) {
        const server = await listen("0.0.0.0", port).catch((cause: unknown) =>
          Promise.reject(failed("0.0.0.0", port, cause)),
        );
        return new RestingListener(server, hooks);
      }
      throw failed(address, port, error);
    }
  }

  get resting(): boolean {
    return this.#server === null;
  }

  /** Takes no more connections from now on, not even in this turn of the loop. @returns whether it can */
  rest(): boolean {
    if (this.#server === null) return true;
    if (this.#spare < 0) return false;
    this.#server.close();
    this.#server = null;
    return true;
  }

  /** Takes them again, those that waited first. */
  goOn(): void {
    if (this.#server !== null || this.#spare < 0) return;
    const server = makeServer();
    this.#attach(server);
    server.listen({ fd: this.#spare, exclusive: true });
    this.#server = server;
    this.#spare = -1;
    this.#keepSpare(server);
  }

  /** Whoever waits is refused by the kernel. */
  close(): void {
    this.#server?.close();
    this.#server = null;
    if (this.#spare >= 0) loadSocketCalls()?.close(this.#spare);
    this.#spare = -1;
  }

  #keepSpare(server: Server): void {
    const descriptor = descriptorOf(server);
    this.#spare = descriptor === null ? -1 : (loadSocketCalls()?.duplicate(descriptor) ?? -1);
  }

  #attach(server: Server): void {
    server.on("connection", (socket: Socket) => {
      // Taken in the turn in which it was told to rest.
      this.#hooks.onConnection(socket);
    });
    server.on("error", (error) => this.#hooks.onFailure(error));
  }
}

function makeServer(): Server {
  const options = {
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 60_000,
    highWaterMark: mostWaitingBytes,
  };
  return createServer(options as Parameters<typeof createServer>[0] & object);
}

async function listen(host: string, port: number): Promise<Server> {
  const server = makeServer();
  server.listen({ host, port, exclusive: true });
  await once(server, "listening");
  return server;
}

function isMissingFamily(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}

/** The failure of a listening socket, for TCP and UDP. */
export function failed(address: string, port: number, cause: unknown, transport: "tcp" | "udp" = "tcp"): PortolanError {
  const error = (cause as NodeJS.ErrnoException).code ?? String(cause);
  const where = `${formatSocketAddress(address, port)}${transport === "udp" ? "/udp" : ""}`;
  return new PortolanError("LISTEN_FAILED", `${where} could not be opened (${error}).`, {
    details: { address, port, transport, error },
    cause,
  });
}
