/**
 * @module Where Portolan's own files of a user lie.
 */
import { join } from "node:path";
import { isPortolanError } from "../core/index.ts";
import { homeFolderOf } from "./home-folder.ts";

/**
 * PORTOLAN_STATE_HOME; else `portolan` in XDG_STATE_HOME (XDG Base Directory Specification), in `~/.local/state` without it; on macOS and
 * Windows in their places for such files. Need not exist yet.
 */
export function stateFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment["PORTOLAN_STATE_HOME"];
  if (own !== undefined && own !== "") return own;
  const home = homeFolderOf(environment);
  if (process.platform === "darwin") return join(home, "Library", "Application Support", "portolan");
  if (process.platform === "win32")
    return join(environment["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "portolan");
  const state = environment["XDG_STATE_HOME"];
  // Relative paths there are to be ignored, says the specification.
  return join(state?.startsWith("/") === true ? state : join(home, ".local", "state"), "portolan");
}

/** The same for who only looks: `null` when this user has no home folder, and so no files of ours. */
export function findStateFolder(environment: Readonly<Record<string, string | undefined>>): string | null {
  try {
    return stateFolderOf(environment);
  } catch (error) {
    if (isPortolanError(error, "STORE_FAILED")) return null;
    throw error;
  }
}
