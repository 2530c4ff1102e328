/**
 * @module Who took a port that had just been freed, who brought them, and what to stop instead.
 */
import { knownOr, unknown, type Socket } from "../core/index.ts";
import type { Process, Snapshot } from "../host/index.ts";
import { inferSupervisor, parentChain, type Supervisor } from "../tenant/index.ts";
import type { KillProposal, Successor } from "./kill-schemas.ts";
import { holderPids } from "./kill-targets.ts";

/** What is known of a successor. */
export function describeSuccessor(snapshot: Snapshot, socket: Socket, proposal: KillProposal): Successor {
  const pid = holderPids(snapshot, socket)[0];
  if (pid === undefined) return { pid: null, name: unknown("permission"), broughtBy: null, stopInstead: null };
  const successor = snapshot.processOf(pid);
  const parents = parentChain(snapshot, pid);
  const supervisor = inferSupervisor(successor, parents)?.value;
  const advice = supervisor === undefined ? undefined : adviceOf(supervisor, parents);
  if (advice !== undefined) return { pid, name: successor.name, ...advice };
  // Whoever had started the old one has started the new one: that is all a shell's loop shows.
  const parent = parents[0];
  const before = new Set(proposal.victims.flatMap(({ parentPid }) => (parentPid.known ? [parentPid.value] : [])));
  const again = parent !== undefined && parent.pid > 1 && before.has(parent.pid);
  return {
    pid,
    name: successor.name,
    broughtBy: again ? `${nameOf(parent)} (pid ${parent.pid}), which had started the last one too` : null,
    stopInstead: again ? `kill ${parent.pid}` : null,
  };
}

type Advice = Pick<Successor, "broughtBy" | "stopInstead">;

/** Commands that stop what a supervisor starts again; the supervisor's own process where there is no better way. */
function adviceOf({ kind, name }: Supervisor, parents: readonly Process[]): Advice | undefined {
  const what = name === null ? "" : ` ${name}`;
  switch (kind) {
    case "systemd":
      return { broughtBy: `systemd's unit${what}`, stopInstead: `systemctl stop${what}` };
    case "systemd-user":
      return { broughtBy: `your systemd's unit${what}`, stopInstead: `systemctl --user stop${what}` };
    case "docker":
    case "podman":
      return { broughtBy: `a container of ${kind}`, stopInstead: `${kind} stop${what}` };
    case "pm2":
      return { broughtBy: "pm2", stopInstead: `pm2 stop${what === "" ? " all" : what}` };
    case "supervisord":
      return { broughtBy: "supervisord", stopInstead: `supervisorctl stop${what === "" ? " all" : what}` };
    case "forever":
      return { broughtBy: "forever", stopInstead: "forever stopall" };
    case "nodemon":
    case "node-watch":
    case "watchexec":
    case "air":
    case "runit":
    case "s6":
    case "cron": {
      const parent = parents.find((one) => inferSupervisor(one, [one])?.value.kind === kind) ?? parents[0];
      return { broughtBy: kind, stopInstead: parent === undefined || parent.pid <= 1 ? null : `kill ${parent.pid}` };
    }
    default:
      return undefined;
  }
}

function nameOf(process: Process): string {
  return knownOr(process.name, "its parent");
}
