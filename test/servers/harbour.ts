/**
 * @module The harbour: real servers from Debian's packages, started side by side in network namespaces of the test's own.
 */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createNetworkNamespace, type NetworkNamespace } from "../support/netns.ts";
import { makeServerFolder } from "./launch.ts";
import type { HarbourServer, RunningServer } from "./server.ts";
import { harbourServers } from "./servers.ts";

/** How long a program may take to print its version, milliseconds. */
const versionDeadlineMs = 30_000;

/** Ports from here on remind of no protocol. */
const firstUnknownPort = 40_010;

/** One server at its place. */
export interface Berth extends RunningServer {
  readonly server: HarbourServer;
  /** Where it listens; `undefined`: in the network of the test itself. */
  readonly namespace: NetworkNamespace | undefined;
  /** How long its start took, milliseconds. */
  readonly startMs: number;
}

/** Servers that run. */
export interface Harbour {
  /** Of all servers but those that are `alone`; `undefined`: they stand in the network of the test itself. */
  readonly namespace: NetworkNamespace | undefined;
  readonly berths: readonly Berth[];
  /** Holds everything that the servers write. */
  readonly folder: string;
  /** What was asked for and does not run. Always empty with PORTOLAN_REQUIRE_SERVERS=1. */
  readonly missing: readonly { readonly id: string; readonly reason: string }[];
  /** How long the start took, milliseconds. */
  readonly startMs: number;
  /** Ends all servers, and removes the namespaces it made and their folders. Safe to call twice. */
  end(): Promise<void>;
}

export interface HarbourOptions {
  /**
   * `usual`: where the server is met in the wild. Where two servers want one port the first gets 127.0.0.1, the next 127.0.0.2.
   * `unusual`: a port above 1024 on 127.0.0.1, of the kind that people choose. `unknown`: one that tells nothing.
   */
  readonly ports?: "usual" | "unusual" | "unknown";
  /**
   * Where all of them stand, those that are `alone` too. Default: namespaces of their own. `null`: the network of the test itself.
   * A namespace given here outlives the harbour.
   */
  readonly namespace?: NetworkNamespace | null;
  /** IPv4 address for all of them. Default: loopback addresses, see `ports`. */
  readonly address?: string;
}

/**
 * Starts servers and resolves when all of them listen.
 * @param ids default: all of them
 * @throws Error with PORTOLAN_REQUIRE_SERVERS=1, when one of them cannot be started
 */
