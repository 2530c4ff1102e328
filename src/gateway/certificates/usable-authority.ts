/**
 * @module Whether the authority that a user has will do, or a new one has to be made.
 */
import { isPortolanError } from "../../core/index.ts";
import { readAuthority, type Authority } from "./authority-file.ts";
import { alwaysCovered, isCoveredName } from "./authority-names.ts";

/** With less than this left it is made anew: what it vouches for would end too soon. */
const leastLeftMs = 7 * 86_400_000;

/** What is needed of an authority. */
export interface AuthorityWish {
  readonly stateFolder: string;
  readonly nowMs: () => number;
  /** Names beside `localhost` that it has to cover. */
  readonly extraNames: readonly string[];
}

/**
 * The authority, or why there has to be a new one; an empty text when there is none yet.
 * @throws AUTHORITY_UNUSABLE when it is another user's or of a later version
 */
export function readUsableAuthority({ stateFolder, nowMs, extraNames }: AuthorityWish): Authority | string {
  let authority: Authority | null;
  try {
    authority = readAuthority(stateFolder);
  } catch (error) {
    if (isPortolanError(error, "AUTHORITY_UNUSABLE") && error.details["damaged"] === true)
      return `${error.message} It is kept beside, as authority.json.damaged.`;
    throw error;
  }
  if (authority === null) return "";
  if (authority.notAfterMs < nowMs() + leastLeftMs)
    return `The certificate authority was good until ${new Date(authority.notAfterMs).toISOString()}.`;
  const uncovered = extraNames.filter((wanted) => !isCoveredName(wanted, authority));
  return uncovered.length === 0 ? authority : `The certificate authority did not cover ${uncovered.join(", ")}.`;
}

/** Names of the one that is made: what the former one covered is covered still. */
export function namesOfNext({ extraNames }: AuthorityWish, former: Authority | null): string[] {
  return [...new Set([alwaysCovered, ...(former?.names ?? []), ...extraNames])];
}
