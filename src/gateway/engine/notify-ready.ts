/**
 * @module Telling systemd that the gateway serves, and which process it is: sd_notify(3), said by systemd-notify(1), for Node opens no
 * datagram socket in the file system.
 */
import { execFile } from "node:child_process";

/** How long systemd may take to hear it, milliseconds. */
const deadlineMs = 5000;

/**
 * Says it where somebody listens. That it cannot be said is no reason not to serve.
 * A new version that takes over says that it is the service's process from now on.
 */
export function notifyReady(environment: Readonly<Record<string, string | undefined>>): Promise<void> {
  if ((environment["NOTIFY_SOCKET"] ?? "") === "") return Promise.resolve();
  return new Promise((resolve) => {
    execFile(
      "systemd-notify",
      ["--ready", `--pid=${process.pid}`],
      { timeout: deadlineMs, killSignal: "SIGKILL", env: { ...environment } },
      (error) => {
        if (error !== null) process.stderr.write(`systemd-notify: ${error.message}\n`);
        resolve();
      },
    );
  });
}
