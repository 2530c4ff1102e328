/**
 * @module Starts the demo's servers, each as a process of its own, and ends them again.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, parse } from "node:path";
import { PortolanError, isPort, toPort, type Port } from "../core/index.ts";
import { demoPrograms, type DemoProgram } from "./demo-programs.ts";

/** How long a server may take until it listens, milliseconds. */
const startDeadlineMs = 20_000;
/** How long a server may take to end by itself before it is ended by force, milliseconds. */
const endDeadlineMs = 2000;

/** How the servers listen. */
export interface DemoServerOptions {
  /** True: at every IPv4 address of this machine. False: at 127.0.0.1 alone. */
  readonly everywhere: boolean;
  /** False: no particular ports, the kernel chooses. Default true. */
  readonly pleasantPorts?: boolean;
  readonly signal: AbortSignal;
}

/** A server of the demo that listens. */
export interface DemoServer extends Pick<DemoProgram, "id" | "name" | "what"> {
  readonly pid: number;
  /** Address that it is bound to. */
  readonly address: string;
  readonly port: Port;
  /** The port that it asked for first, `null` when it asked for any. */
  readonly wantedPort: Port | null;
  /** Resolves when its process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /** Ends its process and waits for that. Safe to call again. */
  end(): Promise<void>;
}

/**
 * Starts all three. A taken port makes a server ask for the next one of its list, never fail.
 * @throws ABORTED by the signal; LISTEN_FAILED when a process cannot be started or gets no port at all. None is left behind.
 */
export async function startDemoServers(options: DemoServerOptions): Promise<readonly DemoServer[]> {
  const starts = await Promise.allSettled(demoPrograms.map((program) => startServer(program, options)));
  const servers = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
  const failed = starts.find((start) => start.status === "rejected");
  if (failed === undefined && !options.signal.aborted) return servers;
  await endDemoServers(servers);
  // Ctrl-C on a terminal may have ended a server as well: then the interrupt is the reason.
  throw failed === undefined || options.signal.aborted ? aborted() : failed.reason;
}

/** Ends several servers and waits until all have ended. */
export async function endDemoServers(servers: readonly DemoServer[]): Promise<void> {
  await Promise.all(servers.map((server) => server.end()));
}

/** The first of these servers to end, or `undefined` when the signal comes first. Keeps this process alive meanwhile. */
export async function waitForEnd(servers: readonly DemoServer[], signal: AbortSignal): Promise<DemoServer | undefined> {
  if (signal.aborted) return undefined;
  const stillHere = setInterval(() => undefined, 60_000);
  const listening = new AbortController();
  try {
    return await Promise.race([
      once(signal, "abort", { signal: listening.signal }).then(() => undefined),
      ...servers.map((server) => server.ended.then(() => server)),
    ]);
  } finally {
    clearInterval(stillHere);
    listening.abort();
  }
}

async function startServer(program: DemoProgram, options: DemoServerOptions): Promise<DemoServer> {
  if (options.signal.aborted) throw aborted();
  const { id, name, what } = program;
  const folder = await makeProject(name);
  const child = spawn(process.execPath, ["--input-type=commonjs", "-e", program.source], {
    // The root of the file system is nobody's project.
    cwd: folder ?? parse(process.execPath).root,
    env: environmentWithoutNode(),
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    windowsHide: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    // A process that never was has no exit. Later errors are those of `kill` and `send`, and an exit follows.
    child.on("error", () => child.pid === undefined && resolve());
  });
  const end = async (): Promise<void> => {
    await endChild(child, ended);
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  };
  const ports = options.pleasantPorts === false ? [] : program.ports;
  const address = options.everywhere ? "0.0.0.0" : "127.0.0.1";
  try {
    const port = await askForPort(child, program, { host: address, ports, folder }, options);
    // Whoever starts the servers and forgets them is not kept alive by them, and they end with it.
    child.unref();
    child.channel?.unref();
    return {
      id,
      name,
      what,
      pid: child.pid!,
      address,
      port,
      wantedPort: ports[0] === undefined ? null : toPort(ports[0]),
      ended,
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A project of its own, by whose name the chart shows the server; `null` where no temporary folder can be made. */
async function makeProject(name: string): Promise<string | null> {
  let folder: string | undefined;
  try {
    folder = await mkdtemp(join(tmpdir(), `portolan-${name}-`));
    await writeFile(join(folder, "package.json"), `${JSON.stringify({ name, private: true })}\n`);
    return folder;
  } catch {
    // A read-only or full disk: the server runs all the same, without a project of its own.
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    return null;
  }
}

/** Tells the child where to listen and resolves with the port that it got. */
function askForPort(
  child: ChildProcess,
  program: DemoProgram,
  request: { readonly host: string; readonly ports: readonly number[]; readonly folder: string | null },
  { signal }: DemoServerOptions,
): Promise<Port> {
  const { promise, resolve, reject } = withResolvers<Port>();
  const fail = (reason: string): void =>
    reject(
      new PortolanError("LISTEN_FAILED", `The demo's server ${program.name} could not be started: ${reason}.`, {
        details: { server: program.name },
      }),
    );
  const onAbort = (): void => reject(aborted());
  const deadline = setTimeout(
    () => fail(`it did not listen within ${startDeadlineMs / 1000} seconds`),
    startDeadlineMs,
  );
  signal.addEventListener("abort", onAbort, { once: true });
  child.once("error", (error) => fail(error.message));
  child.once("exit", (status, by) => fail(`its process ended (${by ?? `status ${status}`})`));
  child.once("message", (message) => {
    const { port, message: reason } = message as { port?: unknown; message?: unknown };
    if (isPort(port)) resolve(port);
    else fail(String(reason));
  });
  child.send(request, (error) => error !== null && fail(error.message));
  return promise.finally(() => {
    clearTimeout(deadline);
    signal.removeEventListener("abort", onAbort);
  });
}

/** Asks the process to end, ends it by force when it does not, and waits until it has ended. */
async function endChild(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    child.ref();
    child.kill("SIGTERM");
    const force = setTimeout(() => child.kill("SIGKILL"), endDeadlineMs);
    await ended;
    clearTimeout(force);
  } else await ended;
}

/** Options meant for this process (`NODE_OPTIONS=--inspect`) are not meant for the servers. */
function environmentWithoutNode(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("NODE_")));
}

function aborted(): PortolanError {
  return new PortolanError("ABORTED", "The demo was stopped while its servers were starting.");
}

/** `Promise.withResolvers` of later Node versions. */
function withResolvers<T>(): {
  promise: Promise<T>;
  resolve: (value: T) => void;
  reject: (reason: PortolanError) => void;
} {
  let resolve!: (value: T) => void;
  let reject!: (reason: PortolanError) => void;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
