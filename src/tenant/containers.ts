/**
 * @module Which container a process runs in, what its engine calls it, and what stands behind a published port.
 */
import { claim, isListening, knownOr, type Claim, type Socket } from "../core/index.ts";
import type { BlindSpot, Process, Snapshot } from "../host/index.ts";
import { readBounded } from "./bounded-read.ts";
import { readControlGroup, type ControlGroupOwner } from "./control-group.ts";
import type { EngineAnswer, EngineContainer, PublishedPort } from "./container-engines.ts";

/** A container as far as it is known. Texts are raw. */
export interface Container {
  readonly engine: "docker" | "podman" | "kubernetes" | "containerd" | "lxc";
  /** First twelve digits of its id; its name for LXC. */
  readonly id: string;
  readonly name: string | null;
  readonly image: string | null;
  readonly composeProject: string | null;
  readonly composeService: string | null;
  readonly pod: string | null;
  /** Empty too where the engine was not asked or did not answer. */
  readonly published: readonly PublishedPort[];
}

/** A door of a container to which a published port leads. */
export interface PublishedTarget {
  readonly container: Claim<Container>;
  /** Port inside, `null` when only the container is known. */
  readonly port: number | null;
  /** Look at the namespace of the container, when it could be seen. */
  readonly namespace: Snapshot | null;
}

/** The part of a socket that a published port is known by. */
export interface PublishedSocket {
  readonly transport: Socket["transport"];
  readonly local: { readonly address: string; readonly port: number };
}

/** The containers of a machine. */
export interface ContainerIndex {
  /** The container that a process runs in. */
  ofProcess(pid: number): Claim<Container> | null;
  /** The container whose network namespace a look shows; of a pod all that work, in the name. */
  ofNamespace(look: Snapshot): Claim<Container> | null;
  /** What a socket leads to that a container engine holds for a container (conmon, docker-proxy, rootlessport). */
  targetOf(socket: PublishedSocket, pid: number): PublishedTarget | null;
  readonly blindSpots: readonly BlindSpot[];
  /** What the engines said, for a snapshot. */
  readonly engineContainers: readonly EngineContainer[];
}

/** Programs that hold published ports for containers, and tell by their arguments at most which. */
const frontNames: ReadonlySet<string> = new Set([
  "conmon",
  "docker-proxy",
  "rootlessport",
  "slirp4netns",
  "pasta",
  "passt",
]);

const containerKinds: ReadonlySet<string> = new Set(["docker", "podman", "kubernetes", "containerd", "lxc"]);

/** Lowest user id that is given to users' containers (subuid(5), as Debian and Fedora set it up). */
const firstSubordinate = 100_000;

/** How much of an engine's own list of containers is read: a thousand containers take about a megabyte. */
const storageLimitBytes = 8 << 20;

/**
 * Finds the containers of the processes that hold listening sockets and of every other network namespace. The engines are asked only
 * when there is a container.
 */
