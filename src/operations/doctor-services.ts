/**
 * @module Listeners as a diagnosis sees them.
 */
import { basename } from "node:path";
import { known, knownOr } from "../core/index.ts";
import { readProcessState, type Snapshot } from "../host/index.ts";
import type { SeenService } from "../plan/index.ts";
import { readContainers, type ContainerIndex } from "../tenant/index.ts";
import { describeServices } from "./look.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";

/** One look at all listeners. */
export interface ListenerLook {
  readonly snapshot: Snapshot;
  readonly containers: ContainerIndex;
  readonly here: readonly SeenService[];
  readonly elsewhere: readonly SeenService[];
  /** In one sentence each, from where the services on the asked port are reached. */
  readonly reachNotes: (port: number, transport: string) => readonly string[];
}

/**
 * Looks at every listener of every network namespace that may be seen.
 * @throws HOST_UNSUPPORTED, HOST_READ_FAILED
 */
export async function lookAtListeners(context: OperationContext): Promise<ListenerLook> {
  const snapshot = await context.host.snapshot({
    states: "listening",
    holders: "all",
    namespaces: "all",
    signal: context.signal,
  });
  const containers = await readContainers(snapshot, context.environment, context.signal);
  const services = describeServices(snapshot, { containers });
  const own = services.filter(({ networkNamespace }) => networkNamespace === null);
  return {
    snapshot,
    containers,
    here: own.map(toSeen),
    elsewhere: services.filter(({ networkNamespace }) => networkNamespace !== null).map(toSeen),
    reachNotes: (port, transport) =>
      own
        .filter((one) => one.port === port && one.transport === transport)
        .map((service) => {
          const title = titleOf(service);
          return `${title === null ? "" : `${title}: `}${service.reach.reason}`;
        }),
  };
}

function toSeen(service: ListedService): SeenService {
  const { framework, project, container, networkNamespace, holders, reach } = service;
  const leader = knownOr(holders, [])[0];
  const space = networkNamespace;
  return {
    port: service.port,
    transport: service.transport,
    sockets: service.sockets as SeenService["sockets"],
    title: titleOf(service),
    frameworkId: framework?.value.id ?? null,
    frameworkTitle: framework?.value.title ?? null,
    scheme: service.scheme?.value ?? null,
    keepers: holders.known
      ? known(
          holders.value.map(({ pid, name, executable, userName }) => ({
            pid,
            name: executable.known ? basename(executable.value) : knownOr(name, "?"),
            state: readProcessState(pid),
            user: knownOr(userName, null),
          })),
        )
      : holders,
    command: leader === undefined ? [] : [...knownOr(leader.arguments, [])],
    workingDirectory: leader === undefined ? null : knownOr(leader.workingDirectory, null),
    projectRoot: project?.value.root ?? null,
    projectName: project?.value.name ?? null,
    container:
      container === null
        ? null
        : {
            engine: container.value.engine,
            name: container.value.name ?? container.value.id,
            image: container.value.image,
            composeService: container.value.composeService,
          },
    behindPort: service.behind?.port ?? null,
    publishedAt: service.publishedAt,
    namespace: space === null ? null : (space.names[0] ?? knownOr(space.id, "?")),
    outerAddresses:
      space === null
        ? []
        : reach.addresses
            .filter(({ audience, url, certain }) => certain && (url !== null || audience !== "this-machine"))
            .map(({ address }) => address),
  };
}

/** A program or framework by name; what its number is usually for says nothing of who is there. */
function titleOf({ names }: ListedService): string | null {
  return names.find(({ basis }) => basis === "inferred" || basis === "proved")?.value ?? null;
}
