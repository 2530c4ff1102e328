/**
 * @module The tries of a diagnosis: each address of what was named, one after the other, until one answers.
 */
import { isListening, isLoopbackAddress, isPortolanError, knownOr } from "../core/index.ts";
import type { NetworkInterface } from "../host/index.ts";
import { listensAt, type Asked, type Attempt, type Exchange, type SeenService } from "../plan/index.ts";
import { identifyEndpoint, tryDoor, type DoorOutcome } from "../scan/index.ts";
import type { OperationContext } from "./operation.ts";

/** What is tried. */
export interface AttemptWish {
  readonly asked: Asked;
  readonly addresses: readonly { readonly address: string; readonly zone: string | null; readonly scopeId: number }[];
  readonly interfaces: readonly NetworkInterface[];
  readonly services: readonly SeenService[];
  /** True when a service's processes are all stopped, so that nothing is to be waited for. */
  readonly isStopped: (service: SeenService) => boolean;
  readonly trusted: () => readonly string[];
  /** Whether a certificate's issuer is the user's own authority. */
  readonly isOwnAuthority: (issuer: string) => boolean;
  readonly timeoutMs: number;
}

/** Protocols by the schemes of their URLs, where the two words differ. */
const protocolsOfSchemes: Readonly<Record<string, string>> = {
  postgres: "postgresql",
  rediss: "redis",
  mariadb: "mysql",
  "mongodb+srv": "mongodb",
  amqps: "amqp",
  mqtts: "mqtt",
  ldaps: "ldap",
  imaps: "imap",
};

/** How often a connection that waits in the queue is looked at again, milliseconds. */
const lookAgainMs = 50;

/** Tries them. */
export async function tryAddresses(wish: AttemptWish, context: OperationContext): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let answered = false;
  for (const place of wish.addresses) {
    if (context.signal.aborted) break;
    const attempt: Attempt =
      wish.asked.transport === "udp"
        ? await tryUdp(wish, place, context)
        : await tryTcp(wish, place, context, answered);
    attempts.push(attempt);
    answered ||= attempt.exchange?.answered === true;
  }
  return attempts;
}

/** Whether an address is this machine's. */
export function isOwnAddress(address: string, interfaces: readonly NetworkInterface[]): boolean {
  return (
    isLoopbackAddress(address) || interfaces.some(({ addresses }) => addresses.some((one) => one.address === address))
  );
}

type Place = AttemptWish["addresses"][number];

async function tryUdp(wish: AttemptWish, { address, scopeId }: Place, context: OperationContext): Promise<Attempt> {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const startedMs = context.nowMs();
  const answer = await identifyEndpoint({ family, address, scopeId, name: null }, "udp", wish.asked.port, {
    signal: context.signal,
    nowMs: context.nowMs,
  });
  const outcome = answer.state === "open" ? "open" : answer.state === "closed" ? "ECONNREFUSED" : "SILENT";
  const layers = answer.identification?.layers ?? [];
  return {
    address,
    family,
    own: isOwnAddress(address, wish.interfaces),
    outcome,
    elapsedMs: context.nowMs() - startedMs,
    queue: null,
    exchange: outcome === "open" ? { ...nothing, spoke: "probe", answered: true, identified: layers } : null,
  };
}

const nothing = {
  status: null,
  bodyStart: null,
  failure: null,
  certificate: null,
  identified: null,
  waitedInQueue: null,
} as const;

async function tryTcp(wish: AttemptWish, place: Place, context: OperationContext, answered: boolean): Promise<Attempt> {
  const { asked, services, interfaces, timeoutMs } = wish;
  const { address, zone } = place;
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const own = isOwnAddress(address, interfaces);
  const listeners = services.filter(
    ({ port, transport, sockets }) =>
      transport === "tcp" && port === asked.port && sockets.some((socket) => listensAt(socket, address) !== "no"),
  );
  const stopped = listeners.some(wish.isStopped);
  const speak = stopped || answered ? "none" : speechOf(asked);
  const view = new QueueView(address, asked.port, own, context);
  const tried = await tryDoor({
    address,
    zone,
    port: asked.port,
    speak: speak === "probe" ? "none" : speak,
    host: asked.host ?? "localhost",
    path: asked.path,
    trusted: speak === "https" ? wish.trusted() : [],
    // One retransmission of the kernel's, after a second (RFC 6298, section 2).
    connectTimeoutMs: Math.min(timeoutMs, own ? 1500 : 3500),
    answerTimeoutMs: timeoutMs,
    signal: context.signal,
    look: async (localPort, reason) => {
      if (reason !== "connected") await view.look(localPort);
      else if (speak === "probe") await view.untilTaken(localPort, timeoutMs);
    },
  });
  let exchange: Exchange | null = null;
  if (tried.outcome === "open" && speak === "probe") exchange = await probe(wish, place, view, context);
  else if (tried.said !== null) exchange = await completeExchange(wish, place, tried, view, context);
  return { address, family, own, outcome: tried.outcome, elapsedMs: tried.elapsedMs, queue: view.queue, exchange };
}

