/**
 * @module A real `systemd --user` for tests, in a mount and cgroup namespace of its own: this machine's files and services stay as they are.
 */
import { execFileSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { whyNoNetworkNamespaces, type NetworkNamespace } from "./netns.ts";

const systemd = "/lib/systemd/systemd";

/** What `/run` and the control groups must look like; systemd ends by `systemctl --user exit`, and its groups with it. */
const script = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0
chmod 700 /run/user/0
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup/portolan-test-$$
mkdir "$group"
echo $$ > "$group/cgroup.procs"
echo ready
${systemd} --user --log-target=console --log-level=warning || true
echo $$ > /sys/fs/cgroup/cgroup.procs
find "$group" -depth -type d -exec rmdir {} \\;
`;

/** The user manager of root in a namespace. */
export interface UserManager {
  /** Starts a program that sees the manager. */
  start(command: string, words: readonly string[], options?: { environment?: Record<string, string> }): ChildProcess;
  /** Runs a program to its end. */
  run(
    command: string,
    words: readonly string[],
    options?: { environment?: Record<string, string> },
  ): Promise<{ status: number | null; stdout: string; stderr: string }>;
  end(): Promise<void>;
}

/** Why there can be none, or `null`. */
export function whyNoUserManager(): string | null {
  const namespaces = whyNoNetworkNamespaces();
  if (namespaces !== null) return namespaces;
  if (!existsSync(systemd) || !existsSync("/usr/bin/systemd-notify"))
    return "systemd is not installed (Debian: systemd)";
  try {
    execFileSync("unshare", ["-m", "-C", "sh", "-c", "mount -t cgroup2 cgroup2 /sys/fs/cgroup"], { stdio: "pipe" });
  } catch (error) {
    return `control groups (v2) cannot be mounted here: ${String((error as { stderr?: Buffer }).stderr ?? error).trim()}`;
  }
  return null;
}

/** Starts it. @param home folder of the user's files */
export async function startUserManager(device: NetworkNamespace, home: string): Promise<UserManager> {
  const own = { PATH: process.env["PATH"] ?? "", HOME: home, XDG_RUNTIME_DIR: "/run/user/0", USER: "root" };
  const child = device.spawnIn("unshare", ["-m", "-C", "sh", "-c", script], {
    env: own,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [first] = (await Promise.race([once(child.stdout!, "data"), once(child, "close")])) as [unknown];
  if (!String(first).includes("ready")) throw new Error(`The user manager did not start: ${said}`);
  const start: UserManager["start"] = (command, words, { environment = {} } = {}) =>
    device.spawnIn("nsenter", ["-t", String(child.pid), "-m", "-C", command, ...words], {
      env: { ...own, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
  const run: UserManager["run"] = async (command, words, options) => {
    const program = start(command, words, options);
    let stdout = "";
    let stderr = "";
    program.stdout!.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    program.stderr!.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const [status] = (await once(program, "close")) as [number | null];
    return { status, stdout, stderr };
  };
  // Its socket is there a moment after it has started; nobody is told when.
  for (let attempt = 0; (await run("systemctl", ["--user", "show", "--property=Version"])).status !== 0; attempt += 1) {
    if (attempt === 100 || child.exitCode !== null) throw new Error(`The user manager does not answer: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    start,
    run,
    end: async () => {
      if (child.exitCode !== null) return;
      const ended = once(child, "exit");
      const asked = await run("systemctl", ["--user", "exit"]);
      if (asked.status !== 0) child.kill("SIGKILL");
      await ended;
    },
  };
}
