/**
 * @module Free ports for a program: promised to its process until that ends.
 */
import { networkInterfaces } from "node:os";
import { PortSet, PortolanError, isPort, parseIpAddress, quote, type Port } from "../core/index.ts";
import { createHost } from "../host/index.ts";
import { resolveServiceName } from "../registry/index.ts";
import { stateFolderOf, useRegistryCache, type KernelLock } from "../store/index.ts";
import { acquirePorts, type PortWish } from "./acquire-ports.ts";
import { acquireNamedPort } from "./named-port.ts";
import { readReservations, reservationFile, reservedPorts } from "./reservations.ts";

/** What port is wanted. Every entry may be left out. */
export interface PickPortOptions {
  /** Tried first, in this order: one port or several. When none is free another one is chosen, as with `within`. */
  readonly port?: number | Iterable<number>;
  /** Chosen from these, lowest first: a PortSet or its grammar (`3000-3999,8080`). Default: ports that are safe to hand out, at random. */
  readonly within?: PortSet | string;
  /** Never these. */
  readonly exclude?: Iterable<number> | string;
  /**
   * IP address, or `localhost` for both loopback addresses, on which it must be free. Default: every address of both families,
   * so that whatever the program binds succeeds.
   */
  readonly host?: string;
  /** Default `tcp`. */
  readonly transport?: "tcp" | "udp" | "both";
  /** The same port for this name in the same project, every time; kept in the user's reservations. For one port only. */
  readonly name?: string;
  /** Folder that `name` belongs to the project of. Default: the working directory. */
  readonly workingDirectory?: string;
  /** Ends the search with ABORTED. */
  readonly signal?: AbortSignal;
}

/** One for the process, also where the package was loaded twice. */
const leasesKey = Symbol.for("portolan.process-leases");
const shared = globalThis as { [leasesKey]?: Map<number, KernelLock> };
const processLeases = (shared[leasesKey] ??= new Map<number, KernelLock>());

/**
 * A free port that no other caller of Portolan on this machine gets while this process lives.
 * @throws PORTS_EXHAUSTED, PORT_TAKEN (with `name`), LEASE_STORE_FAILED, STORE_FAILED, ARGUMENT_INVALID, ADDRESS_INVALID, ABORTED
 */
export async function pickPort(options: PickPortOptions = {}): Promise<Port> {
  if (options.name === undefined) return (await pickPorts(1, options))[0]!;
  useRegistryCache(process.env);
  const host = createHost();
  const name = checkName(options.name);
  const workingDirectory = options.workingDirectory ?? process.cwd();
  const project = await projectFolderOf(workingDirectory);
  const { port, lock } = await acquireNamedPort(
    { name, project },
    readWish(options),
    reservationFile(stateFolderOf(process.env)),
    { host, signal: options.signal ?? new AbortController().signal, random: Math.random, nowMs: Date.now },
  );
  processLeases.set(port, lock);
  return port;
}

/**
 * Several free ports, all or none.
 * @param count from 1 to 65535
 * @param options.contiguous neighbours, ascending; default false
 * @throws as `pickPort`
 */
export async function pickPorts(
  count: number,
  options: Omit<PickPortOptions, "name"> & { readonly contiguous?: boolean } = {},
): Promise<Port[]> {
  if (!Number.isInteger(count) || count < 1 || count > 65_535) {
    throw new PortolanError("ARGUMENT_INVALID", `The number of ports is a whole number from 1 to 65535, not ${count}.`);
  }
  useRegistryCache(process.env);
  const wish: PortWish = {
    ...readWish(options),
    count,
    contiguous: options.contiguous === true,
    reserved: reservedPorts(readReservations(reservationFile(stateFolderOf(process.env)))),
    start: null,
  };
  const signal = options.signal ?? new AbortController().signal;
  const acquired = await acquirePorts(wish, { host: createHost(), signal, random: Math.random });
  for (const { port, lock } of acquired) processLeases.set(port, lock);
  return acquired.map(({ port }) => port);
}

/** Gives a port back before the process ends. Without a lease on it nothing happens. */
export function releasePort(port: number): void {
  processLeases.get(port)?.release();
  processLeases.delete(port);
}

/** Gives every port of this process back. */
export function releasePorts(): void {
  for (const port of processLeases.keys()) releasePort(port);
}

/**
 * The ports from one to another, both included, for `port`.
 * @throws ARGUMENT_INVALID when they are no ports or run backwards
 */
export function* portNumbers(from: number, to: number): Generator<number, void> {
  if (!isPort(from) || !isPort(to) || from > to) {
    throw new PortolanError("ARGUMENT_INVALID", `${from} to ${to} is no range of ports.`);
  }
  for (let port = from; port <= to; port++) yield port;
}

/** Whether a port can have that name: letters, digits and `-_.`, at most 64 of them, a letter first. */
export function isName(name: string): boolean {
  return /^[a-z][\w.-]{0,63}$/i.test(name);
}

/** The name of a port. @throws ARGUMENT_INVALID */
export function checkName(name: string): string {
  if (isName(name)) return name;
  throw new PortolanError("ARGUMENT_INVALID", `${quote(name)} is not accepted as a name.`, {
    details: {
      argument: "name",
      hint: "A name has letters, digits, - _ and dots, starts with a letter, and has 64 of them at most.",
    },
  });
}

/** The folder that tells one project from another: a git worktree has its own. */
export async function projectFolderOf(workingDirectory: string): Promise<string> {
  // Loaded for names alone.
  const { findProject } = await import("../tenant/index.ts");
  return findProject(workingDirectory)?.root ?? workingDirectory;
}

/** @throws ARGUMENT_INVALID, ADDRESS_INVALID, PORT_SET_INVALID */
export function readWish(
  options: Pick<PickPortOptions, "port" | "within" | "exclude" | "host" | "transport">,
): Omit<PortWish, "count" | "contiguous" | "reserved" | "start"> {
  const { port, within, exclude, transport = "tcp" } = options;
  const prefer = typeof port === "number" ? [port] : [...(port ?? [])];
  for (const one of prefer) {
    if (!isPort(one))
      throw new PortolanError("PORT_INVALID", `${one} is not a port.`, { details: { argument: "port" } });
  }
  return {
    transports: transport === "both" ? ["tcp", "udp"] : [transport],
    addresses: readAddresses(options.host),
    prefer,
    within:
      within === undefined ? null : typeof within === "string" ? PortSet.parse(within, resolveServiceName) : within,
    except:
      exclude === undefined
        ? PortSet.empty
        : typeof exclude === "string"
          ? PortSet.parse(exclude, resolveServiceName)
          : PortSet.from(exclude),
  };
}

function readAddresses(host: string | undefined): readonly string[] | null {
  if (host === undefined || host === "" || host === "*") return null;
  if (host === "localhost") {
    // A machine without IPv6 has one loopback address.
    const own = Object.values(networkInterfaces()).flatMap((entries) => (entries ?? []).map(({ address }) => address));
    return own.includes("::1") ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  }
  const { address } = parseIpAddress(host);
  return [address];
}
