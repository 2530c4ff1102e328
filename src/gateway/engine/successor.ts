/**
 * @module The next gateway: started with the listening sockets as its descriptors, as systemd hands them over (sd_listen_fds(3)).
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** Descriptors of one scheme. */
export interface PassedDescriptors {
  readonly scheme: "http" | "https";
  readonly descriptors: readonly number[];
}

/** Longest time until it serves, milliseconds. */
const startTimeoutMs = 20_000;

/**
 * Starts it and waits until it serves.
 * @param command program and arguments
 * @returns its pid
 */
export async function startSuccessor(
  command: readonly string[],
  passed: readonly PassedDescriptors[],
): Promise<number> {
  const [program = "", ...words] = command;
  const all = passed.flatMap(({ scheme, descriptors }) => descriptors.map((descriptor) => ({ scheme, descriptor })));
  const child = spawn(program, words, {
    detached: true,
    stdio: ["ignore", "pipe", "inherit", ...all.map(({ descriptor }) => descriptor)],
    env: {
      ...process.env,
      // systemd's word for whom they are meant named the process before.
      LISTEN_PID: undefined,
      LISTEN_FDS: String(all.length),
      LISTEN_FDNAMES: all.map(({ scheme }) => scheme).join(":"),
    },
  });
  const failed = new Promise<never>((_resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the new gateway ended with status ${code}`)));
  });
  failed.catch(() => undefined);
  const timer = setTimeout(() => child.kill("SIGKILL"), startTimeoutMs);
  try {
    const ready = (async () => {
      for await (const line of createInterface({ input: child.stdout! })) if (line.includes('"ready"')) return;
      throw new Error("the new gateway said nothing");
    })();
    await Promise.race([ready, failed]);
    child.removeAllListeners("exit");
    child.stdout!.destroy();
    child.unref();
    return child.pid!;
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
