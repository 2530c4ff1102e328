/**
 * @module `gateway trust`: makes the system and the browsers trust the gateway's certificate authority: proposed first, then done, then looked at.
 */
import * as v from "valibot";
import { PortolanError } from "../core/index.ts";
import {
  asOwner,
  certificatePathOf,
  findTrustOwner,
  forgetFormer,
  keepCertificate,
  listFormerCertificates,
  namesOfNext,
  readAuthority,
  readAuthorityNames,
  readUsableAuthority,
  trustedCertificateOf,
  type Authority,
  type AuthorityWish,
  type TrustOwner,
  type TrustedCertificate,
} from "../gateway/index.ts";
import { defineOperation } from "./define-operation.ts";
import type { OperationContext } from "./operation.ts";
import { onCommandLine, optionalSwitch, optionalText } from "./parameters.ts";
import { listOf } from "./schemas.ts";
import { describeAuthority, trustOutcomeEntries, type TrustStepResult } from "./trust-schemas.ts";
import { applyTrust, onlyEntry, planTrust, stillSomewhere, type TrustStep } from "./trust-steps.ts";

const inputSchema = v.object({
  ...onlyEntry,
  caNames: optionalText(
    "Names beside localhost that certificates may be for, each with every name below: test,shop.test",
    {
      placeholder: "NAMES",
    },
  ),
  yes: optionalSwitch("Do it without asking", { short: "y", ...onCommandLine }),
  dryRun: optionalSwitch("Say what would be done, and do nothing", { short: "n", ...onCommandLine }),
});

const outputSchema = v.object({
  ...trustOutcomeEntries,
  notes: v.pipe(listOf(v.string()), v.description("What else there is to know: why the authority was made anew")),
  hints: v.pipe(
    listOf(v.object({ program: v.string(), how: v.string() })),
    v.description("How programs are told that read no store"),
  ),
});

export type TrustInput = v.InferInput<typeof inputSchema>;
export type TrustResult = v.InferOutput<typeof outputSchema>;

/** What `gateway trust` would do. */
export interface TrustProposal {
  /** The authority as it is; `null` when it would be made. */
  readonly authority: Authority | null;
  /** Names of the one that would be made. */
  readonly names: readonly string[];
  /** Why one would be made in place of another; empty when there is none yet. */
  readonly why: string;
  readonly steps: readonly TrustStep[];
}

/** Runs `trust`: proposes, has it confirmed, applies. */
export async function runTrust(input: TrustInput, context: OperationContext): Promise<TrustResult> {
  const owner = await findTrustOwner(context.environment, context.signal);
  const wish = wishOf(input, owner, context);
  const proposal = await proposeTrust(input, owner, wish, context);
  const results = proposal.steps.map(({ result }) => result);
  const why = proposal.why === "" ? [] : [proposal.why];
  if (input.dryRun === true) return tell(proposal.authority, results, "proposed", why, context);
  if (!results.some(({ outcome }) => outcome === "proposed"))
    return tell(proposal.authority, results, outcomeOf(results), why, context);
  if (input.yes !== true && !(await context.confirm(proposal)))
    return tell(proposal.authority, results, "declined", [], context);
  return apply(input, owner, wish, proposal, context);
}

function wishOf({ caNames }: TrustInput, { stateFolder }: TrustOwner, { nowMs }: OperationContext): AuthorityWish {
  return { stateFolder, nowMs, extraNames: caNames === undefined ? [] : readAuthorityNames(caNames) };
}

/** Says what would be done. Nothing is changed. @throws AUTHORITY_UNUSABLE */
async function proposeTrust(
  { only }: TrustInput,
  owner: TrustOwner,
  wish: AuthorityWish,
  { signal }: OperationContext,
): Promise<TrustProposal> {
  const { stateFolder } = owner;
  const usable = await asOwner(owner, () => readUsableAuthority(wish));
  const authority = typeof usable === "string" ? null : usable;
  const replaced = authority === null ? await asOwner(owner, () => readIfWhole(stateFolder)) : null;
  const former = await asOwner(owner, () => listFormerCertificates(stateFolder));
  const steps = await planTrust({
    owner,
    only,
    trusted: authority === null ? unmadeCertificate(stateFolder) : trustedCertificateOf(authority),
    absent: [...former, ...(replaced === null ? [] : [trustedCertificateOf(replaced)])],
    unmade: authority === null,
    signal,
  });
  const why = typeof usable === "string" ? usable : "";
  return { authority, names: authority?.names ?? namesOfNext(wish, replaced), why, steps };
}

