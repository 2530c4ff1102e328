/**
 * @module Network namespaces for tests: made, given addresses, run in, and always removed again.
 */
import { execFile, execFileSync, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long any one `ip` command may take, milliseconds. */
const deadlineMs = 20_000;

/** What a test wants its namespace to look like, beside a loopback interface that is up. */
export interface NetworkNamespaceOptions {
  /**
   * Addresses with their prefix (`10.77.0.2/24`, `fd00:77::2/64`) for an interface `lan0`. Its other end is `wire0` in this
   * namespace, or `lan0` of `peer`. Default: no such interface.
   */
  readonly addresses?: readonly string[];
  /** Default routes by these addresses (`10.77.0.1`) through `lan0`. Default: none. */
  readonly gateways?: readonly string[];
  /** A namespace that has no `lan0` yet, to hold the other end of the wire. */
  readonly peer?: NetworkNamespace;
  /** Addresses with their prefix for the other end. */
  readonly peerAddresses?: readonly string[];
}

/** A namespace of our own. */
export interface NetworkNamespace {
  readonly name: string;
  /** Runs a program in it to its end. Rejects when it fails, as `execFile` does. */
  execIn(
    command: string,
    words: readonly string[],
    options?: { environment?: NodeJS.ProcessEnv; timeoutMs?: number },
  ): Promise<{ stdout: string; stderr: string }>;
  /** Starts a program in it. Its pid is the program's own, because `ip netns exec` becomes what it runs. */
  spawnIn(command: string, words: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Ends every process that is still in it, and removes it. Safe to call twice. */
  destroy(): Promise<void>;
}

const alive = new Set<string>();
let counter = 0;
let cleansAtExit = false;

/** Makes a namespace whose name no other test process uses. */
export async function createNetworkNamespace(options: NetworkNamespaceOptions = {}): Promise<NetworkNamespace> {
  const name = `portolan-test-${process.pid}-${counter++}`;
  if (!cleansAtExit) {
    cleansAtExit = true;
    process.once("exit", removeLeftovers);
  }
  await ip(["netns", "add", name]);
  alive.add(name);
  const namespace = describeNamespace(name);
  try {
    await ip(["-n", name, "link", "set", "lo", "up"]);
    if (options.addresses !== undefined) await layWire(name, options, options.addresses);
  } catch (error) {
    await namespace.destroy();
    throw error;
  }
  return namespace;
}

function describeNamespace(name: string): NetworkNamespace {
  return {
    name,
    execIn: (command, words, { environment, timeoutMs = deadlineMs } = {}) =>
      run("ip", ["netns", "exec", name, command, ...words], {
        timeout: timeoutMs,
        killSignal: "SIGKILL",
        maxBuffer: 1 << 29,
        ...(environment === undefined ? {} : { env: { PATH: process.env["PATH"], ...environment } }),
      }),
    spawnIn: (command, words, spawnOptions = {}) =>
      spawn("ip", ["netns", "exec", name, command, ...words], spawnOptions),
    async destroy() {
      if (!alive.delete(name)) return;
      const { stdout } = await ip(["netns", "pids", name]);
      for (const pid of stdout.split("\n").filter(Boolean)) killQuietly(Number(pid));
      await ip(["netns", "del", name]);
    },
  };
}

async function layWire(name: string, options: NetworkNamespaceOptions, addresses: readonly string[]): Promise<void> {
  const other = options.peer?.name ?? name;
  const otherEnd = options.peer === undefined ? "wire0" : "lan0";
  await ip(["-n", name, "link", "add", "lan0", "type", "veth", "peer", "name", otherEnd, "netns", other]);
  await addAddresses(name, "lan0", addresses);
  await addAddresses(other, otherEnd, options.peerAddresses ?? []);
  await ip(["-n", other, "link", "set", otherEnd, "up"]);
  await ip(["-n", name, "link", "set", "lan0", "up"]);
  for (const gateway of options.gateways ?? []) {
    await ip(["-n", name, "route", "add", "default", "via", gateway, "dev", "lan0"]);
  }
}

async function addAddresses(name: string, link: string, addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    // Without `nodad` an IPv6 address cannot be bound for a second or two after it was given.
    const words = address.includes(":") ? ["nodad"] : [];
    await ip(["-n", name, "address", "add", address, "dev", link, ...words]);
  }
}

function ip(words: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run("ip", [...words], { timeout: deadlineMs, killSignal: "SIGKILL" });
}

/** The last resort, for tests that were cut short before their own clean-up. */
function removeLeftovers(): void {
  for (const name of alive) {
    try {
      const pids = execFileSync("ip", ["netns", "pids", name], { encoding: "utf8", timeout: deadlineMs });
      for (const pid of pids.split("\n").filter(Boolean)) killQuietly(Number(pid));
      execFileSync("ip", ["netns", "del", name], { stdio: "ignore", timeout: deadlineMs });
    } catch {
      // At exit there is nobody left to tell.
    }
  }
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** Why namespaces cannot be made here, or `null` when they can. */
export function whyNoNetworkNamespaces(): string | null {
  if (process.platform !== "linux") return "network namespaces are Linux's";
  if (process.getuid?.() !== 0) return "making network namespaces takes root";
  const probe = `portolan-probe-${process.pid}`;
  try {
    execFileSync("ip", ["netns", "add", probe], { stdio: ["ignore", "ignore", "pipe"], timeout: deadlineMs });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    if (code === "ENOENT") return "`ip` is not installed (Debian: iproute2)";
    return `\`ip netns add\` is refused here: ${String(stderr ?? error).trim()}`;
  }
  execFileSync("ip", ["netns", "del", probe], { stdio: "ignore", timeout: deadlineMs });
  return null;
}

/** Why a program cannot be run, or `null` when it is there. Searches PATH without running it. */
export function whyNoProgram(program: string, debianPackage: string): string | null {
  for (const folder of [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"]) {
    try {
      accessSync(`${folder}/${program}`, constants.X_OK);
      return null;
    } catch {
      // Not in this folder.
    }
  }
  return `\`${program}\` is not installed (Debian: ${debianPackage})`;
}

/**
 * For `describe.skipIf`: true when one of the reasons is not `null`, which is printed.
 * @throws instead, with PORTOLAN_REQUIRE_SERVERS=1 in the environment
 */
export function requireOrSkip(what: string, ...reasons: readonly (string | null)[]): boolean {
  const missing = reasons.filter((reason) => reason !== null);
  if (missing.length === 0) return false;
  const message = `${what}: ${missing.join("; ")}`;
  if (process.env["PORTOLAN_REQUIRE_SERVERS"] === "1") throw new Error(`Required, but cannot run: ${message}`);
  console.log(`skipped: ${message}`);
  return true;
}
