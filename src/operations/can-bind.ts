/**
 * @module `can-bind`: what the kernel would say if a program bound a port and listened there now. Nothing is bound.
 */
import * as v from "valibot";
import {
  PortolanError,
  formatSocketAddress,
  knownOr,
  quote,
  type IpAddress,
  type Port,
  type Socket,
} from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import {
  ownAddresses,
  planBind,
  type BindVerdict,
  type BindWish,
  type BindWorld,
  type Obstacle,
} from "../plan/index.ts";
import { defineOperation } from "./define-operation.ts";
import { indexServices } from "./kill-targets.ts";
import { describeLook, describeProcess, describeServices } from "./look.ts";
import { readEndpointWord } from "./endpoint-word.ts";
import type { OperationContext } from "./operation.ts";
import { optionalChoice, optionalSwitch, requiredTexts } from "./parameters.ts";
import {
  knownSchema,
  listOf,
  lookEntries,
  portSchema,
  socketAddressSchema,
  socketStateSchema,
  timeSchema,
  type ListedService,
} from "./schemas.ts";

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
  holders: v.pipe(
    knownSchema(
      listOf(
        v.object({
          pid: v.number(),
          name: knownSchema(v.string()),
          userName: knownSchema(v.nullable(v.string())),
          startedAt: knownSchema(timeSchema),
        }),
      ),
    ),
    v.description("Processes that hold it; empty when it belongs to none, as the rest of a connection does"),
  ),
  project: v.pipe(v.nullable(v.string()), v.description("Project that the holder works for, as far as it can be told")),
});

const wishSchema = v.object({
  v6only: v.pipe(v.nullable(v.boolean()), v.description("IPV6_V6ONLY; null for IPv4, which does not have it")),
  reuseAddress: v.pipe(v.boolean(), v.description("SO_REUSEADDR")),
  reusePort: v.pipe(v.boolean(), v.description("SO_REUSEPORT")),
  interfaceName: v.pipe(v.nullable(v.string()), v.description("Zone of the address")),
});

const answerSchema = v.object({
  endpoint: v.string(),
  address: v.string(),
  port: portSchema,
  transport: v.picklist(["tcp", "udp"]),
  options: v.pipe(wishSchema, v.description("What the answer takes the program to ask for")),
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
    listOf(
      v.object({
        kind: v.picklist([
          "other-family",
          "browser-blocked",
          "ephemeral",
          "reserved",
          "macos-airplay",
          "convention",
          "assigned",
          "unseen",
        ]),
        message: v.string(),
      }),
    ),
    v.description("What to beware of when it succeeds, gravest first"),
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
  const doors = input.endpoints.map((text) => readDoor(text, input));
  const snapshot = await context.host.snapshot({
    states: "all",
    // What UDP answers can hang on sockets at other ports that share a slot of the kernel's table.
    ...(doors.some(({ transport }) => transport === "udp")
      ? {}
      : { ports: [...new Set(doors.map(({ port }) => port))] }),
    holders: "all",
    signal: context.signal,
  });
  const serviceOf = indexServices(describeServices(snapshot));
  const { sockets, interfaces, limits, platform } = snapshot;
  const world: BindWorld = { sockets, interfaces, limits, platform };
  return {
    ...describeLook(snapshot),
    unprivilegedPortStart: limits.unprivilegedPortStart,
    answers: doors
      .flatMap((door) => wishesOf(door, input, snapshot, context.userId))
      .map((wish) => describeAnswer(wish, planBind(wish, world), snapshot, serviceOf)),
  };
}

/** An endpoint that a socket could be bound to. */
interface Door {
  readonly transport: "tcp" | "udp";
  /** `null`: every address, as the system is asked for it by default. */
  readonly host: IpAddress | "localhost" | null;
  readonly port: Port;
}

/**
 * What a word names.
 * @throws ENDPOINT_INVALID, SERVICE_UNKNOWN, ARGUMENT_INVALID
 */
function readDoor(text: string, input: CanBindInput): Door {
  const endpoint = readEndpointWord(text);
  const { host, port } = endpoint;
  const transport = endpoint.transport ?? (input.udp === true ? "udp" : "tcp");
  if (transport !== "tcp" && transport !== "udp") {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${quote(text)} is ${transport}, and only the rules of TCP and UDP are known here.`,
    );
  }
  if (host.kind === "address") return { transport, host: host.address, port };
  if (host.kind !== "name") return { transport, host: null, port };
  if (host.name === "localhost") return { transport, host: "localhost", port };
  throw new PortolanError(
    "ARGUMENT_INVALID",
    `${quote(text)}: a socket is bound to an address, and ${quote(host.name)} is a name.`,
    { details: { endpoint: text, hint: "portolan interfaces lists the addresses of this machine." } },
  );
}

/** The sockets that it takes: one, or two for `localhost`. */
function wishesOf(door: Door, input: CanBindInput, snapshot: Snapshot, uid: number | null): BindWish[] {
  const { transport, host, port } = door;
  const { interfaces, limits } = snapshot;
  const own = ownAddresses(interfaces);
  const make = (address: string, interfaceName: string | null = null): BindWish => ({
    transport,
    address,
    port,
    v6only: input.v6only ?? knownOr(limits.v6onlyDefault, false),
    reuseAddress: input.reuseAddress === undefined ? transport === "tcp" : input.reuseAddress === "yes",
    reusePort: input.reusePort ?? false,
    interfaceName,
    uid,
  });
  if (host === "localhost") return ["127.0.0.1", ...(own.has("::1") ? ["::1"] : [])].map((address) => make(address));
  if (host !== null) return [make(host.address, zoneName(host.zone, snapshot))];
  // A system that knows IPv6 binds `::` even where IPv6 is switched off on every interface; Linux then has this option.
  const knowsIpv6 = limits.v6onlyDefault.known || interfaces.length === 0 || [...own].some((one) => one.includes(":"));
  return [make(knowsIpv6 ? "::" : "0.0.0.0")];
}

/** A zone can be an interface's number. */
function zoneName(zone: string | null, { interfaces }: Snapshot): string | null {
  if (zone === null || !/^\d+$/.test(zone)) return zone;
  return interfaces.find(({ index }) => knownOr(index, -1) === Number(zone))?.name ?? zone;
}

function describeAnswer(
  wish: BindWish,
  verdict: BindVerdict,
  snapshot: Snapshot,
  serviceOf: ReadonlyMap<number, ListedService>,
): Answer {
  const { bind, listen, error, reason, obstacles, availableAddresses, warnings } = verdict;
  const {
    transport,
    address,
    port,
    v6only = false,
    reuseAddress = false,
    reusePort = false,
    interfaceName = null,
  } = wish;
  // What cannot be seen of UDP is only what came or went during the look.
  const unseen =
    bind === "yes" &&
    port !== 0 &&
    snapshot.blindSpots.some(({ what, why }) => what === "sockets" && (transport === "tcp" || why !== "unsupported"));
  return {
    endpoint: formatSocketAddress(address, port, interfaceName),
    address,
    port,
    transport,
    options: { v6only: address.includes(":") ? v6only : null, reuseAddress, reusePort, interfaceName },
    bind,
    listen,
    error,
    reason,
    obstacles: obstacles.map((obstacle) => describeObstacle(obstacle, snapshot, serviceOf)),
    availableAddresses,
    warnings: unseen ? [...warnings, { kind: "unseen" as const, message: unseenWarning }] : warnings,
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
      const { name, userName, startedAt } = describeProcess(snapshot.processOf(pid));
      return { pid, name, userName, startedAt };
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
