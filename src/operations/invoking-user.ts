/**
 * @module Whose gateway is meant when root was borrowed: `sudo portolan hosts` is about the routes of whoever typed it.
 */
import { runProgram } from "../act/index.ts";
import { PortolanError } from "../core/index.ts";
import { gatewayCommand } from "../gateway/index.ts";
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
 * The user who typed the command: behind sudo (SUDO_UID) that one, otherwise the caller.
 * @throws STORE_FAILED when the user database does not know who that is
 */
export async function findInvokingUser(context: OperationContext): Promise<InvokingUser> {
  const { userId, environment } = context;
  const sudo = environment["SUDO_UID"] ?? "";
  const borrowed = userId === 0 && /^[1-9]\d*$/.test(sudo);
  const uid = borrowed ? Number(sudo) : userId;
  const own = environment["PORTOLAN_STATE_HOME"];
  if (!borrowed) {
    const name = uid === null ? null : ((await readUser(uid, context))?.name ?? environment["USER"] ?? null);
    return { uid, name, stateFolder: stateFolderOf(environment) };
  }
  const user = await readUser(uid!, context);
  if (user === null && (own === undefined || own === ""))
    throw new PortolanError("STORE_FAILED", `The user database does not know user ${uid}, who called sudo.`);
  // Of root's environment only what was said on purpose counts.
  const folder = stateFolderOf({ HOME: user?.home, PORTOLAN_STATE_HOME: own });
  return { uid, name: user?.name ?? null, stateFolder: folder };
}

/** Name and home directory by the system's user database (getent(1); `id -P` of macOS and the BSDs). */
async function readUser(
  uid: number,
  { environment, signal }: OperationContext,
): Promise<{ readonly name: string; readonly home: string } | null> {
  const [program, words] =
    process.platform === "linux"
      ? (["getent", ["passwd", String(uid)]] as const)
      : (["id", ["-P", String(uid)]] as const);
  const outcome = await runProgram(program, words, { deadlineMs, signal, environment });
  if (outcome.ended !== "well") return null;
  const fields = outcome.output.split("\n")[0]!.split(":");
  const name = fields[0] ?? "";
  const home = fields.at(-2) ?? "";
  return name === "" || !home.startsWith("/") ? null : { name, home };
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
