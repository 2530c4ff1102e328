/**
 * @module The home folder of this process's user, by the system's own table.
 */
import { homedir } from "node:os";

/** Absolute path (Node takes HOME first); `null` for a user whom the table does not have: a container's `--user` without an entry. */
export function readHomeFolder(): string | null {
  try {
    return homedir();
  } catch {
    return null;
  }
}
