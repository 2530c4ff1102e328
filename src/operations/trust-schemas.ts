/**
 * @module How an authority and the stores that trust it are told.
 */
import * as v from "valibot";
import type { AuthorityFacts } from "../gateway/index.ts";
import { listOf, timeSchema } from "./schemas.ts";

/** An authority. */
export const authoritySchema = v.object({
  certificatePath: v.pipe(v.string(), v.description("File of its certificate, PEM; the key is beside it")),
  fingerprintSha256: v.string(),
  subject: v.pipe(v.string(), v.description("Its common name, as stores show it")),
  notAfter: timeSchema,
  names: v.pipe(listOf(v.string()), v.description("Names that it may vouch for, each with every name below")),
});

/** What is done, or would be, to one store. */
export const trustStepSchema = v.object({
  kind: v.picklist(["system", "browser"]),
  title: v.string(),
  path: v.string(),
  fingerprintSha256: v.pipe(v.nullable(v.string()), v.description("Of the certificate; null while it is not made")),
  wanted: v.picklist(["trusted", "absent"]),
  outcome: v.pipe(
    v.picklist(["already", "proposed", "done", "root", "blocked", "failed"]),
    v.description(
      "already: as wanted before; root: not done, as it takes root; blocked: not possible here; failed: tried in vain",
    ),
  ),
  reason: v.nullable(v.string()),
  commands: v.pipe(listOf(v.string()), v.description("The same by hand")),
});

export const trustOutcomeEntries = {
  complete: v.boolean(),
  outcome: v.pipe(
    v.picklist(["done", "partly", "proposed", "declined"]),
    v.description("partly: something was not done, and its step says why"),
  ),
  authority: v.pipe(v.nullable(authoritySchema), v.description("null when there is none, or it has not been made yet")),
  steps: listOf(trustStepSchema),
};

export type ListedAuthority = v.InferOutput<typeof authoritySchema>;
export type TrustStepResult = v.InferOutput<typeof trustStepSchema>;

/** Tells an authority. */
export function describeAuthority(authority: AuthorityFacts): ListedAuthority {
  const { certificatePath, fingerprintSha256, subject, notAfterMs, names } = authority;
  return {
    certificatePath,
    fingerprintSha256,
    subject,
    notAfter: new Date(notAfterMs).toISOString(),
    names: [...names],
  };
}
