/**
 * @module The door in the terminal: what is known of a service, its connections, and who would be ended to free its port, as lines.
 */
import { knownOr } from "../../core/index.ts";
import type { ConnectionsResult } from "../../operations/connections.ts";
import type { KillProposal, KillResult } from "../../operations/kill-schemas.ts";
import type { ListedService } from "../../operations/schemas.ts";
import type { Piece } from "./paint.ts";

type Lines = readonly (readonly Piece[])[];

const fact = (name: string, value: string): readonly Piece[] => [
  { text: ` ${name.padEnd(11)}`, look: "dim" },
  { text: value },
];

/** Everything about a service. */
export function doorLines(service: ListedService): Lines {
  const { title, reach, project, framework, supervisor, container, urls, sockets } = service;
  const lines: (readonly Piece[])[] = [
    fact("what", title === null ? "unknown" : `${title.value} (${title.basis}: ${title.evidence})`),
  ];
  if (!service.holders.known) lines.push(fact("held by", `not visible (${service.holders.why})`));
  for (const holder of knownOr(service.holders, [])) {
    const user = knownOr(holder.userName, null) ?? String(knownOr(holder.uid, "?"));
    lines.push(
      fact(
        holder.role,
        `${knownOr(holder.name, "?")} ${holder.pid} of ${user}, since ${knownOr(holder.startedAt, "?")}`,
      ),
      fact("command", knownOr(holder.arguments, []).join(" ")),
    );
  }
  if (project !== null) lines.push(fact("project", `${project.value.name}  ${project.value.root}`));
  if (framework !== null) lines.push(fact("framework", framework.value.title));
  if (supervisor !== null) lines.push(fact("kept by", `${supervisor.value.kind} ${supervisor.value.name ?? ""}`));
  if (container !== null) lines.push(fact("container", container.value.name ?? container.value.id));
  lines.push(fact("reach", reach.reason), ...urls.map((url) => fact("url", url)));
  for (const { state, local, inode } of sockets)
    lines.push(fact("socket", `${state} ${local.address}:${local.port}  inode ${inode}`));
  return lines;
}

/** The connections of a port. */
export function connectionLines({ connections }: ConnectionsResult): Lines {
  if (connections.length === 0) return [[{ text: " Nobody is connected.", look: "dim" }]];
  return connections.map(({ direction, state, local, remote, holders, sent, received }) => {
    const holder = knownOr(holders, [])[0];
    const who = holder === undefined ? "" : `${knownOr(holder.name, "?")} ${holder.pid}`;
    return [
      { text: ` ${direction.padEnd(6)}`, look: "dim" },
      { text: `${local.address}:${local.port} → ${remote.address}:${remote.port}  ` },
      { text: `${state}  `, look: "dim" },
      { text: `→ ${sent ?? "?"} B  ← ${received ?? "?"} B  ${who}` },
    ];
  });
}

/** Who would be ended. */
export function proposalLines({ victims, unseen, signal, graceMs }: KillProposal): Lines {
  const lines: (readonly Piece[])[] = victims.map(({ name, pid, action, reason, userName, otherUser }) => [
    {
      text: action === "refuse" ? " stays  " : action === "stop-container" ? " stop   " : " end    ",
      look: action === "refuse" ? "dim" : "bad",
    },
    { text: `${knownOr(name, "?")} ${pid} of ${knownOr(userName, null) ?? "?"}` },
    { text: `${otherUser ? "  another user's" : ""}${reason === null ? "" : `  ${reason}`}`, look: "warning" },
  ]);
  for (const { reason } of unseen) lines.push([{ text: ` ${reason}`, look: "warning" }]);
  lines.push(
    [],
    [{ text: ` ${signal}${signal === "SIGKILL" ? "" : `, then SIGKILL after ${graceMs / 1000} s`}`, look: "dim" }],
  );
  return lines;
}

/** What came of it, in a line. */
export function outcomeText({ outcome, ports }: KillResult): string {
  const successor = ports.find((port) => port.successor !== null)?.successor ?? null;
  if (successor !== null) {
    const instead = successor.stopInstead === null ? "" : ` Stop ${successor.stopInstead} instead.`;
    return `It was started again at once${successor.broughtBy === null ? "" : ` by ${successor.broughtBy}`}.${instead}`;
  }
  if (outcome === "freed") return "The port is free.";
  return outcome === "nothing-there" ? "Nobody held it any more." : "The port is not free.";
}