function speechOf({ scheme }: Asked): "http" | "https" | "probe" {
  if (scheme === "http" || scheme === "ws") return "http";
  return scheme === "https" || scheme === "wss" ? "https" : "probe";
}

async function completeExchange(
  wish: AttemptWish,
  place: Place,
  { said }: DoorOutcome,
  view: QueueView,
  context: OperationContext,
): Promise<Exchange> {
  const { certificate, ...rest } = said!;
  const secure = speechOf(wish.asked) === "https";
  // What failed by its words is asked what it is; who says nothing at all is not.
  const ask = !rest.answered && rest.failure !== "SILENT" && certificate === null;
  return {
    ...rest,
    spoke: secure ? "https" : "http",
    certificate:
      certificate === null ? null : { ...certificate, ownAuthority: wish.isOwnAuthority(certificate.issuer) },
    identified: ask ? await identify(wish, place, context) : null,
    waitedInQueue: rest.failure === "SILENT" ? view.waits : null,
  };
}

async function probe(wish: AttemptWish, place: Place, view: QueueView, context: OperationContext): Promise<Exchange> {
  if (view.waits === true)
    return { ...nothing, spoke: "probe", answered: false, failure: "SILENT", waitedInQueue: true };
  const identified = await identify(wish, place, context);
  const wanted = wish.asked.scheme === null ? null : (protocolsOfSchemes[wish.asked.scheme] ?? wish.asked.scheme);
  const known = identified.length > 0 && wanted !== null && wanted !== "tcp";
  const answered = !known || identified.some(({ protocol }) => protocol === wanted);
  return { ...nothing, spoke: "probe", answered, identified };
}

async function identify(
  { asked, timeoutMs }: AttemptWish,
  { address, scopeId }: Place,
  context: OperationContext,
): Promise<{ protocol: string; title: string }[]> {
  const family = address.includes(":") ? "ipv6" : "ipv4";
  const name = asked.hostKind === "name" ? asked.host : null;
  const { identification } = await identifyEndpoint({ family, address, scopeId, name }, "tcp", asked.port, {
    signal: AbortSignal.any([context.signal, AbortSignal.timeout(timeoutMs + 2000)]),
    nowMs: context.nowMs,
  });
  return (identification?.layers ?? []).map(({ protocol, title }) => ({ protocol, title }));
}

/** The kernel's view of the queue before the listener. Other machines' queues nobody sees. */
class QueueView {
  queue: Attempt["queue"] = null;
  /** Whether the own connection was still to be accepted at the last look. */
  waits: boolean | null = null;
  readonly #address: string;
  readonly #port: number;
  readonly #own: boolean;
  readonly #context: OperationContext;

  constructor(address: string, port: number, own: boolean, context: OperationContext) {
    this.#address = address;
    this.#port = port;
    this.#own = own;
    this.#context = context;
  }

  async look(localPort: number | null): Promise<void> {
    if (!this.#own) return;
    try {
      const { host, signal } = this.#context;
      const { sockets } = await host.snapshot({ states: "all", ports: [this.#port], holders: "none", signal });
      const listener = sockets.find(
        (socket) => isListening(socket) && socket.transport === "tcp" && listensAt(socket, this.#address) !== "no",
      );
      this.queue =
        listener === undefined ? null : { waiting: listener.receiveQueue, most: knownOr(listener.sendQueue, null) };
      // A connection that nobody has accepted belongs to no process yet, and has no inode (inet_sk_diag_fill, sock_i_ino).
      const other = sockets.find(
        ({ local, remote, state }) =>
          state === "ESTABLISHED" && local.port === this.#port && remote?.port === localPort,
      );
      this.waits = localPort === null || other === undefined ? null : other.inode === 0;
    } catch (error) {
      if (!isPortolanError(error)) throw error;
      this.waits = null;
    }
  }

  /** Looks until the connection was accepted, or the time is over. */
  async untilTaken(localPort: number | null, timeoutMs: number): Promise<void> {
    const deadline = this.#context.nowMs() + timeoutMs;
    for (;;) {
      await this.look(localPort);
      if (this.waits !== true || this.#context.nowMs() >= deadline || this.#context.signal.aborted) return;
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    }
  }
}
