/**
 * @module What the engines say of their containers, over the sockets of Docker's API (Engine API v1.24 and later, which Podman speaks too)
 * and of Podman's own (libpod, which knows pods). Reads only, waits briefly, believes nothing it cannot check.
 */
import { request } from "node:http";
import { existsSync, readdirSync } from "node:fs";
import { linkAbort, type Transport } from "../core/index.ts";

/** A port of a container that its engine makes reachable at the machine's own addresses. */
export interface PublishedPort {
  readonly transport: Transport;
  /** Address of the machine, `""` for every one. */
  readonly hostAddress: string;
  readonly hostPort: number;
  readonly containerPort: number;
}

/** A container as its engine describes it. Texts are raw. */
export interface EngineContainer {
  readonly engine: "docker" | "podman";
  /** 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string | null;
  readonly image: string | null;
  readonly composeProject: string | null;
  readonly composeService: string | null;
  readonly pod: string | null;
  readonly published: readonly PublishedPort[];
  /** User whose engine says so: it is believed of that user's containers alone. `null` for the system's engines. */
  readonly owner: number | null;
}

/** What one socket answered. */
export interface EngineAnswer {
  readonly path: string;
  readonly containers: readonly EngineContainer[];
  /** Why it did not answer, `null` when it did. */
  readonly failure: "permission" | "silent" | "malformed" | null;
}

/** An engine that does not answer at once does not hold up a list of ports. */
const patienceMs = 1000;
const largestAnswer = 16 << 20;
const mostContainers = 10_000;
/** Ports of one container, and of a range of it, and of all containers that one engine tells of. */
const mostPublished = 1024;
const mostPublishedInAll = 50_000;

/** Sockets of engines that are there, by the places that Docker and Podman document, and by DOCKER_HOST and CONTAINER_HOST. */
export function findEngineSockets(environment: Readonly<Record<string, string | undefined>>): readonly string[] {
  const paths = ["/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock"];
  for (const name of ["DOCKER_HOST", "CONTAINER_HOST"]) {
    const path = /^unix:\/\/(\/.+)$/.exec(environment[name] ?? "")?.[1];
    if (path !== undefined) paths.push(path);
  }
  const home = environment["HOME"] ?? "";
  if (home !== "") paths.push(`${home}/.docker/run/docker.sock`);
  for (const user of listUsers()) paths.push(`/run/user/${user}/docker.sock`, `/run/user/${user}/podman/podman.sock`);
  // On many systems /var/run is a link to /run.
  const seen = new Set<string>();
  return paths.filter((path) => {
    const place = path.replace(/^\/var\/run\//, "/run/");
    if (seen.has(place) || !existsSync(path)) return false;
    seen.add(place);
    return true;
  });
}

function listUsers(): readonly string[] {
  try {
    return readdirSync("/run/user").filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Asks every socket, all at once. */
export async function askEngines(paths: readonly string[], signal: AbortSignal): Promise<readonly EngineAnswer[]> {
  return await Promise.all(paths.map((path) => askEngine(path, signal)));
}

async function askEngine(path: string, signal: AbortSignal): Promise<EngineAnswer> {
  try {
    const docker = await get(path, "/containers/json", signal);
    const isPodman = docker.headers["libpod-api-version"] !== undefined;
    const listed = isPodman ? await get(path, "/v4.0.0/libpod/containers/json", signal) : docker;
    const owner = ownerOf(path);
    const containers = isPodman ? parsePodmanContainers(listed.body, owner) : parseDockerContainers(listed.body, owner);
    return { path, containers: containers ?? [], failure: containers === undefined ? "malformed" : null };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    return { path, containers: [], failure: code === "EACCES" || code === "EPERM" ? "permission" : "silent" };
  }
}

/** The user below whose folder a socket lies. */
function ownerOf(path: string): number | null {
  const user = /^\/run\/user\/(\d+)\//.exec(path)?.[1];
  return user === undefined ? null : Number(user);
}

interface Answer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

function get(socketPath: string, path: string, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const limit = linkAbort(signal, patienceMs);
    const call = request({ socketPath, path, signal: limit.signal, headers: { host: "localhost" } }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > largestAnswer) call.destroy(new Error("The answer is too long."));
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode !== 200) reject(new Error(`The engine answered ${response.statusCode}.`));
        else resolve({ headers: response.headers, body: Buffer.concat(chunks).toString("utf8") });
      });
    });
    call.once("close", limit.release);
    call.on("error", reject);
    call.end();
  });
}

