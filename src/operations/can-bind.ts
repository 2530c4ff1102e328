/**
 * @module `can-bind`: what the kernel would say if a program bound a port and listened there now. Nothing is bound.
 */
import * as v from "valibot";
import {
  PortolanError,
  formatSocketAddress,
  isPortolanError,
  knownOr,
  parseEndpoint,
  quote,
  type Port,
  type Socket,
} from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { ownAddresses, planBind, type BindVerdict, type BindWish, type Obstacle } from "../plan/index.ts";
import { portOfScheme, resolveServiceName } from "../registry/index.ts";
import { defineOperation } from "./define-operation.ts";
import { indexServices } from "./kill-targets.ts";
import { describeLook, describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalSwitch, requiredTexts } from "./parameters.ts";
import {
  knownSchema,
  listOf,
  lookEntries,
  portSchema,
  socketAddressSchema,
  socketStateSchema,
  type ListedService,
} from "./schemas.ts";
import { unknownService } from "./who.ts";

const inputSchema = v.object({
  endpoints: requiredTexts("3000, 127.0.0.1:3000, :::3000, localhost:3000, udp:53, [fe80::1%eth0]:80", {
    placeholder: "ENDPOINT",
  }),
  udp: optionalSwitch("For UDP, where the endpoint does not say"),
  v6only: optionalSwitch("An IPv6 socket that leaves IPv4 alone (IPV6_V6ONLY)"),
  reuseAddress: optionalChoice(
    ["yes", "no"],
    "SO_REUSEADDR (default as Node and most servers: yes for TCP, no for UDP)",
  ),
  reusePort: optionalSwitch("With SO_REUSEPORT"),
});

const certaintySchema = v.picklist(["yes", "no", "depends"]);

const obstacleSchema = v.object({
  transport: v.picklist(["tcp", "udp"]),
  state: socketStateSchema,
  local: socketAddressSchema,
  remote: v.nullable(socketAddressSchema),
  inode: v.number(),
  uid: v.number(),
  meeting: v.pipe(
    v.picklist(["same-address", "it-has-all", "you-want-all", "dual-stack"]),
    v.description(
      "How the addresses meet: the same one, its wildcard, the wished wildcard, or an IPv6 wildcard that takes IPv4 too",
    ),
  ),
  certain: v.pipe(v.picklist(["yes", "depends"]), v.description("Whether it is surely in the way")),
  hidden: v.pipe(
    listOf(v.picklist(["SO_REUSEADDR", "SO_REUSEPORT", "IPV6_V6ONLY", "SO_BINDTODEVICE", "uid", "order", "history"])),
    v.description("What decides and no file shows; empty when it is certain"),
  ),
  reason: v.string(),
  holders: knownSchema(
    listOf(v.object({ pid: v.number(), name: knownSchema(v.string()), user: v.nullable(v.string()) })),
  ),
  project: v.nullable(v.string()),
});

