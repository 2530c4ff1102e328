/**
 * @module `who`: everything about a port: meaning, holder, project, reach, clients; or that it is free.
 */
import * as v from "valibot";
import {
  PortSet,
  PortolanError,
  isListening,
  knownOr,
  parseEndpoint,
  parsePort,
  quote,
  type Socket,
} from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { portOfScheme, resolveServiceName, suggestServices } from "../registry/index.ts";
import { parentChain, readContainers, type ContainerIndex } from "../tenant/index.ts";
import { portsBehind } from "./container-doors.ts";
import { defineOperation } from "./define-operation.ts";
import { describeLook, describeProcess, describeServices, requireLive } from "./look.ts";
import { describeMeaning, meaningSchema } from "./meaning.ts";
import { nameServices } from "./named-services.ts";
import type { NearbyService } from "./nearby-services.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalChoice, optionalSwitch, optionalText, requiredTexts } from "./parameters.ts";
import { isInNamespace, looksLikePorts } from "./select.ts";
import {
  knownSchema,
  listOf,
  lookEntries,
  namespaceDescription,
  portSchema,
  processSchema,
  serviceSchema,
  socketAddressSchema,
  socketStateSchema,
  type ListedProcess,
  type ListedService,
} from "./schemas.ts";

/** Up to so many ports each gets its own answer; of larger sets only the ports that somebody holds are told. */
const mostPortsToldFree = 32;

const inputSchema = v.object({
  ports: requiredTexts(
    "Ports, ranges, service names, or what an error message or browser shows: 3000, :::3000, localhost:5173",
    {
      placeholder: "PORT",
    },
  ),
  transport: optionalChoice(["tcp", "udp"], "Only this transport", { short: "t" }),
  namespace: optionalText(namespaceDescription, { placeholder: "NAME" }),
  identify: optionalSwitch("Ask who listens what it is, by connecting to it"),
  showSecrets: optionalSwitch("Show passwords and tokens in arguments instead of ***", onCommandLine),
});

const clientSchema = v.object({
  remote: socketAddressSchema,
  local: socketAddressSchema,
  state: socketStateSchema,
  process: v.pipe(
    v.nullable(v.object({ pid: v.number(), name: knownSchema(v.string()) })),
    v.description("The process at the other end when it runs on this machine and may be seen"),
  ),
});

const heldServiceSchema = v.object({
  ...serviceSchema.entries,
  parents: v.pipe(listOf(processSchema), v.description("The leader's parents, nearest first")),
  clients: v.pipe(listOf(clientSchema), v.description("Connections to it now")),
  routeUrls: v.pipe(
    v.optional(listOf(v.string())),
    v.description("Where its names are opened; absent when it has none, empty while no gateway runs"),
  ),
});

const outputSchema = v.object({
  ...lookEntries,
  asked: v.pipe(v.number(), v.description("How many different ports were asked about")),
  held: v.pipe(v.number(), v.description("On how many of them somebody listens in this network namespace")),
  ports: v.pipe(
    listOf(
      v.object({
        ...meaningSchema.entries,
        free: v.pipe(
          v.object({ tcp: v.boolean(), udp: v.boolean() }),
          v.description(
            "True when nobody listens on it in this network namespace; connections of this machine's own may still use the number",
          ),
        ),
        services: listOf(heldServiceSchema),
        nearby: v.pipe(
          v.optional(
            listOf(
              v.object({
                port: portSchema,
                name: v.pipe(v.string(), v.description("Program, process, container")),
                why: v.pipe(v.string(), v.description("Why it may be meant")),
              }),
            ),
          ),
          v.description(
            "When one TCP port of this machine was asked about and is free: who listens nearby and may be meant",
          ),
        ),
      }),
    ),
    v.description(`One entry a port; of more than ${mostPortsToldFree} only those that somebody holds`),
  ),
});

export type WhoInput = v.InferInput<typeof inputSchema>;
export type WhoResult = v.InferOutput<typeof outputSchema>;
type HeldService = v.InferOutput<typeof heldServiceSchema>;
type Client = v.InferOutput<typeof clientSchema>;

