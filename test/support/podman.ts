/**
 * @module Real containers for tests: Podman in a network namespace that the test made, with storage of its own and an image of busybox.
 */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { whyNoProgram, type NetworkNamespace } from "./netns.ts";

const run = promisify(execFile);
const deadlineMs = 60_000;
const searchPath = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/** Podman on one machine. */
export interface Podman {
  /** Path of its API's socket, once it was opened. */
  readonly apiSocket: string;
  /** Runs `podman WORDS` to its end and answers what it printed. */
  podman(words: readonly string[]): Promise<string>;
  /** Opens the API. */
  openApi(): Promise<void>;
  /** Removes every container and everything else that it made. */
  destroy(): Promise<void>;
}

/** Why there can be no containers here, or `null`. */
export function whyNoContainers(): readonly (string | null)[] {
  return [
    whyNoProgram("podman", "podman"),
    whyNoProgram("runc", "runc"),
    whyNoProgram("conmon", "conmon"),
    whyNoProgram("iptables", "iptables"),
    existsSync("/usr/lib/podman/netavark") || existsSync("/usr/libexec/podman/netavark")
      ? null
      : "netavark is not installed (Debian: netavark)",
    existsSync("/bin/busybox") ? null : "`busybox` is not installed (Debian: busybox-static)",
  ];
}

/** Podman on the machine that a network namespace stands for, with the image `busy:1`. */
export async function createPodman(machine: NetworkNamespace): Promise<Podman> {
  const folder = mkdtempSync(join(tmpdir(), "portolan-podman-"));
  const apiSocket = join(folder, "api.sock");
  const configuration = join(folder, "containers.conf");
  // A sandbox may forbid raising limits to Podman's defaults; and there is no systemd to ask for control groups.
  writeFileSync(
    configuration,
    '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n' +
      '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "none"\n',
  );
  const places = ["root", "runroot", "tmpdir"].flatMap((name) => [`--${name}`, join(folder, name)]);
  // Only the network is the machine's: a mount namespace for each call would lose the namespaces that Podman keeps as mounts.
  const words = [`--net=/run/netns/${machine.name}`, "podman", "--storage-driver", "vfs", ...places];
  const env = { PATH: searchPath, HOME: folder, CONTAINERS_CONF: configuration };

  async function podman(more: readonly string[]): Promise<string> {
    const { stdout } = await run("nsenter", [...words, ...more], { env, timeout: deadlineMs, killSignal: "SIGKILL" });
    return stdout.trim();
  }

  const image = join(folder, "image");
  mkdirSync(join(image, "bin"), { recursive: true });
  cpSync("/bin/busybox", join(image, "bin/busybox"));
  for (const name of ["sh", "httpd", "sleep"]) symlinkSync("busybox", join(image, "bin", name));
  mkdirSync(join(image, "www"));
  writeFileSync(join(image, "www/index.html"), "here\n");
  await run("tar", ["-C", image, "-cf", join(folder, "image.tar"), "."]);
  await podman(["import", join(folder, "image.tar"), "busy:1"]);

  let api: ChildProcess | undefined;
  return {
    apiSocket,
    podman,
    async openApi() {
      api = spawn("nsenter", [...words, "system", "service", "-t", "0", `unix://${apiSocket}`], {
        env,
        stdio: "ignore",
      });
      const { connect } = await import("node:net");
      for (let attempt = 0; attempt < 200; attempt++) {
        const open = await new Promise<boolean>((resolve) => {
          const socket = connect(apiSocket, () => resolve(true)).once("error", () => resolve(false));
          socket.once("close", () => resolve(false));
          socket.once("connect", () => socket.destroy());
        });
        if (open) return;
        // Podman says to nobody when its socket is there; the file system is asked again.
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error("Podman's API did not open.");
    },
    async destroy() {
      api?.kill("SIGKILL");
      await podman(["pod", "rm", "--all", "--force", "--time", "0"]).catch(() => undefined);
      await podman(["rm", "--all", "--force", "--time", "0"]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
