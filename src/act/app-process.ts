/**
 * @module Starts a program that this one looks after: in a session of its own, what it says read here.
 *
 * A session of its own has no terminal, so that Ctrl-C reaches this process alone, which passes it on once, to the program and to everything
 * that it started and that has not left its group (setsid(2)).
 */
import { spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { constants as systemConstants } from "node:os";
import type { Readable } from "node:stream";
import { openPipe, type Pipe } from "./open-pipe.ts";
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
  const pipes = openPipes();
  const child = spawn(program, rest, {
    cwd: command.workingDirectory,
    env: { ...command.environment },
    stdio: pipes === null ? ["pipe", "pipe", "pipe"] : [pipes.input.read, pipes.output.write, pipes.errors.write],
    detached: true,
    windowsHide: true,
  });
  // The program has its own copies; with ours its output would never end.
  if (pipes !== null) closeAll([pipes.input.read, pipes.output.write, pipes.errors.write]);
  child.stdin?.on("error", () => undefined);
  const endInput = (): void => {
    if (pipes !== null) closeAll([pipes.input.write]);
    child.stdin?.destroy();
  };
  const ended = new Promise<{ exitStatus: number; signal: NodeJS.Signals | null }>((resolve) => {
    child.once("exit", (code, signal) => {
      endInput();
      resolve({ exitStatus: code ?? 128 + (signal === null ? 0 : systemConstants.signals[signal]), signal });
    });
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error: NodeJS.ErrnoException) => {
      endInput();
      if (pipes !== null) closeAll([pipes.output.read, pipes.errors.read]);
      reject(startFailure(program, error));
    });
  });
  return {
    pid: child.pid!,
    ended,
    output: pipes === null ? child.stdout! : readFrom(pipes.output.read),
    errors: pipes === null ? child.stderr! : readFrom(pipes.errors.read),
  };
}

interface Pipes {
  readonly input: Pipe;
  readonly output: Pipe;
  readonly errors: Pipe;
}

/** All three or none. */
function openPipes(): Pipes | null {
  const opened = [openPipe(), openPipe(), openPipe()];
  const [input, output, errors] = opened;
  if (input && output && errors) return { input, output, errors };
  for (const pipe of opened) if (pipe !== null) closeAll([pipe.read, pipe.write]);
  return null;
}

function closeAll(descriptors: readonly number[]): void {
  for (const descriptor of descriptors) closeSync(descriptor);
}

function readFrom(descriptor: number): Readable {
  return new Socket({ fd: descriptor, readable: true, writable: false });
}
