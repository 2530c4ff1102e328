/**
 * @module A relay of TCP: takes connections at one place, lets a {@link Chooser} say where each goes, and joins it to that server.
 */
import type { Socket } from "node:net";
import { formatSocketAddress } from "../../core/index.ts";
import { writeProxyHeader, type ProxyEndpoints } from "../../protocols/index.ts";
import { TargetConnector } from "../engine/connect-target.ts";
import { joinSockets, type Joined } from "../engine/join.ts";
import { plainAddress } from "../engine/plain-address.ts";
import { resetSocket } from "../engine/reset.ts";
import { readFirstBytes, type FirstBytes } from "./first-bytes.ts";
import { RelayTally, formatRelayTarget, type RelayCounts, type TargetTally } from "./relay-counts.ts";
import { wayBack, wayOf, type Passage, type RelayHub } from "./relay-hub.ts";
import type { Chooser, RelayPlace, RelayReason, RelayTarget, RelayWish } from "./relay-wish.ts";
import { RestingListener } from "./resting-listener.ts";
import type { RunningRelay } from "./running-relay.ts";

/**
 * Listens, and relays until it is closed.
 * @param chooser where connections go; a forward's is {@link forwardChooser}
 * @param hub what all relays of this process share
 * @throws LISTEN_FAILED, whose `details.error` is the system's
 */
export async function startTcpRelay(wish: RelayWish, chooser: Chooser, hub: RelayHub): Promise<RunningRelay> {
  const relay = new TcpRelay(wish, chooser, hub);
  await relay.open();
  return relay;
}

class TcpRelay implements RunningRelay {
  readonly wish: RelayWish;
  readonly chooser: Chooser;
  readonly hub: RelayHub;
  readonly tally = new RelayTally();
  readonly connections = new Set<Connection>();
  readonly #connectors = new Map<string, TargetConnector>();
  #listener!: RestingListener;
  #leaveHub: (() => void) | undefined;
  #closing: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(wish: RelayWish, chooser: Chooser, hub: RelayHub) {
    this.wish = wish;
    this.chooser = chooser;
    this.hub = hub;
  }

  async open(): Promise<void> {
    this.#listener = await RestingListener.open(this.wish.listen, {
      onConnection: (socket) => this.#take(socket),
      onFailure: () => {
        this.tally.total += 1;
        this.tally.refused += 1;
        this.hub.exhaust();
      },
    });
    this.#leaveHub = this.hub.add({
      port: this.#listener.port,
      rest: () => void this.#listener.rest(),
      goOn: () => this.#goOn(),
    });
  }

  get place(): RelayPlace {
    const { address, port } = this.#listener;
    return { transport: "tcp", address, port: port as RelayPlace["port"] };
  }

  counts(): RelayCounts {
    return this.tally.read([...this.connections].flatMap((connection) => connection.count() ?? []));
  }

  connectorOf(target: RelayTarget): TargetConnector {
    const key = formatRelayTarget(target);
    let connector = this.#connectors.get(key);
    if (connector === undefined)
      this.#connectors.set(key, (connector = new TargetConnector({ protocol: "http", ...target })));
    return connector;
  }

  #take(socket: Socket): void {
    const { tally, hub, wish } = this;
    tally.total += 1;
    const isLast = hub.isLast(socket);
    // Only where the listener cannot rest does anybody come who is too many.
    if (this.connections.size >= wish.mostConnections)
      return new Connection(this, socket).refuse("too many connections");
    if (hub.exhausted && isLast) return new Connection(this, socket).refuse("EMFILE");
    if (isLast) hub.exhaust();
    const connection = new Connection(this, socket);
    this.connections.add(connection);
    tally.open += 1;
    if (this.connections.size >= wish.mostConnections) this.#listener.rest();
    connection.begin();
  }

  leave(connection: Connection): void {
    this.connections.delete(connection);
    this.tally.open -= 1;
    if (this.#listener.resting) this.#goOn();
    this.hub.released();
    if (this.connections.size === 0) this.#onEmpty?.();
  }

  #goOn(): void {
    if (this.#closing !== undefined || this.hub.exhausted) return;
    if (this.connections.size < this.wish.mostConnections) this.#listener.goOn();
  }

  close({ drainMs }: { readonly drainMs: number }): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  async #close(drainMs: number): Promise<void> {
    this.#leaveHub?.();
    this.#listener.close();
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      if (this.connections.size === 0) resolve();
    });
    if (drainMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      const waited = new Promise<void>((resolve) => {
        if (drainMs < 2 ** 31) timer = setTimeout(resolve, drainMs);
      });
      await Promise.race([empty, waited]);
      clearTimeout(timer);
    }
    for (const connection of this.connections) connection.stop();
    await empty;
  }
}

