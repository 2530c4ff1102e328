/**
 * @module Runs a program in this one's place: same terminal, same signals, same exit status.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { constants as systemConstants } from "node:os";
import { delimiter, join } from "node:path";
import { isatty } from "node:tty";
import { PortolanError, quote } from "../core/index.ts";
import { readProcessStat } from "../host/index.ts";

/** What to run. */
export interface ChildCommand {
  /** Program and arguments, at least the program. Never seen by a shell. */
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory: string;
  /** Descriptors that it gets as 3, 4, …, with LISTEN_FDS and LISTEN_PID (sd_listen_fds(3)). Default none. */
  readonly descriptors?: readonly number[];
}

/** A program that runs. */
export interface RunningChild {
  readonly pid: number;
  /** Its exit status: 128 and the signal's number when a signal ended it, as shells count. */
  readonly ended: Promise<{ readonly exitStatus: number; readonly signal: NodeJS.Signals | null }>;
}

/** What is passed on. The terminal sends the first two to every process of the foreground itself. */
const terminalSignals: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];
const otherSignals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];

/**
 * The shell knows its own pid before it becomes the program, which is what LISTEN_PID must name; the words are its arguments and are
 * not read as shell.
 */
const becomeProgram = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"';

/**
 * Starts it. From then on signals to this process go to the child, until it has ended.
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_STARTED
 */
export async function startChild(command: ChildCommand): Promise<RunningChild> {
  const [program = "", ...rest] = command.words;
  const descriptors = command.descriptors ?? [];
  const passes = descriptors.length > 0;
  requireProgram(program, command);
  const child = spawn(passes ? "/bin/sh" : program, passes ? ["-c", becomeProgram, "sh", program, ...rest] : rest, {
    cwd: command.workingDirectory,
    env: { ...command.environment, ...(passes ? { LISTEN_FDS: String(descriptors.length) } : {}) },
    stdio: ["inherit", "inherit", "inherit", ...descriptors],
  });
  const stopPassing = passSignals(child);
  const ended = new Promise<{ exitStatus: number; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      stopPassing();
      const number = signal === null ? 0 : systemConstants.signals[signal];
      resolve({ exitStatus: code ?? 128 + number, signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) => {
      stopPassing();
      reject(startFailure(program, error));
    });
  });
  return { pid: child.pid!, ended };
}

/** A program that was named by a path is looked at there, any other on the PATH that the child will have. @throws COMMAND_NOT_FOUND, COMMAND_NOT_STARTED */
export function requireProgram(
  program: string,
  { environment, workingDirectory }: Pick<ChildCommand, "environment" | "workingDirectory">,
): void {
  if (process.platform === "win32") return;
  const places = program.includes("/")
    ? [program.startsWith("/") ? program : join(workingDirectory, program)]
    : (environment["PATH"] ?? "/usr/bin:/bin")
        .split(delimiter)
        .map((folder) => join(folder === "" ? "." : folder, program));
  let there = false;
  for (const place of program === "" ? [] : places) {
    try {
      if (!statSync(place).isFile()) continue;
      there = true;
      accessSync(place, constants.X_OK);
      return;
    } catch {
      // Not in this folder, or not to be executed there.
    }
  }
  if (there)
    throw new PortolanError("COMMAND_NOT_STARTED", `${quote(program)} may not be executed.`, { details: { program } });
  throw new PortolanError("COMMAND_NOT_FOUND", `There is no program ${quote(program)}.`, { details: { program } });
}

export function startFailure(program: string, error: NodeJS.ErrnoException): PortolanError {
  return new PortolanError(
    error.code === "ENOENT" ? "COMMAND_NOT_FOUND" : "COMMAND_NOT_STARTED",
    `${quote(program)} could not be started (${error.code ?? error.message}).`,
    { details: { program }, cause: error },
  );
}

function passSignals(child: ChildProcess): () => void {
  const handlers = new Map<NodeJS.Signals, () => void>();
  for (const signal of [...terminalSignals, ...otherSignals]) {
    const fromTerminal = terminalSignals.includes(signal);
    const handler = (): void => {
      // What Ctrl-C sends has reached the child already; once more would be a second Ctrl-C.
      if (!(fromTerminal && isForeground())) child.kill(signal);
    };
    handlers.set(signal, handler);
    process.on(signal, handler);
  }
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}

/** Whether this process is in the foreground of its terminal: its group is the terminal's (proc_pid_stat(5), pgrp and tpgid). */
function isForeground(): boolean {
  const stat = readProcessStat(process.pid);
  return stat === undefined ? isatty(0) : stat.processGroup === stat.foregroundGroup;
}
