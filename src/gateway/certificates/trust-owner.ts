/**
 * @module Whose authority and whose browsers are meant. With sudo that is not root, but who typed it: root has no browser, and an authority in
 * root's home is not the one that the gateway uses.
 */
import { PortolanError } from "../../core/index.ts";
import { homeFolderOf, stateFolderOf } from "../../store/index.ts";
import { findBorrower } from "../borrowed-root.ts";

/** A user. */
export interface TrustOwner {
  /** Home folder, where the browsers have theirs. */
  readonly home: string;
  /** Where the user's authority is. */
  readonly stateFolder: string;
  /** Whether this process may change what is the system's. */
  readonly isRoot: boolean;
  /** The user's ids when this process runs as another one: root by sudo, doas or pkexec. */
  readonly behind: { readonly uid: number; readonly gid: number } | null;
  /** Environment for programs that work for the user. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Whose it is.
 * @throws AUTHORITY_UNUSABLE when the user who typed sudo is not known to the system
 */
export async function findTrustOwner(environment: Environment, signal: AbortSignal): Promise<TrustOwner> {
  const isRoot = process.geteuid?.() === 0;
  const borrower = await findBorrower(environment, isRoot, signal);
  if (borrower === null) {
    const home = homeFolderOf(environment);
    return { home, stateFolder: stateFolderOf(environment), isRoot, behind: null, environment };
  }
  const { typedBy, user, environment: own } = borrower;
  if (user !== null) {
    const { uid, gid, home } = user;
    return { home, stateFolder: stateFolderOf(own), isRoot, behind: { uid, gid }, environment: own };
  }
  throw new PortolanError("AUTHORITY_UNUSABLE", `The system does not know the user ${typedBy} for whom this is done.`, {
    details: { user: typedBy, hint: "Run it without sudo; it says what takes root." },
  });
}

/** Does something as the user: files that it makes are the user's, and what the user may not read is not read. */
export async function asOwner<Value>({ behind }: TrustOwner, act: () => Value | Promise<Value>): Promise<Value> {
  if (behind === null) return act();
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  process.setegid!(behind.gid);
  process.seteuid!(behind.uid);
  try {
    return await act();
  } finally {
    process.seteuid!(uid);
    process.setegid!(gid);
  }
}
