/**
 * @module `check`: reads what is about to run, and says whether it can.
 */
import * as v from "valibot";
import { checkResultSchema, type CheckProposal, type CheckResult } from "./check-schemas.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, optionalText, optionalTexts } from "./parameters.ts";

const inputSchema = v.object({
  paths: optionalTexts("Files and folders (default: the folder you stand in)", { placeholder: "FILE|DIR" }),
  profile: optionalText("Profiles of Compose that are to be started, with commas between them; * for all", {
    placeholder: "NAME",
  }),
  machine: optionalSwitch("Ask this machine too", {
    offDescription: "Judge the files alone, for continuous integration",
  }),
  fix: optionalSwitch("Write the proposed ports into the files", onCommandLine),
  yes: optionalSwitch("With --fix: do it without asking", { short: "y", ...onCommandLine }),
  dryRun: optionalSwitch("With --fix: show what would be written, and write nothing", { short: "n", ...onCommandLine }),
});

export type CheckInput = v.InferInput<typeof inputSchema>;

/** Runs `check`. The parsers of the files' formats are loaded now and not before: faces know every operation, and few are asked for this one. */
export async function runCheck(input: CheckInput, context: OperationContext): Promise<CheckResult> {
  const { examineFiles, proposalOf, writeProposal } = await import("./check-files.ts");
  const examination = await examineFiles(input, context);
  const { result } = examination;
  if (input.fix !== true) return result;
  const proposal = proposalOf(examination);
  const tell = (outcome: NonNullable<CheckResult["fix"]>["outcome"]): CheckResult => ({
    ...result,
    fix: { outcome, proposal },
  });
  if (proposal.changes.length === 0) return tell("nothing-to-do");
  if (input.dryRun === true) return tell("proposed");
  if (input.yes !== true && !(await context.confirm(proposal))) return tell("declined");
  writeProposal(proposal);
  return tell("written");
}

/**
 * Says what `check --fix` would write. Nothing is written.
 * @throws as `check`
 */
export async function proposeCheck(input: CheckInput, context: OperationContext): Promise<CheckProposal> {
  const { examineFiles, proposalOf } = await import("./check-files.ts");
  return proposalOf(await examineFiles(input, context));
}

/**
 * Writes what was proposed, and nothing else.
 * @throws PROPOSAL_STALE, before anything is written, when a file has changed since; OUTPUT_FAILED
 */
export async function applyCheck(proposal: CheckProposal): Promise<void> {
  const { writeProposal } = await import("./check-files.ts");
  writeProposal(proposal);
}

/** The declaration of `check`. */
export const checkOperation = defineOperation({
  name: "check",
  summary: "Will it start: the ports that a project's files ask for, and who is in the way",
  description:
    "Reads compose files (with .env, profiles, extends, include and overrides), .env files, the scripts of package.json, Procfile, vite.config, devcontainer.json, VS Code's launch.json, " +
    "Kubernetes manifests and portolan.config.json; runs none of them. Tells each port with file, line and column; conflicts among the files, with this machine by the kernel's own rules " +
    "(the project itself, when it runs already, is none), with reserved ports and with privileges; and a free port instead, which --fix writes after you said yes, every other byte as it " +
    "was. Exit status 0, 1 when there is a conflict, 2 when there is none but a file could not be used.",
  effect: "change",
  faces: ["cli"],
  positional: ["paths"],
  examples: [
    { command: "check", note: "this folder and what is below it" },
    { command: "check compose.yaml compose.prod.yaml", note: "one file over the other, as with docker compose -f" },
    { command: "check --profile debug", note: "with a profile's services" },
    { command: "check --no-machine --sarif", note: "for continuous integration" },
    { command: "check --fix --dry-run", note: "what would be written" },
    { command: "check --fix", note: "shows it, asks, and writes it" },
  ],
  input: inputSchema,
  output: checkResultSchema,
  run: runCheck,
});
