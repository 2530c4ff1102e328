/**
 * @module A gateway in a process of its own, at a port that was free and stays the test's: the listening socket is opened here and handed over
 * as systemd would. What the process holds can be asked for: memory after a garbage collection, descriptors, processor time.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { askGateway, keepRoute, type GatewayStatus, type Route } from "../../src/gateway/index.ts";
import { descriptorOf } from "../../src/host/index.ts";
import type { NetworkNamespace } from "./netns.ts";
import { commandPath, type CommandOutcome } from "./run-command.ts";

/** Loaded by `NODE_OPTIONS=--import=…`, with GATEWAY_PROBE as its folder. */
export const probePath = fileURLToPath(new URL("gateway-probe.mjs", import.meta.url));

/** What a process holds. */
export interface ProcessUsage {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly descriptors: number;
  /** How often each kind of thing is open, by Node's names. */
  readonly resources: Readonly<Record<string, number>>;
}

/** How it is started. */
export interface GatewayProcessOptions {
  /** Most file descriptors (RLIMIT_NOFILE), both limits. Default: this process's. */
  readonly descriptorLimit?: number;
  /** Runs there, at port 80 of its loopback addresses. Default: here, at a free port. */
  readonly namespace?: NetworkNamespace;
  /** User and group that it and every command run as. Default: this process's. */
  readonly uid?: number;
  /** Words behind `gateway serve`. */
  readonly words?: readonly string[];
}

/** A gateway's process and its state folder. */
export interface GatewayProcess {
  readonly folder: string;
  readonly port: number;
  /** Of HTTPS. */
  readonly securePort: number;
  /** The process that serves now: another one after `restart`. */
  readonly status: () => Promise<GatewayStatus | null>;
  /** Runs `portolan WORDS` with this gateway's state folder. */
  portolan(words: readonly string[]): Promise<CommandOutcome>;
  /** Writes routes and tells the gateway. */
  addRoutes(...routes: readonly Route[]): Promise<void>;
  usage(pid?: number): Promise<ProcessUsage>;
  /** The process that was started first. */
  readonly child: ChildProcess;
  /** What the process wrote to standard error. */
  readonly said: () => string;
  /** Ends every gateway of this state folder, and removes it. */
  close(): Promise<void>;
}

/** Starts one and waits until it serves. */
export async function startGatewayProcess(options: GatewayProcessOptions = {}): Promise<GatewayProcess> {
  const folder = mkdtempSync(join(tmpdir(), "pgp-"));
  const environment = {
    PATH: process.env["PATH"] ?? "",
    HOME: folder,
    PORTOLAN_STATE_HOME: folder,
    GATEWAY_PROBE: folder,
  };
  const { descriptorLimit, namespace, uid } = options;
  const identity =
    uid === undefined ? [] : ["setpriv", "--reuid", String(uid), "--regid", String(uid), "--clear-groups"];
  if (uid !== undefined) chownSync(folder, uid, uid);
  let words = [...identity, process.execPath, commandPath, "gateway", "serve", "--json", ...(options.words ?? [])];
  if (descriptorLimit !== undefined) words = ["prlimit", `--nofile=${descriptorLimit}:${descriptorLimit}`, ...words];
  if (namespace !== undefined) words = ["ip", "netns", "exec", namespace.name, ...words];
  // One for HTTP, one for HTTPS.
  const doors = namespace === undefined ? [createServer(), createServer()] : [];
  for (const door of doors) await once(door.listen(0, "127.0.0.1"), "listening");
  const [port = 80, securePort = 443] = doors.map((door) => (door.address() as AddressInfo).port);
  const child = spawn(words[0]!, words.slice(1), {
    stdio: ["ignore", "pipe", "pipe", ...doors.map((door) => descriptorOf(door)!)],
    env: {
      ...environment,
      NODE_OPTIONS: `--import=${probePath}`,
      ...(doors.length === 0 ? {} : { LISTEN_FDS: "2", LISTEN_FDNAMES: "http:https" }),
    },
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ready = createInterface({ input: child.stdout! });
  await Promise.race([
    once(ready, "line"),
    once(child, "exit").then(() => Promise.reject(new Error(`The gateway did not start: ${said}`))),
  ]);
  // From now on the process alone holds the ports.
  for (const door of doors) door.close();
  const status = (): Promise<GatewayStatus | null> => askGateway<GatewayStatus>(folder, { do: "status" });
  return {
    folder,
    port,
    securePort,
    child,
    status,
    said: () => said,
    portolan: (own) => runWith([...identity, process.execPath, commandPath, ...own], environment, namespace),
    addRoutes: async (...routes) => {
      for (const route of routes) await keepRoute(folder, route, true);
      await askGateway(folder, { do: "reload" });
    },
    usage: async (pid) => await usageOf(folder, pid ?? (await status())!.pid),
    close: async () => {
      // The first one and its successors: each is named by its probe.
      const pids = readdirSync(folder).flatMap((name) => /^probe-(\d+)\.sock$/.exec(name)?.[1] ?? []);
      for (const pid of pids.map(Number)) if (isServing(pid)) process.kill(pid, "SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await untilAll(pids.map(Number), (pid) => !isServing(pid));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A gateway's process that is no zombie: the pid may be another's by now. */
export function isServing(pid: number): boolean {
  try {
    if (/^\d+ \(.*\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"))) return false;
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("\0gateway\0serve\0");
  } catch {
    return false;
  }
}

async function untilAll(pids: readonly number[], isSo: (pid: number) => boolean): Promise<void> {
  for (let round = 0; round < 500 && !pids.every(isSo); round += 1)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

async function runWith(
  line: readonly string[],
  environment: Record<string, string>,
  namespace: NetworkNamespace | undefined,
): Promise<CommandOutcome> {
  const [program = "", ...rest] = namespace === undefined ? line : ["ip", "netns", "exec", namespace.name, ...line];
  const child = spawn(program, rest, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const [status, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { status, signal, stdout, stderr };
}

/** What a process that was started with the probe holds, after its garbage was collected. */
export async function usageOf(folder: string, pid: number): Promise<ProcessUsage> {
  const socket = connect(join(folder, `probe-${pid}.sock`));
  let text = "";
  for await (const part of socket.setEncoding("utf8")) text += part as string;
  const told = JSON.parse(text) as {
    heapUsed: number;
    external: number;
    arrayBuffers: number;
    rss: number;
    resources: Record<string, number>;
  };
  return {
    residentBytes: told.rss,
    heapBytes: told.heapUsed,
    externalBytes: told.external,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    resources: told.resources,
  };
}

let ticksPerSecond: number | undefined;

/** Processor time that a process has used, milliseconds (proc(5), fields 14 and 15). */
export function processorMsOf(pid: number): number {
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
}

/** Bytes as people read them. */
export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}