export async function startHarbour(ids?: readonly string[], options: HarbourOptions = {}): Promise<Harbour> {
  const began = performance.now();
  const required = process.env["PORTOLAN_REQUIRE_SERVERS"] === "1";
  const wanted = selectServers(ids);
  const { ports = "usual", namespace: given, address } = options;
  const missing: { id: string; reason: string }[] = [];
  const made: NetworkNamespace[] = [];
  const berths: Berth[] = [];
  const makeNamespace = async (): Promise<NetworkNamespace> => {
    const namespace = await createNetworkNamespace();
    made.push(namespace);
    return await openLowPorts(namespace);
  };
  const folder = await mkdtemp(join(tmpdir(), "portolan-harbour-"));
  const end = async (): Promise<void> => {
    await Promise.all(berths.map((berth) => berth.stop()));
    await Promise.all(made.map((namespace) => namespace.destroy()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await chmod(folder, 0o755);
    const namespace =
      given === null ? undefined : given === undefined ? await makeNamespace() : await openLowPorts(given);
    const lacking = await findMissingPackages(wanted.flatMap((server) => server.packages));
    const taken = new Map<number, number>();
    await Promise.all(
      wanted.map(async (server) => {
        const unknownPort = firstUnknownPort + 17 * harbourServers.indexOf(server);
        const port = { usual: server.usualPort, unusual: server.unusualPort, unknown: unknownPort }[ports];
        const alone = server.alone === true && given === undefined;
        const before = alone ? 0 : (taken.get(port) ?? 0);
        if (!alone) taken.set(port, before + 1);
        const lacks = server.packages.filter((name) => lacking.has(name));
        if (lacks.length > 0) {
          missing.push({ id: server.id, reason: `not installed (Debian): ${lacks.join(", ")}` });
          return;
        }
        const startedAt = performance.now();
        try {
          const home = alone ? await makeNamespace() : namespace;
          const place = {
            address: address ?? `127.0.0.${before + 1}`,
            port,
            folder: makeServerFolder(folder, server.id),
          };
          const running = await server.start(home === undefined ? place : { ...place, namespace: home });
          berths.push({ ...running, server, namespace: home, startMs: performance.now() - startedAt });
        } catch (error) {
          missing.push({ id: server.id, reason: error instanceof Error ? error.message : String(error) });
        }
      }),
    );
    if (required && missing.length > 0) {
      const reasons = missing.map(({ id, reason }) => `${id}: ${reason}`);
      throw new Error(`Required, but cannot run:\n${reasons.join("\n")}`);
    }
    const order = new Map(wanted.map((server, index) => [server.id, index]));
    berths.sort((one, other) => order.get(one.server.id)! - order.get(other.server.id)!);
    return { namespace, folder, berths, missing, startMs: performance.now() - began, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The berths of each namespace: doors can only be asked from inside. */
export function groupByNamespace(harbour: Harbour): ReadonlyMap<NetworkNamespace, readonly Berth[]> {
  const groups = new Map<NetworkNamespace, Berth[]>();
  for (const berth of harbour.berths) {
    if (berth.namespace === undefined) continue;
    groups.set(berth.namespace, [...(groups.get(berth.namespace) ?? []), berth]);
  }
  return groups;
}

/** Servers that run as nobody take their usual port like everybody else's daemon. */
async function openLowPorts(namespace: NetworkNamespace): Promise<NetworkNamespace> {
  await namespace.execIn("sh", ["-c", "echo 0 > /proc/sys/net/ipv4/ip_unprivileged_port_start"]);
  return namespace;
}

function selectServers(ids: readonly string[] | undefined): readonly HarbourServer[] {
  if (ids === undefined) return harbourServers;
  return ids.map((id) => {
    const server = harbourServers.find((candidate) => candidate.id === id);
    if (server === undefined) throw new Error(`No server of the harbour is called ${id}`);
    return server;
  });
}

/** Which of these Debian packages are not installed. All of them on a machine that is not Debian's kind. */
export async function findMissingPackages(names: readonly string[]): Promise<ReadonlySet<string>> {
  const asked = [...new Set(names)];
  const format = "${Package} ${db:Status-Status}\n";
  // It fails when it does not know one of them, and still prints the others.
  const printed = await promisify(execFile)("dpkg-query", ["-W", "-f", format, ...asked]).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout?: string }) => stdout ?? "",
  );
  const installed = new Set(Array.from(printed.matchAll(/^(\S+) installed$/gm), ([, name = ""]) => name));
  return new Set(asked.filter((name) => !installed.has(name)));
}

/** What a server's program says its version is; `null` when it says nothing of the kind. */
export async function readVersion(server: HarbourServer): Promise<string | null> {
  const [program, ...words] = server.products.versionCommand;
  const folder = await mkdtemp(join(tmpdir(), "portolan-version-"));
  try {
    // vsftpd prints its version to its standard input, wherever that leads.
    const file = await open(join(folder, "output"), "a+");
    try {
      const child = spawn(program, words, {
        env: { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin`, HOME: folder, LC_ALL: "C.UTF-8" },
        stdio: [file.fd, file.fd, file.fd],
        timeout: versionDeadlineMs,
        killSignal: "SIGKILL",
      });
      // Some end with a status of failure.
      await once(child, "close");
    } finally {
      await file.close();
    }
    const printed = await readFile(join(folder, "output"), "utf8");
    return server.products.versionPattern.exec(printed)?.[1] ?? null;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
