/**
 * @module Starting the gateway's process: apart from whoever needs it, and once, however many need it in the same moment.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, statSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { PortolanError } from "../core/index.ts";
import { waitForLock } from "../store/index.ts";
import { askGateway, gatewayLock, type GatewayStatus } from "./control-client.ts";
import { readUserService, startUserService } from "./service/installed-service.ts";

/** How a gateway is to be started. */
export interface StartOptions {
  readonly stateFolder: string;
  /** Words behind `gateway serve`. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Longest time until it serves, milliseconds. */
const startTimeoutMs = 20_000;
/** A log that grew larger is begun anew, bytes. */
const largestLog = 1024 * 1024;

/** What the gateway needs of an environment; the rest is its caller's business. */
const passedOn =
  /^(?:PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|PORTOLAN_\w+|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|LOCALAPPDATA|APPDATA|SystemRoot)$/;

/** Where the gateway writes what it has to say. */
export function gatewayLogPath(stateFolder: string): string {
  return join(stateFolder, "gateway", "gateway.log");
}

/** The gateway's status, or `null` when none runs. @throws GATEWAY_FAILED */
export function readGatewayStatus(stateFolder: string): Promise<GatewayStatus | null> {
  return askGateway<GatewayStatus>(stateFolder, { do: "status" });
}

/** The words that start a gateway. @throws GATEWAY_FAILED */
export function gatewayCommand(words: readonly string[]): string[] {
  return portolanCommand(["gateway", "serve", "--json", ...words]);
}

/** The command that is this package's. @throws GATEWAY_FAILED when it is not there */
export function portolanCommand(words: readonly string[]): string[] {
  // As one of the library's files, or as part of the bundled command.
  const places = ["../bin/portolan.cjs", "../portolan.cjs"].map((place) => join(import.meta.dirname, place));
  const command = places.find((place) => existsSync(place));
  if (command === undefined)
    throw new PortolanError("GATEWAY_FAILED", "The command portolan is not where this package keeps it.");
  return [process.execPath, command, ...words];
}

/**
 * Makes sure that a gateway runs.
 * @throws GATEWAY_FAILED with what it said
 */
export async function ensureGateway(
  options: StartOptions,
): Promise<{ readonly status: GatewayStatus; readonly started: boolean }> {
  const { stateFolder, signal } = options;
  const running = await readGatewayStatus(stateFolder);
  if (running !== null) return { status: running, started: false };
  const lock = await waitForLock(`${gatewayLock(stateFolder)}/start`, startTimeoutMs, signal);
  try {
    const meanwhile = await readGatewayStatus(stateFolder);
    if (meanwhile !== null) return { status: meanwhile, started: false };
    refuseOtherWords(options);
    // A service is started as one: a second gateway beside it would be in its way.
    if (!(await startUserService(stateFolder, options.environment, signal)))
      await startProcess(options).catch(async (error: unknown) => {
        // One that runs, but whose socket was removed, puts it back.
        for (let attempt = 0; attempt < 30 && isRunningAlready(error) && !signal.aborted; attempt += 1) {
          await pause(100);
          if ((await readGatewayStatus(stateFolder)) !== null) return;
        }
        throw error;
      });
    const status = await readGatewayStatus(stateFolder);
    if (status === null) throw new PortolanError("GATEWAY_FAILED", "The gateway ended as soon as it had started.");
    return { status, started: true };
  } finally {
    lock.release();
  }
}

function isRunningAlready(error: unknown): boolean {
  return error instanceof PortolanError && error.message.includes("A gateway runs already");
}

/** A service has its words from its file. */
function refuseOtherWords({ stateFolder, words, environment }: StartOptions): void {
  const installed = words.length === 0 ? undefined : readUserService(stateFolder, environment);
  if (installed === undefined || JSON.stringify(installed.words) === JSON.stringify(words)) return;
  throw new PortolanError("GATEWAY_FAILED", "The gateway is installed as a service, with other words.", {
    details: { hint: `portolan gateway install ${words.join(" ")} changes it, portolan gateway uninstall removes it.` },
  });
}

async function startProcess({ stateFolder, words, environment, signal }: StartOptions): Promise<void> {
  const [program = "", ...rest] = gatewayCommand(words);
  const logPath = gatewayLogPath(stateFolder);
  const log = openLog(logPath);
  const child = spawn(program, rest, {
    detached: true,
    cwd: "/",
    stdio: ["ignore", "pipe", log],
    env: Object.fromEntries(
      Object.entries({ ...environment, PORTOLAN_STATE_HOME: stateFolder }).filter(([name]) => passedOn.test(name)),
    ),
    windowsHide: true,
  });
  closeSync(log);
  const ended = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", () =>
      reject(
        new PortolanError("GATEWAY_FAILED", lastWords(logPath), {
          details: { log: logPath, hint: `All that it said is in ${logPath}` },
        }),
      ),
    );
  });
  ended.catch(() => undefined);
  const timer = setTimeout(() => child.kill("SIGKILL"), startTimeoutMs);
  const onAbort = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout! })) if (line.includes('"ready"')) return;
      await ended;
    })();
    await Promise.race([ready, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
    child.removeAllListeners("exit");
    child.stdout!.destroy();
    child.unref();
  }
}

function openLog(path: string): number {
  try {
    mkdirSync(join(path, ".."), { recursive: true, mode: 0o700 });
    const large = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLog;
    return openSync(path, large ? "w" : "a", 0o600);
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new PortolanError("STORE_FAILED", `${path} could not be written (${why}).`, { details: { path }, cause });
  }
}

/** What a gateway that did not start said last. */
function lastWords(path: string): string {
  try {
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    for (const line of lines.slice(-20).toReversed()) {
      const error = line.startsWith('{"error":') ? (JSON.parse(line) as { error: { message: string } }) : undefined;
      if (error !== undefined) return `The gateway did not start: ${error.error.message}`;
    }
    return `The gateway did not start: ${lines.at(-1) ?? "it said nothing"}`;
  } catch {
    return "The gateway did not start, and said nothing.";
  }
}

/** Waits until a gateway that was asked to stop has let go of its doors. @throws GATEWAY_FAILED */
export async function untilGatewayEnded(stateFolder: string, signal: AbortSignal): Promise<void> {
  const lock = await waitForLock(gatewayLock(stateFolder), startTimeoutMs, signal);
  lock.release();
}
