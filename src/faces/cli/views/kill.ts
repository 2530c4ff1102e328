/**
 * @module How `kill` looks: who it is, what is done, what came of it.
 */
import { formatDuration, knownOr } from "../../../core/index.ts";
import type { KillEvent, KillProposal, KillResult, KillVictim } from "../../../operations/kill-schemas.ts";
import { blank, paragraph, span, table, verbatim, type Block, type Line } from "../print/document.ts";
import type { View } from "../view.ts";
import { ageText } from "./service-cells.ts";

const exitStatuses: Readonly<Record<KillResult["outcome"], number>> = {
  freed: 0,
  proposed: 0,
  "not-freed": 1,
  declined: 1,
  "nothing-there": 2,
};

/** The view of `kill`. */
export const killView: View<KillResult, KillEvent> = {
  event: (event) => [paragraph(eventLine(event))],
  result(result) {
    const { outcome, proposal } = result;
    if (outcome === "nothing-there") return [paragraph("Nobody holds that: there is nothing to free.")];
    if (outcome === "proposed") {
      return [...proposalBlocks(proposal), blank, paragraph("Nothing was done (--dry-run).")];
    }
    if (outcome === "declined") return [paragraph("Nothing was done.")];
    const untouched = result.processes.length === 0;
    return [...(untouched ? proposalBlocks(proposal) : []), ...outcomeBlocks(result)];
  },
  proposal: (proposal: KillProposal) => [...proposalBlocks(proposal), blank],
  question(proposal: KillProposal) {
    const signalled = proposal.victims.filter(({ action }) => action === "signal").length;
    const containers = new Set(proposal.victims.flatMap(({ container }) => (container === null ? [] : [container.id])))
      .size;
    const others = [
      ...new Set(proposal.victims.filter(({ action, otherUser }) => action !== "refuse" && otherUser).map(userOf)),
    ];
    const parts = [
      ...(signalled > 0 ? [`end ${signalled === 1 ? "this process" : `these ${signalled} processes`}`] : []),
      ...(containers > 0 ? [`stop ${containers === 1 ? "this container" : `these ${containers} containers`}`] : []),
    ];
    const whose = others.length === 0 ? "" : ` (of ${others.join(", ")})`;
    const text = parts.join(" and ");
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}${whose}?`;
  },
  exitStatus: ({ outcome }) => exitStatuses[outcome],
};

function userOf(victim: KillVictim): string {
  return knownOr(victim.userName, null) ?? `user ${knownOr(victim.uid, "?")}`;
}

function proposalBlocks({ victims, unseen, signal, graceMs }: KillProposal): Block[] {
  const blocks: Block[] = [];
  const doomed = victims.filter(({ action }) => action !== "refuse");
  if (doomed.length > 0) blocks.push(victimTable(doomed));
  for (const { reason } of doomed) if (reason !== null) blocks.push(paragraph([span(reason, "warning")]));
  if (doomed.some(({ action }) => action === "signal")) {
    const then =
      graceMs === 0 || signal === "SIGKILL"
        ? "SIGKILL at once"
        : `${signal}, and SIGKILL after ${formatDuration(graceMs)}`;
    blocks.push(paragraph([span(`${then}.`, "dim")]));
  }
  for (const victim of victims.filter(({ action }) => action === "refuse")) {
    blocks.push(
      paragraph(
        [
          span("kept: ", "warning"),
          `${nameOf(victim)} (pid ${victim.pid}, ${doorsOf(victim)}). ${victim.reason ?? ""}`,
        ],
        { hang: 6 },
      ),
    );
  }
  for (const { address, transport, reason } of unseen) {
    blocks.push(paragraph([span("kept: ", "warning"), `${transport} ${address}. ${reason}`], { hang: 6 }));
  }
  return blocks;
}

function victimTable(victims: readonly KillVictim[]): Block {
  const columns = [
    { title: "PORT", priority: 0, leastWidth: 7 },
    { title: "PROCESS", priority: 0, leastWidth: 8 },
    { title: "PID", priority: 0, leastWidth: 7, align: "right" as const },
    { title: "USER", priority: 2 },
    { title: "PROJECT", priority: 1, leastWidth: 6 },
    { title: "SINCE", priority: 3 },
    { title: "COMMAND", priority: 4, leastWidth: 12 },
  ];
  const nowMs = Date.now();
  const rows = victims.map((victim): readonly Line[] => [
    [doorsOf(victim)],
    [span(nameOf(victim), "strong")],
    [String(victim.pid)],
    [victim.otherUser ? span(userOf(victim), "warning") : userOf(victim)],
    [victim.project ?? ""],
    [victim.startedAt.known ? ageText(victim.startedAt.value, nowMs) : ""],
    [knownOr(victim.arguments, []).join(" ")],
  ]);
  return table(columns, rows);
}

function nameOf({ name }: Pick<KillVictim, "name">): string {
  return knownOr(name, "a process");
}

function doorsOf({ sockets }: KillVictim): string {
  if (sockets.length === 0) return "(child)";
  return [...new Set(sockets.map(({ port, transport }) => (transport === "tcp" ? String(port) : `${port}/udp`)))].join(
    " ",
  );
}

function eventLine(event: KillEvent): Line {
  switch (event.kind) {
    case "signalled":
      return [`${nameOf(event)} (pid ${event.pid}) was sent ${event.signal}.`];
    case "escalated":
      return [
        span(
          `${nameOf(event)} (pid ${event.pid}) has not let go after ${formatDuration(event.afterMs)} and was sent SIGKILL.`,
          "warning",
        ),
      ];
    case "stopping-container":
      return [`${event.engine} is asked to stop the container ${event.id}.`];
    default:
      return [
        span(`Port ${event.port}${event.transport === "udp" ? " (UDP)" : ""} is free`, "good"),
        ` after ${formatDuration(event.afterMs)}.`,
      ];
  }
}

function outcomeBlocks({ ports, processes, complete }: KillResult): Block[] {
  const blocks: Block[] = [];
  for (const { port, transport, free, successor } of ports) {
    const name = `${port}${transport === "udp" ? " (UDP)" : ""}`;
    if (successor !== null) {
      const who = `${knownOr(successor.name, "somebody")}${successor.pid === null ? "" : ` (pid ${successor.pid})`}`;
      const by = successor.broughtBy === null ? "" : ` It was started by ${successor.broughtBy}.`;
      blocks.push(paragraph([span(`Port ${name} was taken again by ${who}.`, "bad"), by]));
      if (successor.stopInstead !== null)
        blocks.push(verbatim("  Stop instead: ", span(successor.stopInstead, "link")));
    } else if (!free && complete) {
      blocks.push(paragraph([span(`Port ${name} is not free.`, "bad")]));
    }
  }
  for (const { pid, name, ended, signals, problem } of processes) {
    const who = `${knownOr(name, "process")} (pid ${pid})`;
    if (problem !== null) blocks.push(paragraph([span(`${who}: ${problem}`, "bad")]));
    else if (!ended && signals.length > 0 && complete)
      blocks.push(paragraph(`${who} has let go of the port and goes on running.`));
  }
  return blocks;
}
