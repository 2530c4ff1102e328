/**
 * @module Starts a program to tell it something on its standard input, and waits for its end. Never through a shell.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";

/** How it went: `null`, or what went wrong in some words. */
export type TellOutcome = string | null;

/** After SIGTERM a program has so long, milliseconds. */
const killMs = 2000;

/** What the program is given. */
export interface Telling {
  /** Path of the program. */
  readonly path: string;
  readonly words: readonly string[];
  readonly input: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Then it gets SIGTERM, and SIGKILL after that, milliseconds. */
  readonly deadlineMs: number;
  /** Ends it, too. */
  readonly signal: AbortSignal;
}

/** Runs it. What it writes goes to standard error: standard output is for data. */
export async function tellProgram({
  path,
  words,
  input,
  environment,
  deadlineMs,
  signal,
}: Telling): Promise<TellOutcome> {
  const child = spawn(path, [...words], { stdio: ["pipe", 2, 2], env: { ...environment } });
  let late = false;
  let killTimer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill("SIGTERM");
    killTimer ??= setTimeout(() => child.kill("SIGKILL"), killMs);
  };
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, deadlineMs);
  signal.addEventListener("abort", stop, { once: true });
  // Who does not read is not forced to.
  child.stdin!.on("error", () => undefined);
  child.stdin!.end(input);
  try {
    const [status, endedBy] = (await once(child, "exit")) as [number | null, string | null];
    if (late) return `it had not ended after ${deadlineMs / 1000} s and was ended`;
    if (endedBy !== null) return signal.aborted ? null : `it was ended by ${endedBy}`;
    return status === 0 ? null : `it ended with status ${status}`;
  } catch (error) {
    return `it could not be started: ${(error as NodeJS.ErrnoException).code ?? String(error)}`;
  } finally {
    clearTimeout(timer);
    clearTimeout(killTimer);
    signal.removeEventListener("abort", stop);
  }
}