const noReason: RelayReason = { protocol: null, name: null, alpn: [], rule: "none" };

/** One client, from its coming to the end of both connections. */
class Connection {
  readonly #relay: TcpRelay;
  readonly #client: Socket;
  readonly #startedMs = performance.now();
  readonly #atMs: number;
  readonly #from: string;
  #toldFrom: string | null = null;
  #reason: RelayReason = noReason;
  #tally: TargetTally | undefined;
  #server: Socket | undefined;
  #joined: Joined | undefined;
  #cancel: (() => void) | undefined;
  /** Bytes that were read of the client before both were joined. */
  #firstBytes = 0;
  #failure: string | null = null;
  /** As what it was ended from here. */
  #endedAs: "refused" | "failed" | null | undefined;
  readonly #clientWay: string;
  #serverWay: string | null = null;
  readonly #passage: Passage;
  /** It was let in. */
  #isIn = false;
  #over = false;

  constructor(relay: TcpRelay, client: Socket) {
    this.#relay = relay;
    this.#client = client;
    this.#atMs = relay.hub.nowMs();
    this.#clientWay = wayOf(client);
    this.#passage = { relay, before: null, onLoop: () => this.#end("loop", "refused") };
    this.#from = formatSocketAddress(plainAddress(client.remoteAddress ?? ""), client.remotePort ?? 0);
  }

  /** There is no room for it. */
  refuse(why: string): void {
    this.#end(why, "refused");
  }

  begin(): void {
    this.#isIn = true;
    const { wish, chooser, hub } = this.#relay;
    // Told by whoever reads it at the time; without a listener it would end the process.
    this.#client.on("error", ignore);
    hub.came(this.#clientWay, this.#passage);
    if (this.#over) return;
    readFirstBytes(this.#client, { chooser, acceptProxy: wish.acceptProxy, proxyMs: hub.proxyMs }, (first) =>
      this.#onFirst(first),
    );
  }

  count(): { readonly tally: TargetTally; readonly receivedBytes: number; readonly sentBytes: number } | null {
    if (this.#tally === undefined) return null;
    return {
      tally: this.#tally,
      receivedBytes: this.#joined?.receivedBytes ?? 0,
      sentBytes: this.#firstBytes + (this.#joined?.sentBytes ?? 0),
    };
  }

  stop(): void {
    this.#end("stopped", null);
  }

  #onFirst(first: FirstBytes): void {
    if (this.#over) return;
    if (first.kind === "refused") return this.#end(first.why, "refused");
    if (first.kind === "gone") return this.#end(first.why, "failed");
    const { choice, bytes, endpoints } = first;
    this.#reason = choice.reason;
    if (endpoints !== null) this.#toldFrom = formatSocketAddress(endpoints.source.address, endpoints.source.port);
    if (choice.kind === "close") return this.#end("nothing fits", "refused");
    const { target, sendProxy } = choice;
    const tally = this.#relay.tally.of(target);
    if (tally.open >= this.#relay.wish.mostToTarget)
      return this.#end(`too many connections to ${tally.target}`, "refused");
    tally.open += 1;
    tally.total += 1;
    this.#tally = tally;
    this.#cancel = this.#relay.connectorOf(target).connect((error, server) => {
      this.#cancel = undefined;
      if (this.#over) this.#leave(server);
      else if (server === null) this.#end(codeOf(error), "failed");
      else this.#join(server, bytes, sendProxy, endpoints);
    });
  }

  #join(server: Socket, bytes: Buffer, sendProxy: 1 | 2 | null, endpoints: ProxyEndpoints | null): void {
    const client = this.#client;
    this.#server = server;
    // It is this process's from now on to end it, in one direction alone as well.
    server.allowHalfOpen = true;
    this.#serverWay = wayBack(server);
    this.#relay.hub.went(this.#serverWay, server.remotePort ?? 0, this.#passage);
    if (this.#over) return;
    if (client.destroyed) return this.#end("ECONNRESET", "failed");
    server.cork();
    if (sendProxy !== null) server.write(writeProxyHeader(sendProxy, endpoints ?? endpointsOf(client)));
    if (bytes.length > 0) server.write(bytes);
    this.#firstBytes = bytes.length;
    server.uncork();
    this.#joined = joinSockets(client, server, {
      idleMs: this.#relay.wish.idleMs,
      onDone: (failure) => this.#onDone(failure),
    });
  }

  /** A server was reached for whoever is gone. */
  #leave(server: Socket | null): void {
    if (server === null) return;
    const way = wayBack(server);
    this.#relay.hub.went(way, server.remotePort ?? 0, this.#passage);
    this.#relay.hub.forget(null, way);
    resetSocket(server.on("error", ignore));
  }

