/**
 * @module `kill`: frees ports by ending who holds them: proposed first, then done, then verified.
 */
import * as v from "valibot";
import { defineOperation } from "./define-operation.ts";
import { applyKill } from "./kill-apply.ts";
import { proposeKill } from "./kill-proposal.ts";
import {
  killEventSchema,
  killResultSchema,
  type KillEvent,
  type KillProposal,
  type KillResult,
} from "./kill-schemas.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalChoice, optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";

const inputSchema = v.object({
  targets: optionalTexts(
    "Ports, ranges, names, or what an error message shows: 3000, 3000-3010, web, :::3000, udp:5353",
    {
      placeholder: "PORT",
    },
  ),
  project: optionalText("Only what this project runs: its name, a folder, or . for the one you stand in", {
    placeholder: "NAME",
  }),
  orphans: optionalSwitch("Only programs of projects whose terminal has ended"),
  transport: optionalChoice(["tcp", "udp"], "Only this transport", { short: "t" }),
  signal: optionalText("First signal (default TERM)", { placeholder: "SIGNAL", short: "s" }),
  grace: optionalText("How long a process may take to let go before SIGKILL (default 5s; 0 is SIGKILL at once)", {
    placeholder: "DURATION",
  }),
  tree: optionalSwitch("Its descendants too"),
  yes: optionalSwitch("Do it without asking", { short: "y", ...onCommandLine }),
  otherUsers: optionalSwitch("As root: --yes covers processes of other users too", onCommandLine),
  dryRun: optionalSwitch("Say what would be done, and do nothing", { short: "n", ...onCommandLine }),
});

export type KillInput = v.InferInput<typeof inputSchema>;

/** Runs `kill`: proposes, has it confirmed, applies. */
export async function* runKill(
  input: KillInput,
  context: OperationContext,
): AsyncGenerator<KillEvent, KillResult, void> {
  const proposal = await proposeKill(input, context);
  if (proposal.ports.length === 0) return withoutAction(proposal, "nothing-there");
  if (input.dryRun === true) return withoutAction(proposal, "proposed");
  if (proposal.victims.every(({ action }) => action === "refuse")) return withoutAction(proposal, "not-freed");
  if (input.yes !== true && !(await context.confirm(proposal))) return withoutAction(proposal, "declined");
  return yield* applyKill(proposal, context);
}

function withoutAction(proposal: KillProposal, outcome: KillResult["outcome"]): KillResult {
  const ports = proposal.ports.map(({ port, transport }) => ({ port, transport, free: false, successor: null }));
  return { complete: proposal.complete, outcome, ports, processes: [], proposal };
}

/** The declaration of `kill`. */
export const killOperation = defineOperation({
  name: "kill",
  summary: "Free a port: end who holds it, on every family, and see that it is free",
  description:
    "Shows every process that holds the port (all of them: IPv4 and IPv6, workers, SO_REUSEPORT groups; never its clients), asks, sends SIGTERM, waits for the " +
    "socket to go, sends SIGKILL after the grace, and looks whether the port stays free: what a supervisor starts again is told with what to stop instead. A " +
    "container's port is freed by stopping the container. Never ends process 1, itself, or what has started it. Exit status 0 freed, 1 not freed, 2 nothing " +
    "holds the port.",
  effect: "change",
  faces: ["cli", "http", "mcp"],
  positional: ["targets"],
  examples: [
    { command: "kill 3000", note: "shows who it is and asks" },
    { command: "kill 3000 5173 --yes", note: "without asking" },
    { command: "kill 3000-3999 --dry-run", note: "who would be ended" },
    { command: "kill --project .", note: "everything that listens for this project" },
    { command: "kill --orphans", note: "what closed terminals have left behind" },
    { command: "kill web --signal INT --grace 10s --tree", note: "by its reserved name, gently, with its children" },
  ],
  input: inputSchema,
  output: killResultSchema,
  event: killEventSchema,
  run: runKill,
});
