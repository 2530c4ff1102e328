/**
 * @module A process that waits for the end of `up`, however that comes about, and ends what it started if it has not done so itself.
 *
 * The kernel closes the pipe between the two when `up` has ended, SIGKILL included. A program cannot be told of its parent's end by the kernel
 * (prctl(2), PR_SET_PDEATHSIG) from here, and its children would not be.
 */
import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { portolanCommand } from "../gateway/index.ts";

/** What the guard needs of an environment. */
const passedOn = /^(?:PATH|HOME|USER|LANG|LC_\w+|TMPDIR|XDG_\w+|PORTOLAN_STATE_HOME|LOCALAPPDATA|APPDATA|SystemRoot)$/;

/** Such a process. */
export interface Guard {
  readonly pid: number;
  /** Lets it look, and end: when the record is gone there is nothing for it to do. */
  readonly release: () => void;
}

/**
 * Starts it, in a session of its own so that no terminal reaches it.
 * @returns `null` when it could not be started: the next `up` then finds what is left
 */
export function startGuard(
  recordPath: string,
  environment: Readonly<Record<string, string | undefined>>,
): Guard | null {
  try {
    const [program = "", ...words] = portolanCommand(["__guard", recordPath]);
    const child = spawn(program, words, {
      detached: true,
      cwd: "/",
      stdio: ["pipe", "ignore", "ignore"],
      env: Object.fromEntries(Object.entries(environment).filter(([name]) => passedOn.test(name))),
      windowsHide: true,
    });
    child.on("error", () => undefined);
    child.stdin.on("error", () => undefined);
    // Neither keeps this process alive; the pipe is closed by its end.
    child.unref();
    (child.stdin as Socket).unref();
    return child.pid === undefined ? null : { pid: child.pid, release: () => void child.stdin.destroy() };
  } catch {
    return null;
  }
}
