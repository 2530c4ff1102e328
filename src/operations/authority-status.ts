/**
 * @module What `gateway status` says of the certificate authority: which one, and where it is trusted.
 */
import * as v from "valibot";
import { isPortolanError } from "../core/index.ts";
import { findTrustOwner, listTrustStores, readAuthority, trustedCertificateOf } from "../gateway/index.ts";
import type { OperationContext } from "./operation.ts";
import { knownSchema, listOf } from "./schemas.ts";
import { authoritySchema, describeAuthority } from "./trust-schemas.ts";

/** An authority, and the stores that there are. */
export const authorityStatusSchema = v.object({
  ...authoritySchema.entries,
  stores: listOf(
    v.object({
      title: v.string(),
      path: v.string(),
      trusted: v.pipe(knownSchema(v.boolean()), v.description("Whether programs that read this store trust it")),
    }),
  ),
});

export type AuthorityStatus = v.InferOutput<typeof authorityStatusSchema>;

/** `null` when there is none yet, or it cannot be used: `gateway trust` says why. */
export async function readAuthorityStatus(
  stateFolder: string,
  { environment, signal }: OperationContext,
): Promise<AuthorityStatus | null> {
  try {
    const authority = readAuthority(stateFolder);
    if (authority === null) return null;
    const certificate = trustedCertificateOf(authority);
    const stores = listTrustStores(await findTrustOwner(environment, signal), signal);
    return {
      ...describeAuthority(authority),
      stores: await Promise.all(
        stores.map(async ({ title, path, look }) => {
          const state = await look(certificate);
          return { title, path, trusted: state.known ? { known: true, value: state.value === "trusted" } : state };
        }),
      ),
    };
  } catch (error) {
    if (isPortolanError(error)) return null;
    throw error;
  }
}