/** Runs `who`. */
export async function runWho(input: WhoInput, context: OperationContext): Promise<WhoResult> {
  const ports = parsePortWords(input.ports);
  const look = async (wanted: readonly number[]): Promise<[Snapshot, ContainerIndex]> => {
    const snapshot = await context.host.snapshot({
      states: "all",
      // A filter of many ports costs the kernel more than it saves.
      ...(wanted.length <= mostPortsToldFree ? { ports: wanted } : {}),
      holders: "all",
      namespaces: input.namespace === "own" ? "own" : "all",
      signal: context.signal,
    });
    return [snapshot, await readContainers(snapshot, context.environment, context.signal)];
  };
  let [snapshot, containers] = await look(ports.toArray());
  // Who answers behind a published port listens on another port inside.
  const further = portsBehind(snapshot, containers);
  if (further.size > 0) [snapshot, containers] = await look([...new Set([...ports, ...further])]);
  const showSecrets = input.showSecrets === true;
  const isAsked = (service: ListedService): boolean =>
    ports.has(service.port) &&
    (input.transport === undefined || service.transport === input.transport) &&
    (input.namespace === undefined || isInNamespace(service, input.namespace));
  let services = describeServices(snapshot, { showSecrets, containers }).filter(isAsked);
  if (input.identify === true) {
    requireLive(snapshot);
    const { proveServices } = await import("./prove-services.ts");
    const proofs = await proveServices(services, snapshot.interfaces, context);
    services = describeServices(snapshot, { showSecrets, containers, proofs }).filter(isAsked);
  }
  const named = await nameServices(services, snapshot, context);
  ({ services } = named);
  const urls = await urlsOfNames(services, context);
  const seenPorts = new Set(services.map((service) => service.port));
  // A port that only a container of its own network holds can be taken here.
  const heldPorts = new Set(
    services.flatMap(({ port, networkNamespace }) => (networkNamespace === null ? [port] : [])),
  );
  const looks = [snapshot, ...(snapshot.others ?? [])].map((look) => ({
    sockets: new Set<object>(look.sockets),
    connections: connectionsByPort(look, seenPorts),
  }));
  const connectionsOf = ({ sockets }: ListedService): ConnectionIndex =>
    (looks.find((look) => look.sockets.has(sockets[0]!)) ?? looks[0]!).connections;
  const nearby = await findMeant(ports, heldPorts, input, snapshot, context);
  const told = [...ports].filter((port) => ports.size <= mostPortsToldFree || seenPorts.has(port));
  const seen = describeLook(snapshot, containers);
  return {
    ...seen,
    blindSpots: [...seen.blindSpots, ...named.blindSpots],
    complete: snapshot.complete && !context.signal.aborted,
    asked: ports.size,
    held: heldPorts.size,
    ports: told.map((port) => {
      const here = services.filter((service) => service.port === port);
      return {
        ...describeMeaning(port, snapshot.limits),
        free: {
          tcp: !here.some(({ transport, networkNamespace }) => transport === "tcp" && networkNamespace === null),
          udp: !here.some(({ transport, networkNamespace }) => transport === "udp" && networkNamespace === null),
        },
        services: here.map((service) => ({
          ...describeHeld(snapshot, service, connectionsOf(service), showSecrets),
          ...(service.routeNames !== undefined && { routeUrls: [...(urls.get(port) ?? [])] }),
        })),
        ...(nearby.length > 0 && { nearby: [...nearby] }),
      };
    }),
  };
}

/** Who may be meant by a port at which nobody listens: a number that is one off, the project's own server elsewhere. */
async function findMeant(
  ports: PortSet,
  held: ReadonlySet<number>,
  { transport = "tcp", namespace }: WhoInput,
  snapshot: Snapshot,
  context: OperationContext,
): Promise<readonly NearbyService[]> {
  const [port = 0] = ports;
  if (ports.size !== 1 || port === 0 || held.has(port) || namespace !== undefined || !snapshot.live) return [];
  const { findNearbyServices } = await import("./nearby-services.ts");
  return findNearbyServices(port, transport, context);
}

/** Only who has a name makes it necessary to ask the gateway. */
async function urlsOfNames(
  services: readonly ListedService[],
  { environment }: OperationContext,
): Promise<ReadonlyMap<number, readonly string[]>> {
  if (services.every(({ routeNames }) => routeNames === undefined)) return new Map();
  const { routeUrlsByPort } = await import("./routes-by-port.ts");
  return routeUrlsByPort(environment);
}

/**
 * The ports of several words: port sets, service names, endpoints and URLs.
 * @throws PORT_INVALID, PORT_SET_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
export function parsePortWords(words: readonly string[]): PortSet {
  let ports = PortSet.empty;
  for (const word of words) ports = ports.union(parsePortWord(word));
  return ports;
}

function parsePortWord(word: string): PortSet {
  // `1.2.3.4:80`, `[::1]:80`, `:::80` and URLs have a colon, which no set of ports has.
  if (word.includes(":")) return PortSet.of(parseEndpoint(word, { portOfScheme }).port);
  // A single number, or what was meant for one, gets the error of a port and not of a set.
  if (/^\d[\da-z]*$/i.test(word)) return PortSet.of(parsePort(word));
  if (looksLikePorts(word)) return PortSet.parse(word, resolveServiceName);
  const named = resolveServiceName(word);
  if (named !== undefined) return PortSet.of(...named);
  throw unknownService(word);
}

/** The error for a name that nobody knows, with the names that are near it. */
export function unknownService(word: string): PortolanError {
  const suggestions = suggestServices(word);
  return new PortolanError("SERVICE_UNKNOWN", `${quote(word)} is neither a port nor the name of a service.`, {
    details: {
      given: word,
      suggestions,
      ...(suggestions.length > 0
        ? { hint: `Did you mean ${suggestions.join(" or ")}? portolan services TEXT searches.` }
        : {}),
    },
  });
}

