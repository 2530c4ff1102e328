/**
 * @module Whose gateway is meant when root was borrowed: `sudo portolan hosts` is about the routes of whoever typed it.
 */
import { runProgram } from "../act/index.ts";
import { PortolanError } from "../core/index.ts";
import { gatewayCommand, whoBorrowsRoot } from "../gateway/index.ts";
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

/** How long the user database may take, milliseconds. */
const deadlineMs = 5000;

/**
 * The user who typed the command: behind sudo, pkexec and doas that one, otherwise the caller.
 * @throws STORE_FAILED when the user database does not know who that is
 */
export async function findInvokingUser(context: OperationContext): Promise<InvokingUser> {
  const { userId, environment } = context;
  const typedBy = userId === 0 ? whoBorrowsRoot(environment) : null;
  const own = environment["PORTOLAN_STATE_HOME"];
  if (typedBy === null) {
    const name =
      userId === null ? null : ((await readUser(String(userId), context))?.name ?? environment["USER"] ?? null);
    return { uid: userId, name, stateFolder: stateFolderOf(environment) };
  }
  const user = await readUser(typedBy, context);
  if (user === null && (own === undefined || own === "" || !/^\d+$/.test(typedBy)))
    throw new PortolanError("STORE_FAILED", `The user database does not know user ${typedBy}, for whom this is done.`);
  // Of root's environment only what was said on purpose counts.
  const folder = stateFolderOf({ HOME: user?.home, PORTOLAN_STATE_HOME: own });
  return { uid: user?.uid ?? Number(typedBy), name: user?.name ?? null, stateFolder: folder };
}

interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly home: string;
}

/**
 * A user by the system's user database (getent(1); `id -P` of macOS and the BSDs).
 * @param wanted number or name
 */
async function readUser(wanted: string, { environment, signal }: OperationContext): Promise<UserEntry | null> {
  const [program, words] =
    process.platform === "linux" ? (["getent", ["passwd", wanted]] as const) : (["id", ["-P", wanted]] as const);
  const outcome = await runProgram(program, words, { deadlineMs, signal, environment });
  if (outcome.ended !== "well") return null;
  const fields = outcome.output.split("\n")[0]!.split(":");
  const name = fields[0] ?? "";
  const uid = Number(fields[2]);
  const home = fields.at(-2) ?? "";
  return name === "" || !Number.isInteger(uid) || !home.startsWith("/") ? null : { name, uid, home };
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