  #onDone(failure: "idle" | Error | null): void {
    if (failure !== null) this.#failure ??= failure === "idle" ? "idle" : codeOf(failure);
    this.#finish(this.#endedAs === undefined ? (failure instanceof Error ? "failed" : null) : this.#endedAs);
  }

  /** Resets what there is of both connections: nothing that was cut off may look whole. */
  #end(why: string, as: "refused" | "failed" | null): void {
    if (this.#over) return;
    const { hub } = this.#relay;
    this.#failure ??= why;
    this.#endedAs ??= as;
    // One that leads to a relay of this process comes there, and must be known then.
    if (this.#tally === undefined || !hub.isOwn(this.#tally.port)) this.#cancel?.();
    // Two that are joined tell by themselves when both are closed.
    if (this.#joined !== undefined) return this.#joined.reset();
    for (const socket of [this.#client, this.#server])
      if (socket !== undefined) resetSocket(socket.on("error", ignore));
    this.#finish(as);
  }

  #finish(as: "refused" | "failed" | null): void {
    if (this.#over) return;
    this.#over = true;
    const { hub, wish, tally: counts, place } = this.#relay;
    if (as !== null) counts[as] += 1;
    const { receivedBytes = 0, sentBytes = 0 } = this.count() ?? {};
    const tally = this.#tally;
    if (tally !== undefined) {
      tally.open -= 1;
      tally.receivedBytes += receivedBytes;
      tally.sentBytes += sentBytes;
    }
    hub.forget(this.#clientWay, this.#serverWay);
    if (this.#isIn) this.#relay.leave(this);
    if (!hub.wanted) return;
    hub.tell({
      atMs: this.#atMs,
      kind: wish.kind,
      transport: "tcp",
      listen: formatSocketAddress(place.address, place.port),
      client: this.#toldFrom ?? this.#from,
      reason: this.#reason,
      target: tally?.target ?? null,
      pid: process.pid,
      elapsedMs: performance.now() - this.#startedMs,
      receivedBytes,
      sentBytes,
      failure: this.#failure,
    });
  }
}

function ignore(): void {
  // Whoever ended it knows.
}

function codeOf(error: Error | null): string {
  return (error as NodeJS.ErrnoException | null)?.code ?? error?.message ?? "failed";
}

function endpointsOf({ remoteAddress, remotePort = 0, localAddress, localPort = 0 }: Socket): ProxyEndpoints | null {
  if (remoteAddress === undefined || localAddress === undefined) return null;
  return {
    source: { address: remoteAddress, port: remotePort },
    destination: { address: localAddress, port: localPort },
  };
}
