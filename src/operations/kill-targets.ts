/**
 * @module Which ports `kill` is to free: by number, range, name, project, or because their terminal has ended.
 */
import { isAbsolute, relative, resolve } from "node:path";
import { readTerminalTies } from "../act/index.ts";
import { PortSet, PortolanError, isListening, knownOr, parseEndpoint, quote, type Socket } from "../core/index.ts";
import type { Snapshot } from "../host/index.ts";
import { findReservation, readReservations } from "../lease/index.ts";
import { loopbackAddress, ownAddresses } from "../plan/index.ts";
import { portOfScheme } from "../registry/index.ts";
import { findProject } from "../tenant/index.ts";
import { leaseHome } from "./lease-parts.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedService } from "./schemas.ts";
import { parsePortWords } from "./who.ts";

/** What a person asks to be freed. */
export interface KillTargets {
  readonly targets?: readonly string[] | undefined;
  readonly project?: string | undefined;
  readonly orphans?: boolean | undefined;
  readonly transport?: "tcp" | "udp" | undefined;
}

/** Accepts a socket that holds a port. */
export type TargetTest = (socket: Socket, service: ListedService | undefined) => boolean;

/**
 * The test for a wish: ports widen each other; project and orphans narrow what is left, and stand alone without ports.
 * @throws ARGUMENT_INVALID when nothing is named; PORT_INVALID, PORT_SET_INVALID, ENDPOINT_INVALID, SERVICE_UNKNOWN
 */
export async function readKillTargets(
  wish: KillTargets,
  context: OperationContext,
): Promise<{
  /** Ports that are named, whatever the transport; `null` for all. */
  readonly ports: PortSet | null;
  readonly test: TargetTest;
}> {
  const { targets = [], project, orphans, transport } = wish;
  if (targets.length === 0 && project === undefined && orphans !== true) {
    throw new PortolanError("ARGUMENT_INVALID", "kill: nothing is named to be freed.", {
      details: { hint: "Name a port (3000), a range (3000-3010), a name, --project or --orphans." },
    });
  }
  const ports = targets.length === 0 ? null : await readPorts(targets, context);
  const folder = project === undefined ? null : projectTest(project, context);
  return {
    ports: ports === null ? null : ports.tcp.union(ports.udp),
    test: (socket, service) =>
      (ports === null || ports[socket.transport as "tcp" | "udp"].has(socket.local.port)) &&
      (transport === undefined || socket.transport === transport) &&
      (folder === null || (service !== undefined && folder(service))) &&
      (orphans !== true || (service !== undefined && isOrphan(service, context.userId))),
  };
}

/** A name that this project has reserved means its port; any other is a service's. `udp:53` means one transport, `53` both. */
async function readPorts(
  words: readonly string[],
  context: OperationContext,
): Promise<{ readonly tcp: PortSet; readonly udp: PortSet }> {
  let tcp = PortSet.empty;
  let udp = PortSet.empty;
  for (const word of words) {
    refuseMistakes(word, context);
    const reserved = /^[a-z][\w.-]*$/i.test(word) ? await findReserved(word, context) : undefined;
    const [, only, rest] = /^(tcp|udp):(?:\/\/)?(.+)$/.exec(word) ?? [undefined, undefined, word];
    const ports = reserved === undefined ? parsePortWords([rest!]) : PortSet.of(reserved);
    if (only !== "udp") tcp = tcp.union(ports);
    if (only !== "tcp") udp = udp.union(ports);
  }
  return { tcp, udp };
}

/**
 * `-9` is a signal to everybody who knows kill(1), and every port up to 9 to the grammar of ports; and another device's port cannot be freed
 * from here.
 */
