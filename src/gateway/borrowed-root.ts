/**
 * @module Who typed a command that runs as root: by sudo, pkexec or doas. Files, routes and browsers that it is about are that user's.
 */
import { findSystemUser, type SystemUser } from "../act/index.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Somebody who has borrowed root's rights. */
export interface Borrower {
  /** Number or name, as the program that lent them tells it. */
  readonly typedBy: string;
  /** `null` when the system does not know that user. */
  readonly user: SystemUser | null;
  /** The environment as it is the user's: of root's own what was said on purpose alone. */
  readonly environment: Environment;
}

/**
 * Finds who it was.
 * @param isRoot asked of root alone: anybody else can write into the environment what he likes
 * @returns `null` when the caller is meant
 */
export async function findBorrower(
  environment: Environment,
  isRoot: boolean,
  signal: AbortSignal,
): Promise<Borrower | null> {
  const typedBy = isRoot ? whoBorrowsRoot(environment) : null;
  if (typedBy === null) return null;
  const user = await findSystemUser(typedBy, environment, signal);
  if (user?.uid === 0) return null;
  return { typedBy, user, environment: environmentOf(user, environment) };
}

/** As sudo(8), pkexec(1) and doas(1) tell it; `null` for root itself. */
function whoBorrowsRoot(environment: Environment): string | null {
  const typedBy = environment["SUDO_UID"] ?? environment["PKEXEC_UID"] ?? environment["DOAS_USER"] ?? "";
  return typedBy === "" || typedBy === "0" || typedBy === "root" ? null : typedBy;
}

/** The XDG folders of this environment are root's, unless it is the user's own that sudo has kept. */
function environmentOf(user: SystemUser | null, environment: Environment): Environment {
  const kept = user !== null && environment["HOME"] === user.home ? environment : withoutXdg(environment);
  return { ...kept, HOME: user?.home, USER: user?.name, LOGNAME: user?.name };
}

function withoutXdg(environment: Environment): Environment {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("XDG_")));
}
