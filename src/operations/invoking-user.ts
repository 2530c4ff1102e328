/**
 * @module Whose gateway is meant when root was borrowed: `sudo portolan hosts` is about the routes of whoever typed it.
 */
import { findSystemUser } from "../act/index.ts";
import { PortolanError } from "../core/index.ts";
import { findBorrower, gatewayCommand } from "../gateway/index.ts";
import { stateFolderOf } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";

/** A user of this machine. */
export interface InvokingUser {
  readonly uid: number | null;
  /** `null` where nobody says. */
  readonly name: string | null;
  /** Absolute path of Portolan's own files. */
  readonly stateFolder: string;
}

/**
 * The user who typed the command: behind sudo, pkexec and doas that one, otherwise the caller.
 * @throws STORE_FAILED when the user database does not know who that is
 */
export async function findInvokingUser({ userId, environment, signal }: OperationContext): Promise<InvokingUser> {
  const borrower = await findBorrower(environment, userId === 0, signal);
  if (borrower === null) {
    const entry = userId === null ? null : await findSystemUser(String(userId), environment, signal);
    const name = userId === null ? null : (entry?.name ?? environment["USER"] ?? null);
    return { uid: userId, name, stateFolder: stateFolderOf(environment) };
  }
  const { typedBy, user, environment: own } = borrower;
  const said = environment["PORTOLAN_STATE_HOME"];
  if (user === null && (said === undefined || said === "" || !/^\d+$/.test(typedBy)))
    throw new PortolanError("STORE_FAILED", `The user database does not know user ${typedBy}, for whom this is done.`);
  return { uid: user?.uid ?? Number(typedBy), name: user?.name ?? null, stateFolder: stateFolderOf(own) };
}

/**
 * The words that do the same with root's rights. sudo takes PATH and most of the environment away: both files are named whole, and the
 * place of the user's own files is said where it is not the usual one.
 * @param words behind `portolan`
 */
export function wordsAsRoot(words: readonly string[], { environment }: OperationContext): string[] {
  const home = environment["PORTOLAN_STATE_HOME"];
  const hosts = environment["PORTOLAN_HOSTS_FILE"];
  const variables = [
    ...(home === undefined || home === "" ? [] : [`PORTOLAN_STATE_HOME=${home}`]),
    ...(hosts === undefined || hosts === "" ? [] : [`PORTOLAN_HOSTS_FILE=${hosts}`]),
  ];
  return [
    "sudo",
    ...(variables.length === 0 ? [] : ["env", ...variables]),
    ...gatewayCommand([]).slice(0, 2),
    ...words,
  ];
}
