/**
 * @module Where files of a user lie that can be made anew at any time.
 */
import { join } from "node:path";
import { homeFolderOf } from "./home-folder.ts";

/**
 * `cache` in PORTOLAN_STATE_HOME; else `portolan` in XDG_CACHE_HOME (XDG Base Directory Specification), in `~/.cache` without it; on macOS
 * and Windows in their places for such files. Need not exist yet.
 */
export function cacheFolderOf(environment: Readonly<Record<string, string | undefined>>): string {
  const own = environment["PORTOLAN_STATE_HOME"];
  if (own !== undefined && own !== "") return join(own, "cache");
  const home = homeFolderOf(environment);
  if (process.platform === "darwin") return join(home, "Library", "Caches", "portolan");
  if (process.platform === "win32")
    return join(environment["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), "portolan", "cache");
  const cache = environment["XDG_CACHE_HOME"];
  // Relative paths there are to be ignored, says the specification.
  return join(cache?.startsWith("/") === true ? cache : join(home, ".cache"), "portolan");
}
