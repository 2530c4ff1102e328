/**
 * @module `gateway untrust`: takes the gateway's certificate authority out of every trust store, by its fingerprint.
 */
import * as v from "valibot";
import {
  asOwner,
  deleteAuthority,
  findTrustOwner,
  forgetFormer,
  listFormerCertificates,
  readAuthority,
  trustedCertificateOf,
  type Authority,
  type TrustOwner,
} from "../gateway/index.ts";
import { isPortolanError } from "../core/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch } from "./parameters.ts";
import { describeAuthority, trustOutcomeEntries, type TrustStepResult } from "./trust-schemas.ts";
import { applyTrust, onlyEntry, planTrust, stillSomewhere, type TrustStep } from "./trust-steps.ts";

const inputSchema = v.object({
  ...onlyEntry,
  delete: optionalSwitch(
    "Delete the authority as well, its key with it; the gateway makes another one when it needs one",
  ),
  yes: optionalSwitch("Do it without asking", { short: "y", ...onCommandLine }),
  dryRun: optionalSwitch("Say what would be done, and do nothing", { short: "n", ...onCommandLine }),
});

const outputSchema = v.object({
  ...trustOutcomeEntries,
  deleted: v.pipe(v.boolean(), v.description("Whether the authority's key is gone")),
});

export type UntrustInput = v.InferInput<typeof inputSchema>;
export type UntrustResult = v.InferOutput<typeof outputSchema>;

/** What `gateway untrust` would do. */
export interface UntrustProposal {
  readonly authority: Authority | null;
  readonly delete: boolean;
  readonly steps: readonly TrustStep[];
}

/** Runs `untrust`: proposes, has it confirmed, applies. */
export async function runUntrust(input: UntrustInput, context: OperationContext): Promise<UntrustResult> {
  const owner = await findTrustOwner(context.environment, context.signal);
  const proposal = await proposeUntrust(input, owner, context);
  const { authority, steps } = proposal;
  const results = steps.map(({ result }) => result);
  const tell = (
    outcome: UntrustResult["outcome"],
    told: readonly TrustStepResult[],
    deleted: boolean,
  ): UntrustResult => ({
    complete: !context.signal.aborted,
    outcome,
    authority: authority === null ? null : describeAuthority(authority),
    steps: [...told],
    deleted,
  });
  if (input.dryRun === true) return tell("proposed", results, false);
  if (!proposal.delete && !results.some(({ outcome }) => outcome === "proposed"))
    return tell(outcomeOf(results), results, false);
  if (input.yes !== true && !(await context.confirm(proposal))) return tell("declined", results, false);
  const done = await applyTrust(steps, owner, context.signal, context.progress);
  const left = input.only === undefined ? stillSomewhere(steps, done) : steps.map(({ certificate }) => certificate);
  const deletes = proposal.delete && !context.signal.aborted;
  await asOwner(owner, () => {
    if (deletes) deleteAuthority(owner.stateFolder, left);
    else if (input.only === undefined) forgetFormer(owner.stateFolder, left);
  });
  return tell(outcomeOf(done), done, deletes);
}

async function proposeUntrust(
  input: UntrustInput,
  owner: TrustOwner,
  { signal }: OperationContext,
): Promise<UntrustProposal> {
  const { stateFolder } = owner;
  const { authority, damaged } = await asOwner(owner, () => readOrDamaged(stateFolder, input.delete === true));
  const former = await asOwner(owner, () => listFormerCertificates(stateFolder));
  const absent = [...former, ...(authority === null ? [] : [trustedCertificateOf(authority)])];
  const steps = await planTrust({ owner, only: input.only, trusted: null, absent, unmade: false, signal });
  return { authority, delete: input.delete === true && (authority !== null || damaged || former.length > 0), steps };
}

/** One that is damaged can be deleted all the same. */
function readOrDamaged(
  stateFolder: string,
  deletes: boolean,
): { readonly authority: Authority | null; readonly damaged: boolean } {
  try {
    return { authority: readAuthority(stateFolder), damaged: false };
  } catch (error) {
    if (deletes && isPortolanError(error, "AUTHORITY_UNUSABLE") && error.details["damaged"] === true)
      return { authority: null, damaged: true };
    throw error;
  }
}

function outcomeOf(results: readonly TrustStepResult[]): UntrustResult["outcome"] {
  return results.some(({ outcome }) => outcome === "root" || outcome === "failed") ? "partly" : "done";
}

/** The declaration of `untrust`. */
export const untrustOperation = defineOperation({
  name: "untrust",
  summary: "Take the gateway's certificate authority out of every trust store (gateway untrust)",
  description:
    "Takes out what gateway trust has put in, found by its fingerprint, authorities that were replaced since among it; nothing else is touched. Shows it, asks, does it, and looks whether it has come true. " +
    "--delete removes the authority itself: what it has signed is worth nothing then. Exit status 0 when it is in no store any more, 1 when something was left, which takes root.",
  effect: "change",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "gateway untrust", note: "shows what would be done and asks" },
    { command: "gateway untrust --delete --yes", note: "the key as well" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runUntrust,
});