/** GET /containers/json of Docker's Engine API; `undefined` when it is no list. */
export function parseDockerContainers(text: string, owner: number | null = null): EngineContainer[] | undefined {
  return parseList(text, owner, (entry) => ({
    engine: "docker",
    name: textOf(listOf(entry["Names"])[0])?.replace(/^\//, "") ?? null,
    pod: null,
    // One entry for IPv4 and one for IPv6.
    published: withoutRepeats(
      listOf(entry["Ports"]).flatMap((port) => {
        const { IP, PrivatePort, PublicPort, Type } = recordOf(port);
        return publish(textOf(IP) ?? "", PublicPort, PrivatePort, Type);
      }),
    ),
  }));
}

/** GET /libpod/containers/json of Podman; `undefined` when it is no list. */
export function parsePodmanContainers(text: string, owner: number | null = null): EngineContainer[] | undefined {
  return parseList(text, owner, (entry) => ({
    engine: "podman",
    name: textOf(listOf(entry["Names"])[0]) ?? null,
    pod: textOf(entry["PodName"]) ?? null,
    published: listOf(entry["Ports"]).flatMap((port) => {
      const { host_ip: address, host_port: first, container_port: inside, range, protocol } = recordOf(port);
      const count = typeof range === "number" && range > 0 && range <= 65_536 ? range : 1;
      if (typeof first !== "number" || typeof inside !== "number") return [];
      const protocols = new Set((textOf(protocol) ?? "tcp").split(",", 8));
      return [...protocols].flatMap((one) =>
        Array.from({ length: Math.min(count, mostPublished) }, (_, step) =>
          publish(textOf(address) ?? "", first + step, inside + step, one),
        ).flat(),
      );
    }),
  }));
}

function parseList(
  text: string,
  owner: number | null,
  read: (entry: Readonly<Record<string, unknown>>) => Pick<EngineContainer, "engine" | "name" | "pod" | "published">,
): EngineContainer[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  let left = mostPublishedInAll;
  return list.slice(0, mostContainers).flatMap((item): EngineContainer[] => {
    const entry = recordOf(item);
    const id = textOf(entry["Id"]);
    if (id === undefined || !/^[0-9a-f]{64}$/.test(id)) return [];
    const labels = recordOf(entry["Labels"]);
    const told = read(entry);
    const published = told.published.slice(0, Math.min(mostPublished, left));
    left -= published.length;
    return [
      {
        id,
        image: textOf(entry["Image"]) ?? null,
        composeProject:
          textOf(labels["com.docker.compose.project"]) ?? textOf(labels["io.podman.compose.project"]) ?? null,
        composeService:
          textOf(labels["com.docker.compose.service"]) ?? textOf(labels["io.podman.compose.service"]) ?? null,
        owner,
        ...told,
        published,
      },
    ];
  });
}

function publish(hostAddress: string, hostPort: unknown, containerPort: unknown, type: unknown): PublishedPort[] {
  if (!isPort(hostPort) || !isPort(containerPort)) return [];
  if (type !== "tcp" && type !== "udp" && type !== "sctp") return [];
  const everywhere = hostAddress === "0.0.0.0" || hostAddress === "::";
  return [{ transport: type, hostAddress: everywhere ? "" : hostAddress, hostPort, containerPort }];
}

function withoutRepeats(ports: readonly PublishedPort[]): PublishedPort[] {
  return [...new Map(ports.map((port) => [JSON.stringify(port), port])).values()];
}

function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0 && value <= 65_535;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value.slice(0, 1024) : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