export async function readContainers(
  snapshot: Snapshot,
  environment: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<ContainerIndex> {
  const looks = [snapshot, ...(snapshot.others ?? [])];
  const owners = new Map<number, ControlGroupOwner | undefined>();
  const ownerOf = (pid: number): ControlGroupOwner | undefined => {
    if (!owners.has(pid)) owners.set(pid, findOwner(snapshot.processOf(pid)));
    return owners.get(pid);
  };
  const pids = new Set(looks.flatMap((look) => look.namespaceMembers ?? []));
  for (const look of looks) {
    for (const socket of look.sockets) {
      if (isListening(socket)) for (const { pid } of knownOr(look.holdersOf(socket), [])) pids.add(pid);
    }
  }
  const isConcerned = [...pids].some(
    (pid) => ownerOf(pid) !== undefined || frontNames.has(knownOr(snapshot.processOf(pid).name, "")),
  );
  if (!isConcerned) return noContainers;
  const { askEngines, findEngineSockets } = await import("./container-engines.ts");
  // An engine knows the machine that it runs on, and no copied one.
  if (snapshot.live === false) {
    const containers = (snapshot.facts?.engines as readonly EngineContainer[] | undefined) ?? [];
    return new Containers(snapshot, [{ path: "", containers, failure: null }], ownerOf);
  }
  return new Containers(snapshot, await askEngines(findEngineSockets(environment), signal), ownerOf);
}

const noContainers: ContainerIndex = {
  ofProcess: () => null,
  ofNamespace: () => null,
  targetOf: () => null,
  blindSpots: [],
  engineContainers: [],
};

class Containers implements ContainerIndex {
  readonly blindSpots: readonly BlindSpot[];
  readonly engineContainers: readonly EngineContainer[];
  readonly #snapshot: Snapshot;
  readonly #ownerOf: (pid: number) => ControlGroupOwner | undefined;
  /** By the first twelve digits. */
  readonly #known = new Map<string, EngineContainer>();
  readonly #described = new Map<string, Claim<Container>>();

  constructor(
    snapshot: Snapshot,
    answers: readonly EngineAnswer[],
    ownerOf: (pid: number) => ControlGroupOwner | undefined,
  ) {
    this.#snapshot = snapshot;
    this.#ownerOf = ownerOf;
    for (const { containers } of answers) {
      for (const one of containers) {
        const id = one.id.slice(0, 12);
        // The system's engines come first, and no user's engine speaks over them.
        if (!this.#known.has(id)) this.#known.set(id, one);
      }
    }
    this.blindSpots = answers.flatMap(describeFailure);
    this.engineContainers = answers.flatMap(({ containers }) => containers);
  }

  ofProcess(pid: number): Claim<Container> | null {
    const owner = this.#ownerOf(pid);
    if (owner === undefined) return null;
    return this.#describe(owner.kind as Container["engine"], owner.name, `its control group names ${owner.name}`, pid);
  }

  ofNamespace(look: Snapshot): Claim<Container> | null {
    const found = new Set((look.namespaceMembers ?? []).flatMap((pid) => this.ofProcess(pid) ?? []));
    // The container that only keeps a pod's namespace open serves nobody.
    const working = [...found].filter(({ value }) => value.name?.endsWith("-infra") !== true);
    const [first, ...others] = working.length > 0 ? working : found;
    if (first === undefined || others.length === 0) return first ?? null;
    const names = [first, ...others].map(({ value }) => value.name ?? value.id);
    return claim(
      { ...first.value, name: names.join(" or ") },
      "inferred",
      "these containers share the network namespace",
    );
  }

  targetOf(socket: PublishedSocket, pid: number): PublishedTarget | null {
    const process = this.#snapshot.processOf(pid);
    const program = knownOr(process.name, "");
    if (!frontNames.has(program)) return null;
    const words = knownOr(process.arguments, []);
    if (program === "conmon") {
      const id = valueAfter(words, "-c")?.slice(0, 12);
      if (id === undefined) return null;
      const container = this.#describe("podman", id, "conmon watches the container", pid);
      return { container, port: publishedPort(container.value, socket), namespace: this.#namespaceOf(id) };
    }
    if (program === "docker-proxy") {
      const address = valueAfter(words, "-container-ip");
      const namespace = this.#namespaceAt(address);
      const container = namespace === null ? null : this.ofNamespace(namespace);
      if (container !== null) return { container, port: Number(valueAfter(words, "-container-port")), namespace };
    }
    for (const [id, { engine, published }] of this.#known) {
      if (this.#toldOf(id, pid) === undefined || !published.some((one) => leadsHere(one, socket))) continue;
      const container = this.#describe(engine, id, `${engine} publishes this port`, pid);
      return { container, port: publishedPort(container.value, socket), namespace: this.#namespaceOf(id) };
    }
    return null;
  }

  #describe(engine: Container["engine"], id: string, evidence: string, pid: number): Claim<Container> {
    let described = this.#described.get(id);
    if (described === undefined) {
      const told = this.#toldOf(id, pid);
      const own = told === undefined && engine === "podman" ? this.#readMonitor(pid) : undefined;
      const container: Container = {
        engine,
        id,
        name: told?.name ?? own?.name ?? (engine === "lxc" ? id : null),
        image: told?.image ?? own?.image ?? null,
        composeProject: told?.composeProject ?? null,
        composeService: told?.composeService ?? null,
        pod: told?.pod ?? null,
        published: told?.published ?? [],
      };
      described = claim(container, "inferred", evidence);
      this.#described.set(id, described);
    }
    return described;
  }

  /** What an engine says of a container, unless it is a user's engine and the process is not that user's (or one of the user's subordinates). */
  #toldOf(id: string, pid: number): EngineContainer | undefined {
    const told = this.#known.get(id);
    if (told === undefined || told.owner === null) return told;
    const uid = knownOr(this.#snapshot.processOf(pid).uid, -1);
    return uid === told.owner || uid >= firstSubordinate ? told : undefined;
  }

  /** Name and image by the monitor that watches a container of Podman, and by the storage that its arguments name. */
  #readMonitor(pid: number): { readonly name: string | null; readonly image: string | null } | undefined {
    let current = pid;
    for (let step = 0; step < 16 && current > 0; step++) {
      const process = this.#snapshot.processOf(current);
      if (knownOr(process.name, "") === "conmon") {
        const words = knownOr(process.arguments, []);
        const id = valueAfter(words, "-c");
        const bundle = valueAfter(words, "-b");
        const isHere = id !== undefined && bundle !== undefined && this.#snapshot.live !== false;
        const image = isHere ? readStoredImage(bundle, id) : null;
        return { name: valueAfter(words, "-n") ?? null, image };
      }
      current = knownOr(process.parentPid, 0);
    }
    return undefined;
  }

  #namespaceOf(id: string): Snapshot | null {
    const members = (look: Snapshot): readonly number[] => look.namespaceMembers ?? [];
    return (
      (this.#snapshot.others ?? []).find((look) => members(look).some((pid) => this.#ownerOf(pid)?.name === id)) ?? null
    );
  }

  #namespaceAt(address: string | undefined): Snapshot | null {
    return (
      (this.#snapshot.others ?? []).find(({ interfaces }) =>
        interfaces.some(({ addresses }) => addresses.some((one) => one.address === address)),
      ) ?? null
    );
  }
}

/** The container named by a process's control group. */
function findOwner(process: Process): ControlGroupOwner | undefined {
  const owner = readControlGroup(knownOr(process.controlGroup, ""));
  return owner !== undefined && containerKinds.has(owner.kind) ? owner : undefined;
}

/** True when a published port is the one that a socket of the machine holds. */
export function leadsHere(one: PublishedPort, socket: PublishedSocket): boolean {
  return (
    one.hostPort === socket.local.port &&
    one.transport === socket.transport &&
    (one.hostAddress === "" || one.hostAddress === socket.local.address)
  );
}

function publishedPort(container: Container, socket: PublishedSocket): number | null {
  return container.published.find((one) => leadsHere(one, socket))?.containerPort ?? null;
}

/** Image of a container in the list that Podman's storage keeps beside the containers (containers/storage, containers.json). */
function readStoredImage(bundle: string, id: string): string | null {
  const folder = /^(\/.+\/[a-z0-9]+-containers)\/[0-9a-f]{64}\/userdata$/.exec(bundle)?.[1];
  const text = folder === undefined ? undefined : readBounded(`${folder}/containers.json`, storageLimitBytes);
  if (text === undefined) return null;
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return null;
    for (const entry of list as readonly { id?: unknown; metadata?: unknown }[]) {
      if (entry?.id !== id || typeof entry.metadata !== "string") continue;
      const image = (JSON.parse(entry.metadata) as Record<string, unknown> | null)?.["image-name"];
      return typeof image === "string" ? image : null;
    }
  } catch {
    // Somebody else's file, half written or of another version: the image stays unknown.
  }
  return null;
}

function describeFailure({ path, failure }: EngineAnswer): BlindSpot[] {
  if (failure === null) return [];
  const reasons = {
    permission: "may not be asked by this user",
    silent: "did not answer",
    malformed: "did not answer with a list of containers",
  };
  return [
    {
      what: "processes",
      why: failure === "permission" ? "permission" : "unsupported",
      count: null,
      message: `${path} ${reasons[failure]}, so names and published ports of its containers may be missing.`,
    },
  ];
}

function valueAfter(words: readonly string[], option: string): string | undefined {
  const index = words.indexOf(option);
  return index === -1 ? undefined : words[index + 1];
}
