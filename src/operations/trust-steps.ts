/**
 * @module What is to be done to which trust store, and doing it.
 */
import {
  changeTrust,
  listTrustStores,
  shellText,
  wordsOf,
  type TrustOwner,
  type TrustStore,
  type TrustedCertificate,
} from "../gateway/index.ts";
import { optionalChoice } from "./parameters.ts";
import type { TrustStepResult } from "./trust-schemas.ts";

/** The entry that picks stores. */
export const onlyEntry = {
  only: optionalChoice(["system", "browsers"], "Only these stores (default: all of them)"),
};

/** A step, and what doing it takes. */
export interface TrustStep {
  readonly store: TrustStore;
  readonly certificate: TrustedCertificate;
  readonly wanted: "trusted" | "absent";
  /** As it is before it is done. */
  readonly result: TrustStepResult;
}

/** What it is about. */
export interface TrustWish {
  readonly owner: TrustOwner;
  readonly only: "system" | "browsers" | undefined;
  /** Certificate that is to be trusted everywhere; `null` for none. */
  readonly trusted: TrustedCertificate | null;
  /** Certificates that are to be trusted nowhere. */
  readonly absent: readonly TrustedCertificate[];
  /** Stands for the certificate that has not been made yet. */
  readonly unmade: boolean;
  readonly signal: AbortSignal;
}

/** Looks at every store and says what is to be done. Nothing is changed. */
export async function planTrust(wish: TrustWish): Promise<TrustStep[]> {
  const { owner, only, trusted, absent, signal } = wish;
  const stores = listTrustStores(owner, signal).filter(
    ({ kind }) => only === undefined || kind === (only === "browsers" ? "browser" : "system"),
  );
  const steps: TrustStep[] = [];
  for (const store of stores) {
    for (const certificate of absent) {
      const step = await planStep(wish, store, certificate, "absent");
      if (step !== null) steps.push(step);
    }
    const step = trusted === null ? null : await planStep(wish, store, trusted, "trusted");
    if (step !== null) steps.push(step);
  }
  return steps;
}

async function planStep(
  { owner, unmade }: TrustWish,
  store: TrustStore,
  certificate: TrustedCertificate,
  wanted: TrustStep["wanted"],
): Promise<TrustStep | null> {
  const isUnmade = unmade && wanted === "trusted";
  const state = isUnmade ? undefined : await store.look(certificate);
  // What is not there need not be told, nor what a store that takes nothing from Portolan cannot tell.
  if (wanted === "absent" && state?.known === true && state.value === "absent") return null;
  if (wanted === "absent" && store.blocked !== null && store.kind === "system") return null;
  const root = store.needsRoot && !owner.isRoot;
  const actions = wanted === "trusted" ? store.adding(certificate) : store.removing(certificate);
  const already = state?.known === true && state.value === wanted;
  const blocked =
    store.blocked ?? (state?.known === false && !root ? "It cannot be read: another program or user keeps it." : null);
  const outcome = already ? "already" : blocked !== null ? "blocked" : root ? "root" : "proposed";
  return {
    store,
    certificate,
    wanted,
    result: {
      kind: store.kind,
      title: store.title,
      path: store.path,
      fingerprintSha256: isUnmade ? null : certificate.fingerprintSha256,
      wanted,
      outcome,
      reason: outcome === "blocked" ? blocked : outcome === "root" ? "It takes root." : null,
      commands:
        outcome === "already"
          ? []
          : actions.map((action) => shellText([...(root ? ["sudo"] : []), ...wordsOf(action)])),
    },
  };
}

/** Does what can be done, and tells what came of each step. */
export async function applyTrust(
  steps: readonly TrustStep[],
  owner: TrustOwner,
  signal: AbortSignal,
  progress: (message: string) => void,
): Promise<TrustStepResult[]> {
  const results: TrustStepResult[] = [];
  for (const { store, certificate, wanted, result } of steps) {
    if (result.outcome !== "proposed" || signal.aborted) {
      results.push(result);
      continue;
    }
    progress(`${store.title} …`);
    const problem = await changeTrust(owner, store, certificate, wanted, signal);
    results.push({ ...result, outcome: problem === null ? "done" : "failed", reason: problem });
  }
  return results;
}

/** Certificates that some store still has, as far as can be told. */
export function stillSomewhere(steps: readonly TrustStep[], results: readonly TrustStepResult[]): TrustedCertificate[] {
  const left = steps.filter(
    ({ wanted }, index) =>
      wanted === "absent" && results[index]!.outcome !== "done" && results[index]!.outcome !== "already",
  );
  return [...new Map(left.map(({ certificate }) => [certificate.fingerprintSha256, certificate])).values()];
}
