/**
 * @module Runs a program to its end and takes what it says. Never through a shell.
 */
import { execFile } from "node:child_process";

/** What came of it. */
export type ProgramOutcome =
  | { readonly ended: "well"; readonly output: string }
  | { readonly ended: "badly"; readonly message: string }
  | { readonly ended: "missing" };

/** Most that a program may say, bytes. */
const largestOutput = 1 << 20;

/**
 * Runs it. It is ended with SIGKILL at the deadline, milliseconds, or when the signal aborts.
 * @param options.user runs it as somebody else, which root alone can
 */
export function runProgram(
  program: string,
  words: readonly string[],
  options: {
    deadlineMs: number;
    signal: AbortSignal;
    environment: Readonly<Record<string, string | undefined>>;
    user?: { readonly uid: number; readonly gid: number };
  },
): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const { deadlineMs, signal, environment, user } = options;
    execFile(
      program,
      [...words],
      {
        timeout: deadlineMs,
        killSignal: "SIGKILL",
        signal,
        maxBuffer: largestOutput,
        env: { ...environment },
        ...user,
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ ended: "well", output: stdout });
        else if (error.code === "ENOENT") resolve({ ended: "missing" });
        else resolve({ ended: "badly", message: (stderr.trim() || error.message).split("\n")[0] ?? "" });
      },
    );
  });
}