function describeHeld(
  snapshot: Snapshot,
  service: ListedService,
  connections: ConnectionIndex,
  showSecrets: boolean,
): HeldService {
  const leader = knownOr(service.holders, [])[0];
  const parents: ListedProcess[] =
    leader === undefined
      ? []
      : parentChain(snapshot, leader.pid).map((parent) => describeProcess(parent, { showSecrets }));
  return { ...service, parents, clients: findClients(snapshot, service, connections) };
}

interface ConnectionIndex {
  /** Connected sockets by transport and local port. */
  readonly byPort: ReadonlyMap<string, readonly Socket[]>;
  /** Connected sockets by both ends. */
  readonly byEnds: ReadonlyMap<string, Socket>;
}

function connectionsByPort(snapshot: Snapshot, heldPorts: ReadonlySet<number>): ConnectionIndex {
  const byPort = new Map<string, Socket[]>();
  const byEnds = new Map<string, Socket>();
  for (const socket of snapshot.sockets) {
    if (isListening(socket) || socket.remote === null) continue;
    if (!heldPorts.has(socket.local.port) && !heldPorts.has(socket.remote.port)) continue;
    byEnds.set(endsKey(socket.transport, socket.local, socket.remote), socket);
    const key = `${socket.transport}/${socket.local.port}`;
    const list = byPort.get(key);
    if (list === undefined) byPort.set(key, [socket]);
    else list.push(socket);
  }
  return { byPort, byEnds };
}

type End = Readonly<{ address: string; port: number }>;

function endsKey(transport: string, local: End, remote: End): string {
  return `${transport} ${plainAddress(local.address)} ${local.port} ${plainAddress(remote.address)} ${remote.port}`;
}

/** A dual-stack socket writes IPv4 peers as `::ffff:1.2.3.4`. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** Connections whose near end belongs to this service: its own address and port, not the far end of its own outgoing ones. */
function findClients(snapshot: Snapshot, service: ListedService, index: ConnectionIndex): Client[] {
  const addresses = new Set(service.sockets.map((socket) => plainAddress(socket.local.address)));
  const wildcard = addresses.has("0.0.0.0") || addresses.has("::");
  const clients: Client[] = [];
  for (const socket of index.byPort.get(`${service.transport}/${service.port}`) ?? []) {
    if (socket.remote === null || socket.state === "BOUND" || socket.state === "SYN_SENT") continue;
    if (!wildcard && !addresses.has(plainAddress(socket.local.address))) continue;
    const peer = index.byEnds.get(endsKey(socket.transport, socket.remote, socket.local));
    const holder =
      peer === undefined
        ? undefined
        : knownOr<readonly { pid: number }[], undefined>(snapshot.holdersOf(peer), undefined)?.[0];
    clients.push({
      remote: { ...socket.remote, address: plainAddress(socket.remote.address) },
      local: { ...socket.local, address: plainAddress(socket.local.address) },
      state: socket.state,
      process: holder === undefined ? null : { pid: holder.pid, name: snapshot.processOf(holder.pid).name },
    });
  }
  return clients;
}

/** The declaration of `who`. */
export const whoOperation = defineOperation({
  name: "who",
  summary: "Everything about a port: meaning, holder, project, since when, reach, clients; or that it is free",
  description:
    "Ports are given as numbers, ranges, names, or just as an error message or a browser shows them. Sends nothing to anybody, except " +
    "with --identify, which connects to this machine's own ports. Services in other network namespaces, such as those of containers, are " +
    "told too. Exit status 0 when somebody holds at least one of the ports in this network namespace, 1 when all are free here.",
  effect: "read",
  faces: ["cli", "http", "mcp"],
  positional: ["ports"],
  examples: [
    { command: "who 3000", note: "who holds port 3000" },
    { command: "who :::3000", note: "as EADDRINUSE prints it" },
    { command: "who http://localhost:5173/", note: "as the browser shows it" },
    { command: "who postgresql 6379", note: "by name and by number" },
    { command: "who 8080 --identify", note: "and what it proves to be when it is asked" },
    { command: "who 3000-3999", note: "who is in this range" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runWho,
});
