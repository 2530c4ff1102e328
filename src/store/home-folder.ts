/**
 * @module Where a user's files lie.
 */
import { PortolanError } from "../core/index.ts";
import { readHomeFolder } from "../host/index.ts";

/**
 * HOME, else what the system's table says.
 * @returns absolute path
 * @throws STORE_FAILED when neither knows one
 */
export function homeFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  const said = environment["HOME"];
  const home = said === undefined || said === "" ? readHomeFolder() : said;
  if (home !== null) return home;
  throw new PortolanError("STORE_FAILED", "This user has no home folder: HOME is not set, and the system knows none.", {
    details: { hint: "Set HOME, or PORTOLAN_STATE_HOME to a folder for Portolan's own files." },
  });
}
