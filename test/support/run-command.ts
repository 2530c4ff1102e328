/**
 * @module Runs the built command as a user would, and keeps what it printed.
 */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The built command. */
export const commandPath = fileURLToPath(new URL("../../dist/bin/portolan.cjs", import.meta.url));

export interface CommandOutcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `portolan WORDS` with a small, known environment and waits for its end. */
export function runCommand(
  words: readonly string[],
  options: { environment?: Record<string, string>; stdout?: number; uid?: number; cwd?: string } = {},
): Promise<CommandOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [commandPath, ...words], {
      env: { PATH: process.env["PATH"] ?? "", ...options.environment },
      stdio: ["ignore", options.stdout ?? "pipe", "pipe"],
      ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    });
    let stdout = "";
    let stderr = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.once("error", reject);
    child.once("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
