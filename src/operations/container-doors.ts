/**
 * @module The doors of containers: in which container a service runs, and which published port leads to it.
 */
import { known, knownOr, type Known } from "../core/index.ts";
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
      if (answering !== undefined) {
        const published = service.addresses.map((address) => `${address}:${service.port}`);
        joined[at] = { ...answering, publishedAt: [...answering.publishedAt, ...published] };
      }
      break;
    }
  }
  return joined;
}

function briefHolders({ holders }: ListedService): Known<{ pid: number; name: Known<string> }[]> {
  return holders.known ? known(holders.value.map(({ pid, name }) => ({ pid, name }))) : holders;
}
