/**
 * @module Who started a process and looks after it: a service manager, a container engine, a script runner.
 */
import type { Claim } from "../core/index.ts";
import type { Process } from "../host/host.ts";

/** Kinds of supervisors. */
export type SupervisorKind =
  | "systemd"
  | "systemd-user"
  | "docker"
  | "podman"
  | "kubernetes"
  | "containerd"
  | "lxc"
  | "pm2"
  | "nodemon"
  | "forever"
  | "supervisord"
  | "runit"
  | "s6"
  | "node-watch"
  | "watchexec"
  | "air"
  | "cron"
  | "concurrently"
  | "turbo"
  | "nx"
  | "lerna"
  | "foreman"
  | "make"
  | "just"
  | "npm"
  | "pnpm"
  | "yarn"
  | "bun"
  | "deno"
  | "poetry"
  | "uv"
  | "cargo"
  | "gradle"
  | "maven"
  | "tmux"
  | "screen"
  | "ssh-session"
  | "editor";

/** Who started a process and looks after it. */
export interface Supervisor {
  readonly kind: SupervisorKind;
  /** The unit, container, script, program or user concerned; `null` when it cannot be told. Raw. */
  readonly name: string | null;
}

export function inferSupervisor(
  _process: Pick<Process, "controlGroup">,
  _parents: readonly Process[],
): Claim<Supervisor> | undefined {
  return undefined;
}
