/**
 * @module Starts a program that this one looks after: in a session of its own, what it says read here.
 *
 * A session of its own has no terminal, so that Ctrl-C reaches this process alone, which passes it on once, to the program and to everything
 * that it started and that has not left its group (setsid(2)).
 */
import { spawn } from "node:child_process";
import { constants as systemConstants } from "node:os";
import type { Readable } from "node:stream";
import { requireProgram, startFailure, type ChildCommand, type RunningChild } from "./run-child.ts";

/** Such a program. */
export interface AppProcess extends RunningChild {
  readonly output: Readable;
  readonly errors: Readable;
}

/**
 * Starts it. Its input stays open and empty as long as it runs: many development servers end with their input.
 * @throws COMMAND_NOT_FOUND, COMMAND_NOT_STARTED
 */
export async function startApp(command: ChildCommand): Promise<AppProcess> {
  const [program = "", ...rest] = command.words;
  requireProgram(program, command);
  const child = spawn(program, rest, {
    cwd: command.workingDirectory,
    env: { ...command.environment },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    windowsHide: true,
  });
  child.stdin.on("error", () => undefined);
  const ended = new Promise<{ exitStatus: number; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      child.stdin.destroy();
      resolve({ exitStatus: code ?? 128 + (signal === null ? 0 : systemConstants.signals[signal]), signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) => reject(startFailure(program, error)));
  });
  return { pid: child.pid!, ended, output: child.stdout, errors: child.stderr };
}
