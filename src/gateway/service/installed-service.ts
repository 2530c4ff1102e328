/**
 * @module The service that keeps a user's gateway running: where its file lies, and what its manager is told. systemd on Linux, launchd on
 * macOS.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runProgram } from "../../act/index.ts";
import { PortolanError } from "../../core/index.ts";
import { homeFolderOf, readTextFile, replaceFile } from "../../store/index.ts";
import { agentLabel } from "./launch-agent.ts";
import { readUnitNote, unitName, type UnitNote } from "./systemd-unit.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Whose manager: the user's own, or the system's. */
export type ServiceScope = "user" | "system";

/** Who keeps services running here. */
export interface ServiceManager {
  readonly kind: "systemd" | "launchd";
  readonly scope: ServiceScope;
  /** The file that describes the service. */
  readonly path: string;
  /** Asks whether the manager answers at all. */
  readonly probe: readonly string[];
  /** In this order. */
  readonly install: readonly (readonly string[])[];
  readonly start: readonly string[];
  /** Before the file is removed, and behind that. */
  readonly uninstall: {
    readonly before: readonly (readonly string[])[];
    readonly after: readonly (readonly string[])[];
  };
  /** Where the service's own words can be read. */
  readonly log: string;
}

/**
 * The manager of a system.
 * @param platform as `process.platform` tells it
 * @throws SERVICE_UNAVAILABLE where the gateway cannot be a service
 */
export function serviceManager(
  platform: string,
  scope: ServiceScope,
  environment: Environment,
  userId: number | null,
): ServiceManager {
  if (platform === "linux") {
    const systemctl = ["systemctl", ...(scope === "user" ? ["--user"] : [])];
    const reload = [...systemctl, "daemon-reload"];
    const journal = scope === "user" ? "journalctl --user" : "journalctl";
    return {
      kind: "systemd",
      scope,
      path: scope === "system" ? join("/etc/systemd/system", unitName) : join(userUnitFolder(environment), unitName),
      probe: [...systemctl, "show", "--property=Version"],
      // restart starts it, too, and gives one that runs its new words.
      install: [reload, [...systemctl, "enable", unitName], [...systemctl, "restart", unitName]],
      start: [...systemctl, "start", unitName],
      uninstall: { before: [[...systemctl, "disable", "--now", unitName]], after: [reload] },
      log: `${journal} --unit ${unitName}`,
    };
  }
  if (platform === "darwin" && scope === "user") {
    const domain = `gui/${userId ?? 0}`;
    const path = join(homeFolderOf(environment), "Library/LaunchAgents", `${agentLabel}.plist`);
    return {
      kind: "launchd",
      scope,
      path,
      probe: ["launchctl", "print", domain],
      // One that is loaded already must go first; that there is none is no failure.
      install: [
        ["launchctl", "bootout", `${domain}/${agentLabel}`],
        ["launchctl", "enable", `${domain}/${agentLabel}`],
        ["launchctl", "bootstrap", domain, path],
      ],
      start: ["launchctl", "kickstart", `${domain}/${agentLabel}`],
      uninstall: { before: [["launchctl", "bootout", `${domain}/${agentLabel}`]], after: [] },
      log: `launchctl print ${domain}/${agentLabel}`,
    };
  }
  throw new PortolanError(
    "SERVICE_UNAVAILABLE",
    scope === "system" && platform === "darwin"
      ? "A service of the whole system is offered for systemd alone."
      : `No service is offered for ${platform}.`,
    { details: { platform } },
  );
}

/** Commands of a manager that may fail: what they would undo was not there. */
export function mayFail(command: readonly string[]): boolean {
  return command[0] === "launchctl" && command[1] === "bootout";
}

function userUnitFolder(environment: Environment): string {
  const configuration = environment["XDG_CONFIG_HOME"];
  // Relative paths there are to be ignored (XDG Base Directory Specification).
  const folder = configuration?.startsWith("/") === true ? configuration : join(homeFolderOf(environment), ".config");
  return join(folder, "systemd/user");
}

/** How long a manager may take, milliseconds: it waits until the gateway listens. */
const managerDeadlineMs = 30_000;

/**
 * Runs a command of the manager.
 * @returns why it failed; `null` when it did not
 */
export async function askManager(
  [program = "", ...words]: readonly string[],
  environment: Environment,
  signal: AbortSignal,
): Promise<string | null> {
  const outcome = await runProgram(program, words, { deadlineMs: managerDeadlineMs, signal, environment });
  if (outcome.ended === "well") return null;
  return outcome.ended === "missing" ? `there is no ${program}` : outcome.message;
}

/**
 * Writes the file of a service.
 * @throws STORE_FAILED
 */
export function writeServiceFile({ scope, path }: ServiceManager, content: string, stateFolder: string): void {
  // The service may write nowhere else, and may not make this folder itself.
  if (scope === "user") mkdirSync(stateFolder, { recursive: true, mode: 0o700 });
  replaceFile(path, content, 0o644);
}

/** Removes it. */
export function removeServiceFile({ path }: ServiceManager): void {
  rmSync(path, { force: true });
}

/** What the file of the user's service says of itself; `undefined` when there is none of this program's for that folder. */
export function readUserService(stateFolder: string, environment: Environment): UnitNote | undefined {
  let manager: ServiceManager;
  try {
    manager = serviceManager(process.platform, "user", environment, null);
  } catch {
    return undefined;
  }
  const text = readTextFile(manager.path);
  const note = text === null ? undefined : readUnitNote(text);
  return note?.stateFolder === stateFolder ? note : undefined;
}

/**
 * Starts the service, where one is installed for this folder.
 * @returns false when there is none, or its manager did not start it: in a shell without a session it cannot be reached
 */
export async function startUserService(
  stateFolder: string,
  environment: Environment,
  signal: AbortSignal,
): Promise<boolean> {
  if (readUserService(stateFolder, environment) === undefined) return false;
  const { start } = serviceManager(process.platform, "user", environment, process.getuid?.() ?? null);
  return (await askManager(start, environment, signal)) === null;
}
