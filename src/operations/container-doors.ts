/**
 * @module The doors of containers: in which container a service runs, and which published port leads to it.
 */
import { isListening, known, knownOr, type Known } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import type { ContainerIndex, Service } from "../tenant/index.ts";
import type { ListedService } from "./schemas.ts";

/** The container that a service runs in, or for which an engine holds its port. */
export function describeContainer(
  look: Snapshot,
  service: Service,
  containers: ContainerIndex | undefined,
): ListedService["container"] {
  if (containers === undefined) return null;
  for (const { pid } of knownOr(service.holders, [])) {
    const found = containers.targetOf(service.sockets[0]!, pid)?.container ?? containers.ofProcess(pid);
    if (found !== null) return found;
  }
  return containers.ofNamespace(look);
}

/** Where the machine publishes the port of a container, as its engine says: `*:8080`, `127.0.0.1:8080`. */
export function publishedPlaces(container: ListedService["container"], port: number, transport: string): string[] {
  return (container?.value.published ?? []).flatMap((one) =>
    one.containerPort === port && one.transport === transport ? [`${one.hostAddress || "*"}:${one.hostPort}`] : [],
  );
}

/** Ports inside containers to which the published ports of a snapshot lead. */
export function portsBehind(snapshot: Snapshot, containers: ContainerIndex): ReadonlySet<number> {
  const found = new Set<number>();
  for (const socket of snapshot.sockets) {
    if (!isListening(socket)) continue;
    for (const { pid } of knownOr(snapshot.holdersOf(socket), [])) {
      const port = containers.targetOf(socket, pid)?.port ?? null;
      if (port !== null) found.add(port);
    }
  }
  return found;
}

/** The same services, of which each published port says who answers behind it, and who answers says where the port is published. */
export function joinPublishedPorts(services: readonly ListedService[], containers: ContainerIndex): ListedService[] {
  const joined = [...services];
  for (const [index, service] of services.entries()) {
    const { transport, sockets } = service;
    if (service.networkNamespace !== null) continue;
    for (const { pid } of knownOr(service.holders, [])) {
      const target = containers.targetOf(sockets[0]!, pid);
      if (target === null || target.port === null || target.namespace === null) continue;
      const inside = new Set<object>(target.namespace.sockets);
      const at = services.findIndex(
        (candidate) =>
          candidate.port === target.port &&
          candidate.transport === transport &&
          candidate.sockets.some((socket) => inside.has(socket)),
      );
      const answering = joined[at];
      joined[index] = {
        ...service,
        container: answering?.container ?? service.container,
        behind: {
          port: target.port,
          networkNamespace: target.namespace.networkNamespace,
          holders: answering === undefined ? known([]) : briefHolders(answering),
        },
      };
      // The engine has said it already, when it was asked.
      if (answering !== undefined && answering.publishedAt.length === 0) {
        const published = service.addresses.map((address) => `${address}:${service.port}`);
        joined[at] = { ...answering, publishedAt: published };
      }
      break;
    }
  }
  return joined;
}

function briefHolders({ holders }: ListedService): Known<{ pid: number; name: Known<string> }[]> {
  return holders.known ? known(holders.value.map(({ pid, name }) => ({ pid, name }))) : holders;
}