function refuseMistakes(word: string, context: OperationContext): void {
  if (/^-\d+$/.test(word)) {
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `${quote(word)} is not clear: a signal, or every port up to ${word.slice(1)}?`,
      {
        details: {
          given: word,
          hint: `A signal is --signal ${word.slice(1)}; ports up to ${word.slice(1)} are ..${word.slice(1)}`,
        },
      },
    );
  }
  if (!word.includes(":") || /^(?:tcp|udp):\d/.test(word)) return;
  const { host } = parseEndpoint(word, { portOfScheme });
  const own =
    host.kind === "any" ||
    host.kind === "unspecified" ||
    (host.kind === "name" && (host.name === "localhost" || host.name.endsWith(".localhost"))) ||
    (host.kind === "address" && isOwnAddress(host.address.address, context));
  if (own) return;
  throw new PortolanError("ARGUMENT_INVALID", `${quote(word)} is not a port of this machine.`, {
    details: { given: word },
  });
}

function isOwnAddress(address: string, context: OperationContext): boolean {
  if (address === "0.0.0.0" || address === "::" || loopbackAddress(address)) return true;
  return ownAddresses(context.host.readInterfaces()).has(address);
}

async function findReserved(name: string, context: OperationContext): Promise<number | undefined> {
  const { file, project } = await leaseHome(context);
  return findReservation(readReservations(file), name, project)?.port;
}

/** By the project's exact name, the last part of it, or a folder: a path, or `.` for the one the caller stands in. */
function projectTest(wanted: string, context: OperationContext): (service: ListedService) => boolean {
  if (wanted === "") throw new PortolanError("ARGUMENT_INVALID", "--project needs a name or a folder.");
  const isPath = wanted === "." || wanted.includes("/");
  const here = wanted === "." ? findProject(context.workingDirectory)?.root : undefined;
  if (wanted === "." && here === undefined) {
    // Least of all every project below the folder, which is the whole machine's where the folder was removed.
    throw new PortolanError(
      "ARGUMENT_INVALID",
      `--project .: there is no project in ${quote(context.workingDirectory)}.`,
    );
  }
  const folder = isPath ? (here ?? resolve(context.workingDirectory, wanted)) : null;
  return ({ project }) => {
    if (project === null) return false;
    const { name, root } = project.value;
    if (folder === null) return name === wanted || name.split("/").at(-1) === wanted;
    const inside = relative(folder, root);
    return inside === "" || (!inside.startsWith("..") && !isAbsolute(inside));
  };
}

/**
 * A program of a project that nobody looks after any more: it was started in a terminal's session (its session's leader was another
 * process) and that leader has ended, its terminal is gone, its parent has ended, no supervisor claims it, and it is the caller's own.
 * A daemon leads its own session or belongs to a unit, and is none.
 */
function isOrphan({ holders, project, supervisor }: ListedService, userId: number | null): boolean {
  if (project === null || (supervisor !== null && !isRunner(supervisor.value.kind))) return false;
  return knownOr(holders, []).some(({ pid, uid }) => {
    if (userId !== null && knownOr(uid, -1) !== userId) return false;
    const ties = readTerminalTies(pid);
    if (ties === undefined || ties.sessionId === pid || ties.hasTerminal) return false;
    const adopted = ties.parentPid <= 1 || readTerminalTies(ties.parentPid)?.sessionId !== ties.sessionId;
    return adopted && readTerminalTies(ties.sessionId) === undefined;
  });
}

/** A script runner does not look after what it started. */
function isRunner(kind: string): boolean {
  return ["npm", "npx", "pnpm", "yarn", "bun", "deno"].includes(kind);
}

/** Whether a socket holds its port: it listens, takes datagrams from anybody, or is bound. Connections never do for this purpose. */
export function holdsPort(socket: Socket): boolean {
  return isListening(socket) || socket.state === "BOUND";
}

/** The service of a snapshot that a socket belongs to. */
export function indexServices(services: readonly ListedService[]): ReadonlyMap<number, ListedService> {
  return new Map(services.flatMap((service) => service.sockets.map((socket) => [socket.inode, service] as const)));
}

/** Holders of a socket, an empty list when none is known. */
export function holderPids(snapshot: Snapshot, socket: Socket): readonly number[] {
  return knownOr(snapshot.holdersOf(socket), []).map(({ pid }) => pid);
}
