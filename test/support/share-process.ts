/**
 * @module `portolan share` in a process of its own, as a user would start it.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import type { ShareEvent, ShareResult } from "../../src/operations/share-schemas.ts";
import { commandPath } from "./run-command.ts";

/** One that runs. */
export interface ShareProcess {
  readonly child: ChildProcess;
  readonly ready: ShareEvent;
  /** What it wrote to standard error. */
  readonly said: () => string;
  /** Memory that it holds, bytes. */
  residentBytes(): number;
  /** Ctrl-C. @returns what it printed then, and its exit status */
  interrupt(): Promise<{ readonly result: ShareResult; readonly status: number | null }>;
}

/** Starts it and waits until it listens. @throws what it said, when it does not */
export async function startShareProcess(
  words: readonly string[],
  { stateFolder, cwd }: { stateFolder: string; cwd?: string },
): Promise<ShareProcess> {
  const child = spawn(process.execPath, [commandPath, "share", ...words, "--json"], {
    env: { PATH: process.env["PATH"] ?? "", HOME: stateFolder, PORTOLAN_STATE_HOME: stateFolder },
    stdio: ["ignore", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const closed = once(child, "close") as Promise<[number | null]>;
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true) {
    await closed;
    throw new Error(said);
  }
  return {
    child,
    ready: JSON.parse(first.value) as ShareEvent,
    said: () => said,
    residentBytes: () =>
      1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]),
    interrupt: async () => {
      child.kill("SIGINT");
      const last = await lines.next();
      const [status] = await closed;
      return { result: JSON.parse(last.value as string) as ShareResult, status };
    },
  };
}
