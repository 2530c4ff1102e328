/**
 * @module How a server's program is started, awaited and ended.
 */
import { execFile, spawn, type ChildProcess, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { findSocketTables, isListening } from "./listening-sockets.ts";
import type { RunningServer, StartOptions, Transport } from "./server.ts";

/** `nobody` on every Linux (include/linux/highuid.h: DEFAULT_OVERFLOWUID). */
const nobody = 65_534;
/** How long a server may take until it listens, milliseconds, unless it says otherwise. */
const startDeadlineMs = 60_000;
/** How long a program that prepares a server may take, milliseconds. */
const prepareDeadlineMs = 60_000;
/** How long a server may take to end after it was asked to, milliseconds. */
const endDeadlineMs = 5_000;
/** Servers' programs are often where only root's PATH looks. */
const searchPath = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`;

/** A server's program. */
export interface Command {
  readonly program: string;
  readonly words: readonly string[];
  /** Default `nobody`: root only where the server refuses to be anybody else. Without root, always the user who tests. */
  readonly user?: "nobody" | "root";
  readonly environment?: Readonly<Record<string, string>>;
  /** Default: its folder. */
  readonly cwd?: string;
  /** Default `["tcp"]`. */
  readonly transports?: readonly Transport[];
  /** Log files in its folder, beside standard output and standard error. */
  readonly logFiles?: readonly string[];
  /** Descriptors beyond standard error that lead to its log. Default 0. */
  readonly spareDescriptors?: number;
  /** For those who listen before they serve: what the log says when they do. */
  readonly readyLine?: RegExp;
  /** Default `SIGTERM`. */
  readonly stopSignal?: NodeJS.Signals;
  /** Milliseconds. Default 60,000. */
  readonly deadlineMs?: number;
}

function wordsAs(user: "nobody" | "root", program: string, words: readonly string[]): [string, ...string[]] {
  if (user === "root" || process.getuid?.() !== 0) return [program, ...words];
  return ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups", program, ...words];
}

function environmentOf(folder: string, environment: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { PATH: searchPath, HOME: folder, TMPDIR: folder, LC_ALL: "C.UTF-8", TZ: "UTC", ...environment };
}

/** Names of the user and group that servers run as, for settings that insist on names. Debian's names. */
export function serverUser(): { user: string; group: string } {
  if (process.getuid?.() === 0) return { user: "nobody", group: "nogroup" };
  const { username, gid } = userInfo();
  return { user: username, group: String(gid) };
}

/** Gives a file or folder to the user that servers run as. */
export function giveToServer(path: string): void {
  if (process.getuid?.() === 0) chownSync(path, nobody, nobody);
}

/** Makes a folder, or a file with content, that the server may write to. Returns its path. */
export function makeServerFolder(...path: [string, ...string[]]): string {
  const folder = join(...path);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  giveToServer(folder);
  return folder;
}

/** Writes a file that belongs to the server. Returns its path. */
export function writeServerFile(folder: string, name: string, content: string, mode = 0o644): string {
  const path = join(folder, name);
  writeFileSync(path, content, { mode });
  giveToServer(path);
  return path;
}

/** Runs a program that prepares a server, to its end, as the server's user. @throws what it printed, when it fails */
export async function prepare(folder: string, program: string, words: readonly string[]): Promise<void> {
  const [first, ...rest] = wordsAs("nobody", program, words);
  await promisify(execFile)(first, rest, {
    cwd: folder,
    env: environmentOf(folder),
    timeout: prepareDeadlineMs,
    killSignal: "SIGKILL",
  });
}

/**
 * Starts a server and resolves when it listens at all its transports.
 * @throws Error with the end of its log, when it ends or does not listen in time
 */
export async function launch(options: StartOptions, command: Command): Promise<RunningServer> {
  const { address, port, folder, namespace } = options;
  const tables = await findSocketTables(namespace);
  const output = writeServerFile(folder, "output.log", "");
  const descriptor = openSync(output, "a");
  const [program, ...words] = wordsAs(command.user ?? "nobody", command.program, command.words);
  const spawnOptions: SpawnOptions = {
    cwd: command.cwd ?? folder,
    env: environmentOf(folder, command.environment),
    stdio: ["ignore", descriptor, descriptor, ...Array<number>(command.spareDescriptors ?? 0).fill(descriptor)],
    // A process group of its own, so that the server and its children can be ended together.
    detached: true,
  };
  const child =
    namespace === undefined ? spawn(program, words, spawnOptions) : namespace.spawnIn(program, words, spawnOptions);
  closeSync(descriptor);
  const logs = [output, ...(command.logFiles ?? []).map((name) => join(folder, name))];
  const logText = (): string => logs.map((path) => (existsSync(path) ? readFileSync(path, "utf8") : "")).join("");
  let failure: Error | null = null;
  child.once("error", (error) => (failure = error));
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= endGroup(child, command.stopSignal ?? "SIGTERM"));

  const ready = (): boolean =>
    (command.transports ?? ["tcp"]).every((transport) => isListening(tables, transport, address, port)) &&
    (command.readyLine === undefined || command.readyLine.test(logText()));
  const deadlineMs = performance.now() + (command.deadlineMs ?? startDeadlineMs);
  while (!ready()) {
    const why =
      failure !== null
        ? `cannot be started: ${(failure as Error).message}`
        : hasEnded(child)
          ? `ended (${child.exitCode ?? child.signalCode})`
          : performance.now() > deadlineMs
            ? "does not listen in time"
            : null;
    if (why !== null) {
      await stop();
      throw new Error(`${command.program} ${why}: ${logText().trim().slice(-2000)}`);
    }
    await delay(40);
  }
  return { pid: child.pid!, address, port, logText, stop };
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function endGroup(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined) return;
  const ended = hasEnded(child) ? Promise.resolve() : once(child, "exit");
  child.kill(signal);
  await Promise.race([ended, delay(endDeadlineMs, undefined, { ref: false })]);
  // Whatever of the group outlived its leader, and a leader that would not end.
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // Nobody of the group is left.
  }
  await ended;
}