function readIfWhole(stateFolder: string): Authority | null {
  try {
    return readAuthority(stateFolder);
  } catch {
    return null;
  }
}

/** Stands in what is proposed for the certificate that is made when it is agreed to. */
function unmadeCertificate(stateFolder: string): TrustedCertificate {
  const path = certificatePathOf(stateFolder);
  return { path, pem: "", fingerprintSha256: "FINGERPRINT", sha1: "FINGERPRINT", subject: "Portolan local CA" };
}

/** @throws PROPOSAL_STALE when the authority is another one by now */
async function apply(
  input: TrustInput,
  owner: TrustOwner,
  wish: AuthorityWish,
  proposal: TrustProposal,
  context: OperationContext,
): Promise<TrustResult> {
  const { signal, progress } = context;
  const notes = proposal.authority === null ? await make(owner, wish, context) : [];
  const { authority, steps } = await proposeTrust(input, owner, wish, context);
  if (
    authority === null ||
    (proposal.authority !== null && proposal.authority.fingerprintSha256 !== authority.fingerprintSha256)
  )
    throw new PortolanError("PROPOSAL_STALE", "The certificate authority is another one by now.");
  await asOwner(owner, () => keepCertificate(authority));
  const results = await applyTrust(steps, owner, signal, progress);
  const left = stillSomewhere(steps, results);
  if (input.only === undefined && !signal.aborted) await asOwner(owner, () => forgetFormer(owner.stateFolder, left));
  return tell(authority, results, outcomeOf(results), notes, context);
}

async function make(owner: TrustOwner, wish: AuthorityWish, { faces }: OperationContext): Promise<readonly string[]> {
  if (faces?.authority === undefined)
    throw new PortolanError("FACE_MISSING", "This program brings nothing that makes a certificate authority.");
  const ensure = await faces.authority();
  const { notes } = await asOwner(owner, () => ensure(wish));
  // They tell to run this command.
  return notes.map((note) => note.replace(/: portolan gateway trust makes it trusted\.$/, "."));
}

function outcomeOf(results: readonly TrustStepResult[]): TrustResult["outcome"] {
  return results.length > 0 && results.every(({ outcome }) => outcome === "done" || outcome === "already")
    ? "done"
    : "partly";
}

function tell(
  authority: Authority | null,
  steps: readonly TrustStepResult[],
  outcome: TrustResult["outcome"],
  notes: readonly string[],
  { signal }: OperationContext,
): TrustResult {
  return {
    complete: !signal.aborted,
    outcome,
    authority: authority === null ? null : describeAuthority(authority),
    steps: [...steps],
    notes: [...notes],
    hints: authority === null ? [] : hintsFor(authority.certificatePath),
  };
}

/** Programs that read neither of the stores, as their own documentation says. */
function hintsFor(path: string): TrustResult["hints"] {
  return [
    { program: "Node", how: `NODE_EXTRA_CA_CERTS=${path} (portolan run sets it)` },
    { program: "curl", how: `curl --cacert ${path} https://…` },
    { program: "Python requests", how: `requests.get(url, verify="${path}")` },
    { program: "OpenSSL, Python, Ruby, PHP", how: `SSL_CERT_FILE=${path}, in place of every other authority` },
    { program: "Java", how: `keytool -importcert -cacerts -alias portolan -file ${path}` },
  ];
}

/** The declaration of `trust`. */
export const trustOperation = defineOperation({
  name: "trust",
  summary: "Let this system and its browsers trust the gateway's certificates (gateway trust)",
  description:
    "The gateway's certificates are signed by an authority of your own, made on this machine, whose key only you can read. It can vouch for localhost, the names below, and the loopback " +
    "addresses, and for nothing else; --ca-names adds names. This shows which trust stores there are, what would be done to each, asks, does it, and looks whether it has come true: the system's own " +
    "(which takes root; without root it says the commands), and those of Chromium, Chrome and Firefox. With sudo it is the authority of who typed it. gateway untrust takes it back. " +
    "Exit status 0 trusted everywhere, 1 not everywhere.",
  effect: "change",
  faces: ["cli"],
  positional: [],
  examples: [
    { command: "gateway trust", note: "shows what would be done and asks" },
    { command: "gateway trust --only browsers --yes", note: "takes no root" },
    { command: "gateway trust --ca-names shop.test", note: "https://shop.test and what is below as well" },
    { command: "gateway trust --dry-run", note: "says what would be done" },
  ],
  input: inputSchema,
  output: outputSchema,
  run: runTrust,
});