const answerSchema = v.object({
  endpoint: v.string(),
  address: v.string(),
  port: portSchema,
  transport: v.picklist(["tcp", "udp"]),
  bind: v.pipe(certaintySchema, v.description("Would bind(2) succeed")),
  listen: v.pipe(v.nullable(certaintySchema), v.description("Would listen(2) then succeed; null for UDP")),
  error: v.pipe(
    v.nullable(v.picklist(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL", "EINVAL"])),
    v.description("What bind(2) gives when it does not succeed"),
  ),
  reason: v.string(),
  obstacles: listOf(obstacleSchema),
  availableAddresses: v.pipe(listOf(v.string()), v.description("With EADDRNOTAVAIL: the addresses that there are")),
  warnings: v.pipe(
    listOf(v.object({ kind: v.string(), message: v.string() })),
    v.description("What to beware of when it succeeds"),
  ),
});

const outputSchema = v.object({
  ...lookEntries,
  unprivilegedPortStart: v.pipe(knownSchema(v.number()), v.description("Lowest port that needs no privilege")),
  answers: listOf(answerSchema),
});

export type CanBindInput = v.InferInput<typeof inputSchema>;
export type CanBindResult = v.InferOutput<typeof outputSchema>;
type Answer = v.InferOutput<typeof answerSchema>;

/** Runs `can-bind`. */
export async function runCanBind(input: CanBindInput, context: OperationContext): Promise<CanBindResult> {
  const wishes = input.endpoints.flatMap((text) => readWishes(text, input, context));
  const udp = wishes.some(({ wish }) => wish.transport === "udp");
  const snapshot = await context.host.snapshot({
    states: "all",
    // What UDP answers can hang on sockets at other ports that share a slot of the kernel's table.
    ...(udp ? {} : { ports: [...new Set(wishes.map(({ wish }) => wish.port as number))] }),
    holders: "all",
    signal: context.signal,
  });
  const serviceOf = indexServices(describeServices(snapshot));
  const world = {
    sockets: snapshot.sockets,
    interfaces: snapshot.interfaces,
    limits: snapshot.limits,
    platform: snapshot.platform,
  };
  return {
    ...describeLook(snapshot),
    unprivilegedPortStart: snapshot.limits.unprivilegedPortStart,
    answers: wishes.map(({ text, wish }) => describeAnswer(text, wish, planBind(wish, world), snapshot, serviceOf)),
  };
}

interface NamedWish {
  readonly text: string;
  readonly wish: BindWish;
}

/**
 * What a word wishes for: `3000` what `listen(3000)` of Node does, `localhost` both loopback addresses.
 * @throws ENDPOINT_INVALID, SERVICE_UNKNOWN, ARGUMENT_INVALID
 */
function readWishes(text: string, input: CanBindInput, context: OperationContext): NamedWish[] {
  const endpoint = parseWord(text.trim());
  const transport = endpoint.transport ?? (input.udp === true ? "udp" : "tcp");
  if (transport !== "tcp" && transport !== "udp") {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${quote(text)} is ${transport}, and only the rules of TCP and UDP are known here.`,
    );
  }
  const { host, port } = endpoint;
  const own = context.host.readInterfaces();
  const hasIpv6 = own.length === 0 || own.some(({ addresses }) => addresses.some(({ family }) => family === "ipv6"));
  const make = (address: string, interfaceName: string | null = null): NamedWish => ({
    text: formatSocketAddress(address, port, interfaceName),
    wish: {
      transport,
      address,
      port,
      ...(input.v6only === undefined ? {} : { v6only: input.v6only }),
      ...(input.reuseAddress === undefined ? {} : { reuseAddress: input.reuseAddress === "yes" }),
      ...(input.reusePort === undefined ? {} : { reusePort: input.reusePort }),
      interfaceName,
      uid: context.userId,
    },
  });
  if (host.kind === "any" || host.kind === "unspecified") return [make(hasIpv6 ? "::" : "0.0.0.0")];
  if (host.kind === "address") return [make(host.address.address, zoneName(host.address.zone, context))];
  if (host.name === "localhost") {
    const loopback = ["127.0.0.1", ...(ownAddresses(own).has("::1") ? ["::1"] : [])];
    return loopback.map((address) => make(address));
  }
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `${quote(text)}: a socket is bound to an address, and ${quote(host.name)} is a name.`,
    {
      details: { endpoint: text, hint: "portolan interfaces lists the addresses of this machine." },
    },
  );
}

/** A zone can be an interface's number. */
function zoneName(zone: string | null, context: OperationContext): string | null {
  if (zone === null || !/^\d+$/.test(zone)) return zone;
  return context.host.readInterfaces().find(({ index }) => knownOr(index, -1) === Number(zone))?.name ?? zone;
}

function parseWord(text: string) {
  const only = /^(udp|tcp):(\d+)$/.exec(text);
  if (only !== null) return parseEndpoint(`${only[2]}/${only[1]}`);
  try {
    return parseEndpoint(text, { portOfScheme });
  } catch (error) {
    if (!isPortolanError(error, "ENDPOINT_INVALID") || !/^[a-z][a-z\d-]*$/i.test(text)) throw error;
    const port = resolveServiceName(text)?.[0];
    if (port === undefined) throw unknownService(text);
    return parseEndpoint(String(port));
  }
}

function describeAnswer(
  text: string,
  wish: BindWish,
  verdict: BindVerdict,
  snapshot: Snapshot,
  serviceOf: ReadonlyMap<number, ListedService>,
): Answer {
  const { bind, listen, error, reason, obstacles, availableAddresses, warnings } = verdict;
  const unseen = bind === "yes" && snapshot.blindSpots.some(({ what }) => what === "sockets");
  return {
    endpoint: text,
    address: wish.address,
    port: wish.port as Port,
    transport: wish.transport,
    bind,
    listen,
    error,
    reason,
    obstacles: obstacles.map((obstacle) => describeObstacle(obstacle, snapshot, serviceOf)),
    availableAddresses,
    warnings: unseen ? [...warnings, { kind: "unseen", message: unseenWarning }] : warnings,
  };
}

const unseenWarning =
  "Sockets that are bound without listening are not shown by this kernel or reader: one of them could be in the way.";

function describeObstacle(
  obstacle: Obstacle,
  snapshot: Snapshot,
  serviceOf: ReadonlyMap<number, ListedService>,
): Answer["obstacles"][number] {
  const { socket, meeting, certain, hidden, reason } = obstacle;
  const { transport, state, local, remote, inode, uid } = socket;
  return {
    transport: transport as "tcp" | "udp",
    state,
    local,
    remote,
    inode,
    uid,
    meeting,
    certain,
    hidden,
    reason,
    holders: describeHolders(socket, snapshot),
    project: serviceOf.get(inode)?.project?.value.name ?? null,
  };
}

function describeHolders(socket: Socket, snapshot: Snapshot): Answer["obstacles"][number]["holders"] {
  const holders = snapshot.holdersOf(socket);
  if (!holders.known) return holders;
  return {
    known: true,
    value: holders.value.map(({ pid }) => {
      const { name, userName } = snapshot.processOf(pid);
      return { pid, name, user: knownOr(userName, null) };
    }),
  };
}

/** The declaration of `can-bind`. */
export const canBindOperation = defineOperation({
  name: "can-bind",
  summary: "What the kernel would say if a program listened there now",
  description:
    "Answers by the kernel's own rules, without binding anything: yes with what to beware of, no with the socket and its holder or the limit in the way, or what it depends " +
    "on, where an option decides that the kernel shows nobody. A port alone means what Node's listen(3000) does: every address of both families. Security modules can refuse what " +
    "is allowed here. Exit status 0 yes to all, 1 otherwise.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["endpoints"],
  examples: [
    { command: "can-bind 3000", note: "would my server start" },
    { command: "can-bind 0.0.0.0:80", note: "may I, on a privileged port" },
    { command: "can-bind localhost:5173", note: "at both loopback addresses" },
    { command: "can-bind udp:5353 --reuse-address yes", note: "beside others, by UDP" },
    { command: "can-bind :::3000 --v6only --reuse-address no", note: "with other options than Node's" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runCanBind,
});
