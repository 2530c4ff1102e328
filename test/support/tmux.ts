/**
 * @module A real terminal for tests: tmux with a server of its own.
 */
import { execFile, execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);
/** How long a screen may take to look as expected, milliseconds. */
const deadlineMs = 12_000;

/** Why there is no tmux here, or `null`. */
export function whyNoTmux(): string | null {
  return existsSync("/usr/bin/tmux") ? null : "tmux is not installed";
}

/** One pane with a shell in it. */
export interface Terminal {
  /** Types text, or names of keys as tmux has them. */
  type(...keys: readonly string[]): Promise<void>;
  /** What is on the screen. */
  screen(): Promise<string>;
  /** The same with the sequences that make its colours and weights. */
  looks(): Promise<string>;
  /** Waits until the screen is as wanted. */
  until(wanted: RegExp | ((screen: string) => boolean)): Promise<string>;
  /** A variable of the pane, e.g. `cursor_flag`. */
  ask(name: string): Promise<string>;
  resize(columns: number, rows: number): Promise<void>;
  close(): Promise<void>;
}

let count = 0;

/** Starts a shell in a terminal of that size. */
export async function openTerminal(
  columns: number,
  rows: number,
  environment: Readonly<Record<string, string>> = {},
): Promise<Terminal> {
  count += 1;
  const socket = `portolan-test-${process.pid}-${count}`;
  const tmux = async (...words: readonly string[]): Promise<string> =>
    (await run("tmux", ["-L", socket, "-f", "/dev/null", ...words])).stdout;
  const variables = Object.entries(environment).flatMap(([name, value]) => ["-e", `${name}=${value}`]);
  await tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), ...variables, "env PS1='ready> ' sh");
  const screen = (): Promise<string> => tmux("capture-pane", "-p");
  const terminal: Terminal = {
    type: async (...keys) => {
      await tmux("send-keys", ...keys);
    },
    screen,
    looks: () => tmux("capture-pane", "-p", "-e"),
    until: async (wanted) => {
      const endMs = Date.now() + deadlineMs;
      for (;;) {
        const seen = await screen();
        if (typeof wanted === "function" ? wanted(seen) : wanted.test(seen)) return seen;
        if (Date.now() > endMs) throw new Error(`The screen never was as expected (${String(wanted)}):\n${seen}`);
        await new Promise((resolve) => setTimeout(resolve, 30));
      }
    },
    ask: async (name) => (await tmux("display", "-p", `#{${name}}`)).trim(),
    resize: async (newColumns, newRows) => {
      await tmux("resize-window", "-x", String(newColumns), "-y", String(newRows));
    },
    close: async () => {
      try {
        execFileSync("tmux", ["-L", socket, "kill-server"], { stdio: "ignore" });
      } catch {
        // It has ended with its shell.
      }
    },
  };
  await terminal.until(/ready>/);
  return terminal;
}
